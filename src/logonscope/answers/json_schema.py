"""JSON Schemas of row types, made from their fields. They describe the JSON that ``jsonable`` returns for the rows."""

import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

REFERENCE = "#/components/schemas/"
"""Prefix of the name of a schema in a reference to it, as in OpenAPI."""

_SIMPLE_TYPES: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    type(None): {"type": "null"},
}


def row_schemas(row_type: type) -> dict[str, dict[str, Any]]:
    """Return the schemas of a row and of the rows in it, by their names."""
    schemas: dict[str, dict[str, Any]] = {}
    _add_row(row_type, schemas)
    return schemas


def _add_row(row_type: Any, schemas: dict[str, dict[str, Any]]) -> None:
    if row_type.__name__ in schemas:
        return
    # The schema is added before those of the rows in its fields: if one of these rows contains this row type again, it
    # must find the schema here.
    schema: dict[str, Any] = {"type": "object", "description": (row_type.__doc__ or "").partition("\n")[0]}
    schemas[row_type.__name__] = schema
    hints = get_type_hints(row_type)
    schema["properties"] = {name: _schema(hints[name], schemas) for name in row_type._fields}
    schema["required"] = list(row_type._fields)


def _schema(hint: Any, schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a field's type."""
    if hint in _SIMPLE_TYPES:
        return dict(_SIMPLE_TYPES[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _alternatives([_schema(argument, schemas) for argument in arguments])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], schemas)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], schemas)}
    _add_row(hint, schemas)
    return {"$ref": f"{REFERENCE}{hint.__name__}"}


def _alternatives(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a union: ``anyOf``, but "type": ["string", "null"] for a union such as ``str | None``."""
    if len(schemas) == 2 and schemas[1] == {"type": "null"} and "type" in schemas[0]:
        return {**schemas[0], "type": [schemas[0]["type"], "null"]}
    return {"anyOf": schemas}
