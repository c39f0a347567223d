"""Tests of wire/cimxml/parse_class.py: classes that were written are read back as they were declared."""

import xml.etree.ElementTree as ET

import pytest

from logonscope.cim.classes import Class
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.wire.cimxml.parse_class import declared
from logonscope.wire.cimxml.write_class import write_class

CLASSES = [*schema().classes(CIMV2), *schema().classes(LOGONSCOPE)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_a_class_and_its_parents_make_the_class_again(cls: Class) -> None:
    found: Class | None = None
    for name in reversed((cls.name, *cls.derivation)):
        written = write_class(schema().get(name, cls.namespace))
        found = Class(declared(ET.fromstring(written), cls.namespace), found, cls.namespace, schema())
    assert found is not None
    assert (found.name, found.derivation, found.keys) == (cls.name, cls.derivation, cls.keys)
    assert [(one.name, one.type, one.array, one.reference) for one in found.properties.values()] == [
        (one.name, one.type, one.array, one.reference if one.type == "reference" else None)
        for one in cls.properties.values()
    ]
    assert {(one.name.lower(), str(one.value)) for one in found.qualifiers} == {
        (one.name.lower(), str(one.value)) for one in cls.qualifiers
    }
    for name, method in cls.methods.items():
        assert [one.name for one in found.methods[name].parameters] == [one.name for one in method.parameters]
        assert found.methods[name].type == method.type
