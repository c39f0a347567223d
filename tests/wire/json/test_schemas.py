"""Tests of wire/json/schemas.py: the schema of a class has each property with its type and meaning."""

from logonscope.cim.schema import LOGONSCOPE, schema
from logonscope.wire.json.schemas import class_schema


def test_each_property_has_its_type_and_meaning() -> None:
    properties = class_schema(schema().get("LS_Process", LOGONSCOPE))["properties"]
    assert properties["Arguments"]["items"] == {"type": "string"}
    assert properties["Arguments"]["type"] == ["array", "null"]
    assert properties["CommandLineBytes"]["items"] == {"type": "integer"}
    assert all(member["description"] for member in properties.values())
    reference = class_schema(schema().get("Win32_SessionProcess"))["properties"]["Dependent"]
    assert reference["type"] == ["string", "null"]
