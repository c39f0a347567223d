"""Tests of wire/cimxml/write_class.py: every class of the schema becomes a valid CLASS element."""

from typing import Any

import pytest
from lxml import etree
from pywbem._tupleparse import TupleParser
from pywbem._tupletree import xml_to_tupletree_sax

from logonscope.cim.classes import Class
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.wire.cimxml.write_class import write_class

CLASSES = [*schema().classes(CIMV2), *schema().classes(LOGONSCOPE)]


def read_by_client(cls: Class) -> Any:
    """Return what pywbem reads of a class."""
    return TupleParser().parse_class(xml_to_tupletree_sax(write_class(cls), "a class"))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_a_client_reads_of_a_class_what_it_says(cls: Class) -> None:
    found = read_by_client(cls)
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
    assert {name for name, one in found.properties.items() if "key" in one.qualifiers} == set(cls.keys)


def test_where_a_property_comes_from() -> None:
    root = etree.fromstring(write_class(schema().get("Win32_Process", CIMV2)))
    caption = root.find("PROPERTY[@NAME='Caption']")
    session = root.find("PROPERTY[@NAME='SessionId']")
    assert caption is not None
    assert session is not None
    assert (caption.get("CLASSORIGIN"), caption.get("PROPAGATED")) == ("CIM_ManagedSystemElement", "true")
    assert (session.get("CLASSORIGIN"), session.get("PROPAGATED")) == ("Win32_Process", None)


def test_a_client_reads_the_class_of_an_embedded_object_and_which_texts_are_localized() -> None:
    found = read_by_client(schema().get("Win32_Process", CIMV2))
    create = found.methods["Create"]
    startup = create.parameters["ProcessStartupInformation"].qualifiers
    assert (startup["EmbeddedInstance"].value, startup["CIMTYPE"].value) == (
        "Win32_ProcessStartup", "object:Win32_ProcessStartup",
    )  # fmt: skip
    assert {name for name, one in create.qualifiers.items() if one.translatable} == {"Values", "Description"}
    event = read_by_client(schema().get("__InstanceCreationEvent", CIMV2))
    assert event.properties["TargetInstance"].embedded_object == "object"


def test_a_client_reads_default_values() -> None:
    startup = read_by_client(schema().get("Win32_ProcessStartup", CIMV2))
    event_filter = read_by_client(schema().get("__EventFilter", CIMV2))
    assert startup.properties["ErrorMode"].value == 0
    assert startup.properties["ShowWindow"].value is None
    assert event_filter.properties["CreatorSID"].value == [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]
