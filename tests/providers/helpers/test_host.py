"""Tests of providers/helpers/host.py: names and units that classes of the machine share."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.facts import Platform, Vitals
from logonscope.providers.helpers.host import (
    HostSummary,
    computer_name,
    computer_reference,
    from_platform,
    from_vitals,
    kilobytes,
    server_name,
    system_name,
)
from tests.example import MACHINE
from tests.providers.asked import CONTEXT


def test_the_computer_is_called_by_its_hostname() -> None:
    assert (computer_name(MACHINE), computer_reference(CONTEXT)) == ("web1", ("Win32_ComputerSystem", "web1"))
    assert computer_name(MACHINE._replace(hostname="h\udcff\x1b")) == "h\ufffd\ufffd"


@given(st.text(min_size=1).filter(str.strip))
@example('we\x1b[31mb 1\n"\\/:=')
def test_any_hostname_can_be_the_server_of_a_path(hostname: str) -> None:
    server = server_name(MACHINE._replace(hostname=hostname))
    path = ObjectPath("C", (("K", "v"),), "root\\cimv2", server)
    assert parse_path(str(path)) == path
    assert server_name(MACHINE._replace(hostname="web-1.example")) == "web-1.example"


def test_the_system_is_called_as_os_release_has_it_else_by_its_kernel() -> None:
    assert system_name(MACHINE) == "Debian GNU/Linux 12 (bookworm)"
    assert system_name(MACHINE._replace(system="a\x1b")) == "a\ufffd"
    for nothing in (None, ""):
        assert system_name(MACHINE._replace(system=nothing)) == "Linux 6.1.0-32-amd64"


@pytest.mark.parametrize(("number", "kib"), [(None, None), (0, 0), (1023, 0), (1024, 1), (1 << 40, 1 << 30)])
def test_a_kilobyte_has_1024_bytes_and_only_whole_ones_count(number: int | None, kib: int | None) -> None:
    assert kilobytes(number) == kib


def test_what_was_not_looked_at_is_null() -> None:
    assert from_platform(lambda platform: platform.vendor)(HostSummary(MACHINE), CONTEXT) is None
    assert from_vitals(lambda vitals: vitals.time)(HostSummary(MACHINE), CONTEXT) is None
    summary = HostSummary(MACHINE._replace(platform=Platform(vendor="QEMU"), vitals=Vitals(time=7)))
    assert from_platform(lambda platform: platform.vendor)(summary, CONTEXT) == "QEMU"
    assert from_vitals(lambda vitals: vitals.time)(summary, CONTEXT) == 7
