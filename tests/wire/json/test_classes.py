"""Tests of wire/json/classes.py: every class of the schema is the same after it was read."""

import json

import pytest

from logonscope import TransportFailureError
from logonscope.cim.classes import Class
from logonscope.cim.schema import CIMV2, LOGONSCOPE, Schema, schema
from logonscope.wire.json.classes import read_declaration, write_class


@pytest.mark.parametrize("namespace", [CIMV2, LOGONSCOPE])
def test_every_class_is_read_as_it_was_written(namespace: str) -> None:
    other = Schema([])
    for cls in schema().classes(namespace):
        found = other.add(read_declaration(json.loads(json.dumps(write_class(cls)))), namespace)
        assert members(found) == members(cls)


def test_what_is_no_class() -> None:
    for line in ({}, {"class": "x", "namespace": "y", "superclass": None, "qualifiers": [1]}):
        with pytest.raises(TransportFailureError):
            read_declaration(line)
    line = json.loads(json.dumps(write_class(schema().get("Win32_Process", CIMV2))))
    for member in line["properties"]:
        member.update(own=True, default=1e300 if member["type"] == "datetime" else None)
    with pytest.raises(TransportFailureError):
        read_declaration(line)


def members(cls: Class) -> tuple[object, ...]:
    """Return what a class consists of."""
    methods = [method._replace(qualifiers=()) for method in cls.methods.values()]
    return cls.name, cls.derivation, cls.keys, list(cls.properties.values()), methods
