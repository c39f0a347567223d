"""Tests of wire/wsman/faults.py: every error has a fault, with the parts that clients look for."""

import pytest
from lxml import etree

from logonscope import errors
from logonscope.errors import LogonscopeError
from logonscope.wire.wsman import faults
from logonscope.wire.wsman.faults import FAULT_KINDS, Fault, FaultError, FaultKind, fault_body, fault_of
from logonscope.wire.wsman.names import ADDRESSING_FAULT, CIM_SCHEMA, MICROSOFT_FAULT, SOAP, WSMAN
from logonscope.wire.xml import clark_name

LEAVES: list[type[LogonscopeError]] = [
    found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, LogonscopeError)
]
WMI_ERROR = f"{CIM_SCHEMA}/MSFT_WmiError"
OWN = [found for found in vars(faults).values() if isinstance(found, FaultKind)]


def test_every_error_has_its_fault() -> None:
    assert set(FAULT_KINDS) == set(LEAVES) - {LogonscopeError}


@pytest.mark.parametrize("leaf", sorted((leaf for leaf, kind in FAULT_KINDS.items() if not kind.number), key=str))
def test_a_refusal_of_wmi_has_its_number(leaf: type[LogonscopeError]) -> None:
    fault = fault_of(leaf("it is <wrong>", "do & that"))
    assert (fault.number, fault.reason) == (leaf.number, "it is <wrong>; do & that")
    root = etree.fromstring(f'<e xmlns:s="{SOAP}" xmlns:w="{WSMAN}">{fault_body(fault, "web1")}</e>')
    error = root.find(f".//{clark_name(WMI_ERROR, 'MSFT_WmiError')}")
    assert error is not None
    assert error.findtext(clark_name(WMI_ERROR, "error_Code")) == str(leaf.number)
    assert error.findtext(clark_name(WMI_ERROR, "CIMStatusCode")) == str(leaf.cim_status)


@pytest.mark.parametrize("leaf", sorted((leaf for leaf, kind in FAULT_KINDS.items() if kind.number), key=str))
def test_a_refusal_that_ws_management_knows_has_its_number_there(leaf: type[LogonscopeError]) -> None:
    kind = FAULT_KINDS[leaf]
    assert kind in OWN
    assert fault_of(leaf("it is so", "do that")) == Fault(kind, kind.number, "it is so; do that")


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: f"{kind.subcode} {kind.detail}")
def test_a_fault_has_the_shape_that_clients_read(kind: FaultKind) -> None:
    fault = fault_of(FaultError(kind, "it is <wrong>", "do & that"))
    root = etree.fromstring(
        f'<e xmlns:s="{SOAP}" xmlns:w="{WSMAN}" xmlns:a="a" xmlns:n="n" xmlns:e="e">{fault_body(fault, "web<1>")}</e>'
    )
    said = root.findtext(f".//{clark_name(SOAP, 'Text')}")
    told = root.find(f".//{clark_name(MICROSOFT_FAULT, 'WSManFault')}")
    assert told is not None
    assert said == told.findtext(clark_name(MICROSOFT_FAULT, "Message")) == "it is <wrong>; do & that"
    assert (told.get("Code"), told.get("Machine")) == (str(kind.number), "web<1>")
    assert kind.number >> 16 == 0x8033
    assert root.findtext(f".//{clark_name(SOAP, 'Value')}") == kind.code
    assert kind.action.endswith("/fault")


def test_what_is_no_leaf_is_an_internal_error() -> None:
    assert fault_of(LogonscopeError("x")) == Fault(faults.INTERNAL, 0x80041001, "x", cim_status=1)


def test_a_fault_of_soap_has_the_action_of_addressing() -> None:
    assert faults.NOT_UNDERSTOOD.action == ADDRESSING_FAULT
