"""The OpenAPI document of the JSON door, and the JSON Schema of each operation.

They are generated from the table of the door, the rows of answers/, and the classes that have instances.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from logonscope.answers.json_schema import REFERENCE, row_schemas
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.errors import InvalidMethodError
from logonscope.providers.helpers.registry import find_provider
from logonscope.server.json import (
    JSON,
    JSON_LINES,
    JSON_OPERATIONS,
    LINE_HEADER,
    MIN_LINE,
    MOMENT_HEADER,
    PREFIX,
    TIMEOUT_HEADER,
    VIEW_HEADER,
    JsonOperation,
    offered_operations,
)
from logonscope.server.json_events import EVENT_STREAM
from logonscope.wire.json.schemas import CLASS, INSTANCE, class_schema

OPENAPI_PATH = "/v1/openapi.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT, _INTEGER, _NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"{REFERENCE}{name}"}


def _members(description: str = "", **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has all of these members."""
    base = {"type": "object", "description": description} if description else {"type": "object"}
    return {**base, "properties": properties, "required": list(properties)}


ANSWERS: Mapping[str, dict[str, Any]] = {
    "Identity": _members(
        "The product; whether the caller sees every logon session, and whether the host keeps history and has events.",
        product=_TEXT, version=_TEXT, sees_everything={"type": "boolean"}, has_history={"type": "boolean"},
        has_events={"type": "boolean"},
        api={"const": 1},
    ),
    "Pair": _members("A process and its logon session.", pid=_INTEGER, logon_id=_TEXT),
    "TreePart": {
        "description": (
            "A logon session, or a process of the logon session in the row before. The logon session null has the"
            " processes whose logon session the caller may not see, or is not known."
        ),
        "oneOf": [
            _members(session={"anyOf": [_reference("LogonSession"), _NULL]}),
            _members(process=_reference("SessionProcess")),
        ],
    },
    "LeftoversPart": {
        "description": (
            "A leftover; or, in the last line, the numbers of logon sessions of which it is known, and is not known,"
            " whether they are logged out."
        ),
        "oneOf": [
            _members(process=_reference("SessionProcess")),
            _members(logon_sessions=_reference("LogonSessionCounts")),
        ],
    },
    "LogonSessionCounts": _members(
        "The numbers of logon sessions of which it is known, and is not known, whether they are logged out.",
        known=_INTEGER, unknown=_INTEGER,
    ),
    "Instance": INSTANCE,
    "Class": CLASS,
    "InstanceOrClass": {"anyOf": [_reference("Instance"), _reference("Class")]},
    "Outcome": _members(
        "The result of a method: 0 is success.", return_value=_INTEGER, parameters={"type": "object"}
    ),
    "Nothing": {"type": "object", "maxProperties": 0},
    "Error": _members(
        "An error: WMI's name and number, what is wrong, and what to do.",
        error=_members(name=_TEXT, number=_INTEGER, message=_TEXT, hint=_TEXT),
    ),
}  # fmt: skip
"""Schemas of the answers that no class of answers/ describes."""


@cache
def answer_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of all answers by their names."""
    schemas = dict(ANSWERS)
    for operation in JSON_OPERATIONS.values():
        if not isinstance(operation.answer, str):
            schemas |= row_schemas(operation.answer)
    return schemas


def class_schemas() -> dict[str, dict[str, Any]]:
    """Return, by the name of each class that has instances here, the schema of its properties."""
    return {
        cls.name: class_schema(cls)
        for namespace in (CIMV2, LOGONSCOPE)
        for cls in schema().classes(namespace)
        if find_provider(cls) is not None
    }


def request_schema(operation: JsonOperation) -> dict[str, Any]:
    """Return the schema of the arguments of an operation."""
    properties = {
        name: {**argument.type.schema, "description": argument.description}
        for name, argument in operation.arguments.items()
    }
    required = [name for name, argument in operation.arguments.items() if argument.is_required]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


def operation_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of an operation: ``request``, and ``answer`` (of one line or event, if it is a stream).

    Raises:
        InvalidMethodError: there is no such operation.
    """
    operation = JSON_OPERATIONS.get(name)
    if operation is None:
        raise InvalidMethodError(
            f"unknown operation {name[:100]!r}", f"the operations are {', '.join(JSON_OPERATIONS)}"
        )
    definitions: dict[str, Any] = {}
    answer = _answer_reference(operation)
    _add_definitions(answer, definitions)
    # A schema outside of the OpenAPI document has its definitions in $defs.
    document = {
        "$schema": DIALECT,
        "title": name,
        "properties": {"request": request_schema(operation), "answer": answer},
        "$defs": definitions,
    }
    standalone_document: dict[str, Any] = json.loads(json.dumps(document).replace(REFERENCE, "#/$defs/"))
    return standalone_document


def _answer_reference(operation: JsonOperation) -> dict[str, Any]:
    answer = operation.answer
    return _reference(answer if isinstance(answer, str) else answer.__name__)


def _add_definitions(part: Any, definitions: dict[str, Any]) -> None:
    """Add to ``definitions`` the schemas that a part of a schema refers to, directly or indirectly."""
    if isinstance(part, dict):
        name = str(part.get("$ref", "")).removeprefix(REFERENCE)
        if name and name not in definitions:
            definitions[name] = answer_schemas()[name]
            _add_definitions(definitions[name], definitions)
        for inner in part.values():
            _add_definitions(inner, definitions)
    elif isinstance(part, list):
        for inner in part:
            _add_definitions(inner, definitions)


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document."""
    headers = [
        _header(TIMEOUT_HEADER, {"type": "number", "exclusiveMinimum": 0}, "seconds for the whole answer"),
        _header(
            LINE_HEADER, {"type": "integer", "minimum": MIN_LINE}, "bytes of the longest line; longer ones are cut"
        ),
        _header(VIEW_HEADER, {"type": "string"}, "the user whose view an administrator asks for"),
        # no "format": the client generators that were tried do not support times in headers
        _header(MOMENT_HEADER, {"type": "string"}, "the host as it was at this time (ISO 8601 with its offset)"),
    ]
    error = {"description": "an error", "content": {JSON: {"schema": _reference("Error")}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Logonscope",
            "version": version("logonscope"),
            "description": "Which logon session each process belongs to.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"token": []}],
        "paths": {
            f"{PREFIX}{name}": {"post": _operation(name, row, description, error)}
            for name, row, description in offered_operations()
        },
        "components": {
            "schemas": {**answer_schemas(), **class_schemas()},
            "parameters": {header["name"]: header for header in headers},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(name: str, row: JsonOperation, description: str, error: dict[str, Any]) -> dict[str, Any]:
    content_type, text = JSON, "the answer"
    if row.is_watch:
        content_type, text = EVENT_STREAM, "server-sent events; the data of each has the schema"
    elif row.has_rows:
        content_type, text = JSON_LINES, "JSON lines; each has the schema, but the last one may be an error"
    answer = {"description": text, "content": {content_type: {"schema": _answer_reference(row)}}}
    headers = [
        {"$ref": f"#/components/parameters/{header.title()}"}
        for header in (TIMEOUT_HEADER, LINE_HEADER, VIEW_HEADER, MOMENT_HEADER)
    ]
    request = request_schema(row)
    return {
        "operationId": name,
        "summary": description,
        "parameters": headers,
        "requestBody": {"required": bool(request["required"]), "content": {JSON: {"schema": request}}},
        "responses": {"200": answer, "default": error},
    }


def _header(name: str, value_schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name.title(), "in": "header", "description": description, "schema": value_schema}


def documents() -> Mapping[str, Callable[[], bytes]]:
    """Return, by path, the function that makes the document at this path."""
    return {OPENAPI_PATH: _openapi_text}


@cache
def _openapi_text() -> bytes:
    return f"{json.dumps(openapi(), indent=1)}\n".encode()
