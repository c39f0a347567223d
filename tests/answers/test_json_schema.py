"""Tests of answers/json_schema.py: the schemas of rows, and that the JSON of real answers is valid by them."""

from typing import get_type_hints

import pytest

from logonscope.answers.check import Check
from logonscope.answers.explanation import Explanation
from logonscope.answers.json_schema import row_schemas
from logonscope.answers.session_process import SessionOf
from logonscope.answers.whose import Whose

NAMES = {"LogonSession", "LogonUsage"}


def test_a_row_has_the_schemas_of_the_rows_in_it() -> None:
    assert set(row_schemas(Whose)) == NAMES | {"Whose", "SessionProcess", "Socket", "UnseenLogin", "OuterLogin"}
    assert set(row_schemas(SessionOf)) == NAMES | {"SessionOf"}


def test_each_field_has_its_type() -> None:
    assert row_schemas(Check)["Check"] == {
        "type": "object", "description": "A result of ``doctor``.",
        "properties": {
            "subject": {"type": "string"}, "ok": {"type": ["boolean", "null"]}, "finding": {"type": "string"},
            "advice": {"type": "string"},
            "figures": {"type": ["object", "null"], "additionalProperties": {"type": "integer"}},
        },
        "required": ["subject", "ok", "finding", "advice", "figures"],
    }  # fmt: skip
    whose = row_schemas(Whose)
    session = whose["LogonSession"]["properties"]
    assert session["start"] == {"type": ["string", "null"], "format": "date-time"}
    assert session["sources"] == {"type": "object", "additionalProperties": {"type": "string"}}
    assert whose["Whose"]["properties"]["chain"] == {
        "type": "array", "items": {"$ref": "#/components/schemas/SessionProcess"}
    }  # fmt: skip


@pytest.mark.parametrize("row_type", [Whose, Check, Explanation, SessionOf])
def test_every_field_is_required(row_type: type) -> None:
    schema = row_schemas(row_type)[row_type.__name__]
    assert schema["required"] == list(schema["properties"]) == list(get_type_hints(row_type))
