"""server/enumerate.py: has an enumeration over the wire the rows that the broker has, for everybody who may ask?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.broker.instances import enumerate_instances
from logonscope.cim.paths import parse_path
from logonscope.errors import AccessDeniedError, InvalidClassError, InvalidQueryError
from logonscope.server.enumerate import items_of
from logonscope.wire.wsman.faults import FaultError
from logonscope.wire.wsman.names import ADDRESSING, WSMAN
from logonscope.wire.wsman.requests import EPR, Along, Enumerate, Matching, Wql
from logonscope.wire.wsman.resource import ALL, Resource
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

BROKER = Memory(SNAPSHOT).broker(ROOT)
PROCESSES = Resource("root/cimv2", "Win32_Process")
EVERYTHING = Resource("root/cimv2", ALL)


def values(text: str, name: str) -> list[str | None]:
    root = etree.fromstring(f'<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">{text}</e>')
    return [part.text for part in root.iter() if etree.QName(part).localname == name]


def test_what_can_be_refused_is_refused_before_anything_is_taken() -> None:
    for asked, error in (
        (Enumerate(Resource("root/cimv2", "Nothing")), InvalidClassError),
        (Enumerate(EVERYTHING, Wql("SELECT")), InvalidQueryError),
        (Enumerate(EVERYTHING), FaultError),
        (Enumerate(EVERYTHING, Matching({"Name": "x"})), FaultError),
        (Enumerate(EVERYTHING, Wql("SELECT Name FROM Win32_Process"), EPR), FaultError),
    ):
        with pytest.raises(error):
            items_of(BROKER, asked)
    with pytest.raises(AccessDeniedError):
        items_of(Memory(SNAPSHOT).broker(user(None)), Enumerate(PROCESSES))


def test_a_filter_by_selectors_is_a_condition_whatever_is_in_it() -> None:
    found = list(items_of(BROKER, Enumerate(PROCESSES, Matching({"Name": "python3", "ParentProcessId": "4300"}))))
    assert [values(item, "Handle") for item in found] == [["4312"]]
    hostile = Matching({"Name": "x' OR Name = 'python3", "Handle": 'a"b\\'})
    assert list(items_of(BROKER, Enumerate(PROCESSES, hostile))) == []


def test_class_definitions_are_items_too() -> None:
    asked = Enumerate(Resource("root/cimv2", "Win32_Account*", is_wmi=False, is_class=True))
    query = Wql("SELECT * FROM meta_class WHERE __Class = 'Win32_Account'")
    for wanted in (asked, Enumerate(EVERYTHING, query)):
        assert [item[:28] for item in items_of(BROKER, wanted)] == ['<CLASS NAME="Win32_Account" ']


def test_one_association_and_all() -> None:
    along = Along(parse_path("Win32_Process=4312"), references=True)
    assert len(list(items_of(BROKER, Enumerate(EVERYTHING, along)))) == 2
    assert len(list(items_of(BROKER, Enumerate(EVERYTHING, along._replace(assoc_class="Win32_SessionProcess"))))) == 1


@given(crowds(), st.sampled_from(PEOPLE[1:]))
def test_everybody_gets_the_rows_that_the_broker_has_for_them_and_no_mark_of_the_others(crowd: Crowd, uid: int) -> None:
    broker = Memory(crowd.snapshot).broker(user(uid))
    for name in ("Win32_SessionProcess", "Win32_LogonSession", "Win32_Process", "Win32_LoggedOnUser"):
        told = list(items_of(broker, Enumerate(Resource("root/cimv2", name))))
        rows = [row for result in enumerate_instances(broker, name) for row in result.rows]
        assert len(told) == len(rows)
        assert not [mark for mark in crowd.secrets(uid) for item in told if mark in item]
