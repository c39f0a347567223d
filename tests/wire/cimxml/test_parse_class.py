"""Tests of wire/cimxml/parse_class.py: classes that were written are read back as they were declared."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from logonscope.cim.classes import Class, Parameter, Property
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.errors import TransportFailureError
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


def test_values_of_another_server() -> None:
    number = '<PROPERTY NAME="Share" TYPE="real64"><VALUE>1.5</VALUE></PROPERTY>'
    embedded = '<QUALIFIER NAME="EmbeddedObject" TYPE="boolean"><VALUE>FALSE</VALUE></QUALIFIER>'
    text = f'<CLASS NAME="X">{number}<PROPERTY NAME="Text" TYPE="string">{embedded}</PROPERTY></CLASS>'
    share, plain = parse_class(ET.fromstring(text), CIMV2).properties
    assert (share.type, share.default) == ("real64", 1.5)
    assert (plain.type, plain.reference) == ("string", None)
    for kind, value in (("uint32", "0x10"), ("uint32", "many"), ("real32", "x"), ("uint8", "1.5")):
        wrong = f'<CLASS NAME="X"><PROPERTY NAME="A" TYPE="{kind}"><VALUE>{value}</VALUE></PROPERTY></CLASS>'
        with pytest.raises(TransportFailureError, match="invalid class 'X' in the response"):
            parse_class(ET.fromstring(wrong), CIMV2)
    octets = '<PROPERTY.ARRAY NAME="A" TYPE="uint8"><VALUE.ARRAY><VALUE>300</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>'
    with pytest.raises(TransportFailureError, match="invalid class 'X' in the response"):
        parse_class(ET.fromstring(f'<CLASS NAME="X">{octets}</CLASS>'), CIMV2)
