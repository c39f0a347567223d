"""Tests of providers/computer_system.py: the computer, and its console user."""

import os
from typing import Any

import pytest

import logonscope
from logonscope.broker import Request
from logonscope.broker.instances import enumerate_instances
from logonscope.cim.types import Value
from logonscope.errors import NotFoundError
from logonscope.facts import Platform, Vitals
from logonscope.machine.snapshot import Snapshot
from tests import example
from tests.broker.memory import Memory, asking
from tests.hosts import ROOT, HostFolder, user
from tests.providers.asked import GIB, PLATFORM, SNAPSHOT, VITALS, everything, one, seen, web1

WEB1 = "Win32_ComputerSystem='web1'"


def test_all_that_is_known_of_the_computer() -> None:
    known = {name: value for name, value in web1().get(WEB1).properties().items() if value is not None}
    assert known == {
        "Name": "web1", "Caption": "web1", "DNSHostName": "web1", "CreationClassName": "Win32_ComputerSystem",
        "Description": "x64-based PC", "SystemType": "x64-based PC", "Manufacturer": "QEMU", "Model": "Standard PC",
        "SystemFamily": "PC", "SystemSKUNumber": "pc-q35", "HypervisorPresent": True, "NumberOfProcessors": 1,
        "NumberOfLogicalProcessors": 4, "TotalPhysicalMemory": 8 * GIB, "CurrentTimeZone": 120,
        "DaylightInEffect": True,
    }  # fmt: skip


def test_what_a_host_does_not_show_is_null() -> None:
    for nothing in ({"platform": None, "vitals": None}, {"platform": Platform(), "vitals": Vitals(time=0)}):
        known = {name for name, value in web1(**nothing).get(WEB1).properties().items() if value is not None}
        assert known == {"Name", "Caption", "DNSHostName", "CreationClassName"}


def test_there_is_one_and_another_is_not_found() -> None:
    assert everything(web1(user(1001)), "Win32_ComputerSystem", "Name") == ["web1"]
    with pytest.raises(NotFoundError):
        web1().get("Win32_ComputerSystem='web2'")


@pytest.mark.parametrize(
    ("hostname", "names"),
    [("web1.example.org", ("web1.example.org", "web1")), ("h\udcff", ("h\ufffd", "h\ufffd")), ("", ("", ""))],
)
def test_a_hostname_may_be_qualified_or_no_text(hostname: str, names: tuple[str, str]) -> None:
    host = web1(machine=example.MACHINE._replace(hostname=hostname))
    assert everything(host, "Win32_ComputerSystem", "Name", "DNSHostName") == [names]


@pytest.mark.parametrize(
    ("architecture", "word"), [("aarch64", "ARM64-based PC"), ("i686", "X86-based PC"), ("riscv64", None), (None, None)]
)
def test_an_architecture_that_windows_has_no_word_for_is_null(architecture: str | None, word: str | None) -> None:
    host = web1(platform=PLATFORM._replace(architecture=architecture))
    assert one(host, WEB1, "SystemType", "Description") == (word, word)


def test_what_is_false_is_not_unknown() -> None:
    host = web1(platform=PLATFORM._replace(hypervisor=False), vitals=VITALS._replace(daylight=False, utc_offset=0))
    assert one(host, WEB1, "HypervisorPresent", "DaylightInEffect", "CurrentTimeZone") == (False, False, 0)


def at_the_seat(**fields: Any) -> logonscope.Host:
    """Return the example host where alice's login is at the machine itself."""
    return seen(at_the_seat_of(SNAPSHOT, **fields))


def at_the_seat_of(snapshot: Snapshot, **fields: object) -> Snapshot:
    """Return a host where alice's login is at the machine itself."""
    here: dict[str, Any] = {"seat": "seat0", "state": "active", "remote": False} | fields
    logins = (login._replace(**here) if login.id == "41" else login for login in snapshot.logins)
    return snapshot._replace(logins=tuple(logins))


def enumerated(request: Request, class_name: str, name: str) -> list[Value]:
    """Return a property of every instance of a class."""
    return [value for result in enumerate_instances(request, class_name, [name]) for (value,) in result.rows]


def test_the_user_name_is_who_is_active_at_the_machines_own_seat() -> None:
    assert one(at_the_seat(), WEB1, "UserName") == "web1\\alice"


def test_the_user_name_comes_from_the_records_of_logins_alone() -> None:
    memory = Memory(at_the_seat_of(SNAPSHOT))
    asked = asking(lambda request: enumerated(request, "Win32_ComputerSystem", "UserName"), memory, ROOT)
    assert (asked.processes, asked.logins) == ([], [None])
    others = asking(lambda request: enumerated(request, "Win32_ComputerSystem", "Name"), memory, ROOT)
    assert (others.processes, others.logins) == ([], [])


@pytest.mark.parametrize("fields", [{"seat": "seat1"}, {"state": "online"}, {"cls": "greeter"}, {"gone": True}])
def test_no_other_user_is_the_console_user(fields: dict[str, Any]) -> None:
    assert one(at_the_seat(**fields), WEB1, "UserName") is None


def test_the_console_user_is_visible_with_the_logon_session() -> None:
    logins = tuple(login._replace(seat="seat0", state="active") for login in SNAPSHOT.logins if login.id == "41")
    names = [one(web1(user(uid), logins=logins), WEB1, "UserName") for uid in (1000, 1001)]
    assert names == ["web1\\alice", None]


def test_a_folder_without_hardware_is_a_computer_all_the_same(host: HostFolder) -> None:
    host.write("proc/cpuinfo", "flags\t\t: fpu vme\n")
    found = one(host.connect(), "Win32_ComputerSystem='testhost'", "Name", "HypervisorPresent", "Manufacturer")
    assert found == ("testhost", False, None)


def test_this_computer() -> None:
    (found,) = logonscope.connect().enumerate("Win32_ComputerSystem")
    assert found.Name == os.uname().nodename
    assert found.NumberOfLogicalProcessors == os.sysconf("SC_NPROCESSORS_ONLN")
    assert found.TotalPhysicalMemory == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
