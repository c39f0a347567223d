"""JSON Schemas of instances and of their classes."""

from typing import Any

from logonscope.cim.classes import Class, Property, find_qualifier
from logonscope.cim.types import TYPES

_OTHER_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "char16": {"type": "string"},
    "real32": {"type": "number"},
    "real64": {"type": "number"},
    "datetime": {"type": ["string", "number"], "format": "date-time", "description": "seconds, if it is an interval"},
    "reference": {"type": "string", "description": "an object path"},
    "object": {"type": "object"},
}

_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}

INSTANCE: dict[str, Any] = {
    "type": "object",
    "description": "An instance: its class, its object path (null if a key was not selected) and its properties.",
    "properties": {
        "class": _TEXT,
        "namespace": _TEXT,
        "server": _TEXT,
        "path": {"type": ["string", "null"]},
        "properties": {"type": "object"},
        "truncated": {"type": "boolean", "description": "true: long texts or arrays were cut"},
    },
    "required": ["class", "namespace", "server", "path", "properties"],
}

_QUALIFIERS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}

CLASS: dict[str, Any] = {
    "type": "object",
    "description": "The definition of a class, with the inherited members.",
    "properties": {
        "class": _TEXT,
        "namespace": _TEXT,
        "superclass": {"type": ["string", "null"]},
        "derivation": _TEXTS,
        "keys": _TEXTS,
        "qualifiers": _QUALIFIERS,
        "properties": {"type": "array", "items": {"type": "object"}},
        "methods": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["class", "namespace", "superclass", "derivation", "keys", "qualifiers", "properties", "methods"],
}


def class_schema(cls: Class) -> dict[str, Any]:
    """Return the schema of a class's properties. Each can be null; none is required: a client can select properties."""
    properties = {name: _property_schema(member) for name, member in cls.properties.items()}
    return {"type": "object", "description": _description(cls.qualifiers), "properties": properties}


def _property_schema(member: Property) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"} if TYPES[member.type].is_integer else dict(_OTHER_TYPES[member.type])
    if member.array:
        schema = {"type": "array", "items": schema}
    types = schema["type"]
    schema["type"] = [*(types if isinstance(types, list) else [types]), "null"]
    return {**schema, "description": text} if (text := _description(member.qualifiers)) else schema


def _description(qualifiers: Any) -> str:
    qualifier = find_qualifier(qualifiers, "Description")
    return "" if qualifier is None else str(qualifier.value)
