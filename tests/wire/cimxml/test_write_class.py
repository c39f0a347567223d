"""Tests of wire/cimxml/write_class.py: every class of the schema becomes a valid CLASS element."""

import pytest
from lxml import etree
from pywbem._tupleparse import TupleParser
from pywbem._tupletree import xml_to_tupletree_sax

from logonscope.cim.classes import Class
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.wire.cimxml.write_class import write_class

CLASSES = [*schema().classes(CIMV2), *schema().classes(LOGONSCOPE)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_a_client_reads_of_a_class_what_it_says(cls: Class) -> None:
    found = TupleParser().parse_class(xml_to_tupletree_sax(write_class(cls), "a class"))
    assert (found.classname, found.superclass) == (cls.name, cls.superclass)
    assert {name: (one.type, bool(one.is_array), one.reference_class) for name, one in found.properties.items()} == {
        one.name: (
            "string" if one.type == "object" else one.type,
            one.array,
            one.reference if one.type == "reference" else None,
        )
        for one in cls.properties.values()
    }
    assert set(found.methods) == set(cls.methods)
    for name, method in cls.methods.items():
        assert list(found.methods[name].parameters) == [parameter.name for parameter in method.parameters]
    assert {name for name, one in found.properties.items() if "Key" in one.qualifiers} == set(cls.keys)


def test_where_a_property_comes_from() -> None:
    root = etree.fromstring(write_class(schema().get("Win32_Process", CIMV2)))
    caption = root.find("PROPERTY[@NAME='Caption']")
    session = root.find("PROPERTY[@NAME='SessionId']")
    assert caption is not None
    assert session is not None
    assert (caption.get("CLASSORIGIN"), caption.get("PROPAGATED")) == ("CIM_ManagedSystemElement", "true")
    assert (session.get("CLASSORIGIN"), session.get("PROPAGATED")) == ("Win32_Process", None)
