"""Tests of wire/cimxml/parse_class.py: classes that were written are read back as they were declared."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from logonscope.cim.classes import Class, Parameter, Property
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.wire.cimxml.parse_class import parse_class
from logonscope.wire.cimxml.write_class import write_class

CLASSES = [*schema().classes(CIMV2), *schema().classes(LOGONSCOPE)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_a_class_and_its_parents_make_the_class_again(cls: Class) -> None:
    found: Class | None = None
    for name in reversed((cls.name, *cls.derivation)):
        written = write_class(schema().get(name, cls.namespace))
        found = Class(parse_class(ET.fromstring(written), cls.namespace), found, cls.namespace, schema())
    assert found is not None
    assert (found.name, found.derivation, found.keys) == (cls.name, cls.derivation, cls.keys)
    assert set(found.qualifiers) == set(cls.qualifiers)
    assert [with_set(member) for member in found.properties.values()] == [
        with_set(member) for member in cls.properties.values()
    ]
    assert list(found.methods) == list(cls.methods)
    for name, method in cls.methods.items():
        read = found.methods[name]
        assert [with_set(member) for member in read.parameters] == [with_set(member) for member in method.parameters]
        assert (read.type, set(read.qualifiers), read.origin) == (method.type, set(method.qualifiers), method.origin)


def with_set(member: Property | Parameter) -> tuple[Any, ...]:
    """Return a property or a parameter with its qualifiers in no order: inherited ones are written with the others."""
    return *member._replace(qualifiers=()), frozenset(member.qualifiers)


@pytest.mark.parametrize("tag", ["PROPERTY", "PARAMETER"])
def test_an_embedded_object_of_any_class_has_no_class(tag: str) -> None:
    mark = '<QUALIFIER NAME="EmbeddedObject" TYPE="boolean"><VALUE>TRUE</VALUE></QUALIFIER>'
    text = f'<{tag} NAME="X" TYPE="string">{mark}</{tag}>'
    inner = text if tag == "PROPERTY" else f'<METHOD NAME="M" TYPE="uint32">{text}</METHOD>'
    read = parse_class(ET.fromstring(f'<CLASS NAME="A">{inner}</CLASS>'), CIMV2)
    (member,) = read.properties or read.methods[0].parameters
    assert (member.type, member.reference, member.qualifiers) == ("object", None, ())
