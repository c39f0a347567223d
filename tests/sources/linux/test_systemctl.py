"""Tests of sources/linux/systemctl.py: the output of systemctl is parsed, whatever a unit contains."""

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Service
from logonscope.machine import Look
from logonscope.sources.linux.programs import Output
from logonscope.sources.linux.systemctl import MAX_VALUE_BYTES, _pattern_of_any_case, _refusal, parse_units, read_units

SSH = b"""\
Type=notify
MainPID=43
Result=success
ExecMainPID=43
ExecMainCode=0
ExecMainStatus=0
ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D $OPTS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=43 ; code=(null) ; status=0/0 }
User=
Id=ssh.service
Description=OpenBSD Secure Shell server
LoadState=loaded
ActiveState=active
FreezerState=running
SubState=running
UnitFileState=enabled
CanStop=yes
CanFreeze=no
"""  # noqa: E501 -- as systemd 252 writes it

SYSTEMCTL = """#!/bin/sh
for word; do case $word in --property=*) properties=$word ;; esac; done
show() {
    case $properties in
    --property=Id,LoadState) printf 'Id=%s\nLoadState=loaded\n\n' "$1" ;;
    *) printf 'Id=%s\nLoadState=loaded\nActiveState=active\nDescription=' "$1"
       [ "$1" = huge.service ] && head -c 20000000 /dev/zero | tr '\\0' A
       printf '\n\n' ;;
    esac
}
case "$*" in
*a.service*huge.service*) show a.service; show huge.service ;;
*a.service*) show a.service ;;
*huge.service*) show huge.service ;;
*off.service*|*'[Oo][Ff][Ff]'*) printf 'Id=off.service\nLoadState=loaded\nActiveState=inactive\n\n' ;;
*) show a.service; show huge.service ;;
esac
"""
"""A systemctl whose outputs are too long for the reader."""


def one(data: bytes) -> Service:
    (found,) = parse_units(data)
    return found


def test_a_running_service() -> None:
    assert one(SSH) == Service(
        "ssh.service", None, "systemd", "OpenBSD Secure Shell server", "notify", "loaded", "active", "running",
        "running", "enabled", "success", 43, None, "/usr/sbin/sshd -D $OPTS", "root", can_stop=True, can_freeze=False,
    )  # fmt: skip


def test_several_services_and_a_failed_one() -> None:
    failed = b"Id=a.service\nResult=exit-code\nMainPID=0\nExecMainPID=7\nExecMainCode=1\nExecMainStatus=3\nUser=www\n"
    found = list(parse_units(SSH + b"\n" + failed))
    assert [service.name for service in found] == ["ssh.service", "a.service"]
    assert (found[1].exit_status, found[1].user, found[1].active_state, found[1].can_stop) == (3, "www", None, None)


def test_what_never_ran_has_no_exit_status() -> None:
    assert one(b"Id=a.service\nMainPID=0\nExecMainPID=0\nExecMainCode=0\nExecMainStatus=0\n").exit_status is None


def test_an_argument_can_forge_neither_a_property_nor_a_service() -> None:
    argument = b"n\nMainPID=77\n\nId=ssh.service\nz"
    line = b"ExecStart={ path=/bin/a ; argv[]=/bin/a " + argument + b" ; ignore_errors=no ; pid=0 ; status=0/0 }\n"
    found = one(b"MainPID=5\n" + line + b"Id=evil.service\n")
    assert (found.name, found.main_pid, found.command) == ("evil.service", 5, "/bin/a " + argument.decode())


def test_a_property_that_occurs_twice_is_not_known_and_the_first_of_several_commands_is_shown() -> None:
    command = b"ExecStart={ path=/bin/%s ; argv[]=/bin/%s ; ignore_errors=no ; pid=0 ; status=0/0 }\n"
    found = one(b"Id=a.service\nMainPID=1\nMainPID=2\n" + command % (b"one", b"one") + command % (b"two", b"two"))
    assert (found.main_pid, found.command) == (None, "/bin/one")


def test_a_huge_value_is_cut() -> None:
    huge = b"A" * 1_000_000
    command = b"ExecStart={ path=/bin/a ; argv[]=/bin/a " + huge + b" ; ignore_errors=no ; pid=0 ; status=0/0 }\n"
    found = one(b"Id=a.service\nDescription=" + huge + b"\n" + command)
    assert (len(found.description or ""), len(found.command or "")) == (MAX_VALUE_BYTES, MAX_VALUE_BYTES)


@pytest.fixture
def systemctl(tmp_path: Path) -> Path:
    """Make a root with a systemctl that knows three services, one of which has a description of 20 MB."""
    program = tmp_path / "usr/bin/systemctl"
    program.parent.mkdir(parents=True)
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    unit = tmp_path / "etc/systemd/system/off.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    return tmp_path


def test_a_service_that_is_too_large_hides_no_other(systemctl: Path) -> None:
    look = Look()
    found = {service.name: service for service in read_units(str(systemctl), look, None) or ()}
    assert {name: service.active_state for name, service in found.items()} == {
        "a.service": "active", "huge.service": None, "off.service": "inactive",
    }  # fmt: skip
    assert [trouble.reason for trouble in look.troubles] == ["it writes too much"]


@pytest.mark.parametrize("name", ["OFF.SERVICE", "off.service"])
def test_a_service_is_found_in_any_case(systemctl: Path, name: str) -> None:
    (found,) = list(read_units(str(systemctl), Look(), frozenset({name})) or ())
    assert (found.name, found.active_state) == ("off.service", "inactive")


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_services_or_none(noise: bytes, cut: int) -> None:
    for service in parse_units(SSH[:cut] + noise):
        assert isinstance(service, Service)


@pytest.mark.parametrize(
    ("error", "kind", "number"),
    [
        ("Failed to stop cron.service: Interactive authentication required.", PermissionError, errno.EACCES),
        ("Failed to start x.service: Access denied", PermissionError, errno.EACCES),
        ("Failed to start x.service: Unit x.service not found.", ProcessLookupError, errno.ESRCH),
        ("Failed to start atd.service: Unit atd.service is masked.", PermissionError, errno.EPERM),
        (
            "Failed to start x.service: Operation refused, unit may be requested by dependency only",
            OSError,
            errno.EOPNOTSUPP,
        ),
        ("Job for x.service failed because the control process exited with error code.", OSError, errno.EIO),
    ],
)
def test_a_refusal_has_the_errno_of_its_reason(error: str, kind: Any, number: int) -> None:
    refused = _refusal(Output(1, b"", error.encode()))
    assert isinstance(refused, kind)
    assert refused.errno == number


def test_a_pattern_matches_the_name_in_any_case_and_nothing_else() -> None:
    assert _pattern_of_any_case("a-1@x\\x2d.service") == "[Aa]-1@[Xx]\\\\[Xx]2[Dd].[Ss][Ee][Rr][Vv][Ii][Cc][Ee]"
