"""Tests of wire/wsman/requests.py: requests in the forms of all clients decode to the same operations."""

import pytest

from logonscope.cim.paths import ObjectPath
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import parse_envelope
from logonscope.wire.wsman.faults import ACTION_NOT_SUPPORTED, CANNOT_PROCESS_FILTER, FaultError
from logonscope.wire.wsman.requests import (
    EPR,
    EXCLUDE,
    AssociationFilter,
    DecodedMessage,
    Delete,
    Enumerate,
    Get,
    Identify,
    Invoke,
    Pull,
    Release,
    Renew,
    SelectorFilter,
    WqlFilter,
    decode_request,
)
from logonscope.wire.wsman.resource import Resource
from tests.server.soap import envelope, selector_set, uri

PROCESS = Resource("root/cimv2", "Win32_Process")
PATH = ObjectPath("Win32_Process", (("Handle", "7"),), "root/cimv2")
OBJECT = (
    f"<a:ReferenceParameters><w:ResourceURI>{uri('Win32_Process')}</w:ResourceURI>"
    f"{selector_set([('Handle', '7')])}</a:ReferenceParameters>"
)


def asked(
    action: str, body: str = "", *, keys: bool = False, more: str = "", resource: str = "Win32_Process"
) -> DecodedMessage:
    selectors = selector_set([("Handle", "7")]) if keys else ""
    return decode_request(parse_envelope(envelope(action, resource, body, selectors, more)))


def test_identify_needs_no_header() -> None:
    text = f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body><i:Identify xmlns:i="{names.IDENTITY}"/></s:Body></s:Envelope>'
    assert decode_request(parse_envelope(text.encode())) == Identify()


def test_operations_on_an_instance() -> None:
    assert asked(names.GET, keys=True) == Get(PROCESS, PATH)
    fragment = "<w:FragmentTransfer>Name</w:FragmentTransfer>"
    assert asked(names.GET, keys=True, more=fragment) == Get(PROCESS, PATH, "Name")
    assert asked(names.DELETE, keys=True) == Delete(PATH)


def test_an_action_below_the_resource_is_a_method() -> None:
    body = '<p:M_INPUT xmlns:p="x"><p:A> 5 </p:A><p:B xsi:nil="true"/></p:M_INPUT>'
    for action in (f"{uri('Win32_Process')}/M", f"{uri('win32_process').upper()}/M"):
        assert asked(action, body, keys=True) == Invoke(PROCESS, PATH, "M", {"A": "5", "B": None})
    with pytest.raises(FaultError) as refused:
        asked(f"{uri('Win32_Share')}/M", body, keys=True)
    assert refused.value.kind is ACTION_NOT_SUPPORTED


def test_an_enumeration_has_what_it_was_given() -> None:
    assert asked(names.ENUMERATE, "<n:Enumerate/>") == Enumerate(PROCESS)
    body = (
        "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>9</w:MaxElements><n:Expires>PT9S</n:Expires>"
        f"<w:EnumerationMode>{EPR}</w:EnumerationMode><b:PolymorphismMode>{EXCLUDE}</b:PolymorphismMode></n:Enumerate>"
    )
    wanted = Enumerate(PROCESS, None, EPR, EXCLUDE, optimized=True, max_elements=9, expires=9.0)
    assert asked(names.ENUMERATE, body) == wanted


@pytest.mark.parametrize("element", ["w:Filter", "n:Filter"])
@pytest.mark.parametrize("dialect", [names.WQL, names.WQL.lower()])
def test_a_query_in_either_element(element: str, dialect: str) -> None:
    body = f'<n:Enumerate><{element} Dialect="{dialect}"> SELECT * FROM C </{element}></n:Enumerate>'
    found = asked(names.ENUMERATE, body, resource="*")
    assert isinstance(found, Enumerate)
    assert found.filter == WqlFilter("SELECT * FROM C")


def test_selectors_filter_in_a_filter_and_in_the_header() -> None:
    chosen = f'<w:Filter Dialect="{names.SELECTOR_FILTER}">{selector_set([("Handle", "7")])}</w:Filter>'
    for found in (
        asked(names.ENUMERATE, f"<n:Enumerate>{chosen}</n:Enumerate>"),
        asked(names.ENUMERATE, "<n:Enumerate/>", keys=True),
    ):
        assert isinstance(found, Enumerate)
        assert found.filter == SelectorFilter({"Handle": "7"})


def test_the_association_filter_with_all_it_can_say() -> None:
    inner = (
        f"<b:AssociatedInstances><b:Object>{OBJECT}</b:Object><b:AssociationClassName>A</b:AssociationClassName>"
        "<b:Role>r</b:Role><b:ResultClassName>C</b:ResultClassName><b:ResultRole>s</b:ResultRole>"
        "<b:IncludeResultProperty>x</b:IncludeResultProperty><b:IncludeResultProperty>y</b:IncludeResultProperty>"
        "</b:AssociatedInstances>"
    )
    body = f'<n:Enumerate><w:Filter Dialect="{names.ASSOCIATION_FILTER}">{inner}</w:Filter></n:Enumerate>'
    found = asked(names.ENUMERATE, body, resource="*")
    assert isinstance(found, Enumerate)
    assert found.filter == AssociationFilter(PATH, False, "A", "C", "r", "s", ("x", "y"))


def test_what_cannot_be_a_filter() -> None:
    body = f'<n:Enumerate><w:Filter Dialect="{names.SELECTOR_FILTER}">x</w:Filter></n:Enumerate>'
    with pytest.raises(FaultError) as refused:
        asked(names.ENUMERATE, body)
    assert refused.value.kind is CANNOT_PROCESS_FILTER


@pytest.mark.parametrize("space", ["n", "w"])
def test_a_pull_with_its_number_in_either_namespace(space: str) -> None:
    inner = f"<n:EnumerationContext>uuid:1</n:EnumerationContext><{space}:MaxElements>5</{space}:MaxElements>"
    more = "<n:MaxCharacters>900</n:MaxCharacters><n:MaxTime>PT5S</n:MaxTime>"
    assert asked(names.PULL, f"<n:Pull>{inner}{more}</n:Pull>") == Pull(PROCESS, "uuid:1", 5, 900, 5.0)


def test_the_other_operations_on_an_enumeration() -> None:
    context = "<n:EnumerationContext>uuid:1</n:EnumerationContext>"
    assert asked(names.RELEASE, f"<n:Release>{context}</n:Release>") == Release("uuid:1")
    assert asked(names.RENEW, f"<n:Renew>{context}<n:Expires>PT5S</n:Expires></n:Renew>") == Renew("uuid:1", 5.0)
    assert asked(names.GET_STATUS, f"<n:GetStatus>{context}</n:GetStatus>") == Renew("uuid:1", is_status=True)
