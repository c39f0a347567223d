"""Helpers for classes about the machine: their item, names of the host, units, and column functions."""

import re
from collections.abc import Callable
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.cim.types import Value
from logonscope.facts import Hardware, Login, Machine, Platform, Vitals
from logonscope.machine import Part
from logonscope.providers.helpers.provider import Context
from logonscope.providers.helpers.text import clean

PLATFORM: Part = "platform"
VITALS: Part = "vitals"
HARDWARE: Part = "hardware"
PROCESSES, SESSIONS, LOGINS = "processes", "sessions", "logins"
"""Further facts of a column of the machine; each is read only if a column names it."""

PARTS: tuple[Part, ...] = (PLATFORM, VITALS, HARDWARE)
"""The facts of these that a source reads with the machine, on request."""

_NO_PLATFORM, _NO_HARDWARE = Platform(), Hardware()


class HostSummary(NamedTuple):
    """The machine, the number of its processes, and the logon sessions and login records that the caller may see."""

    machine: Machine
    processes: int | None = None  # the number of all, also of those that the caller may not see
    sessions: tuple[LogonSession, ...] = ()
    logins: tuple[Login, ...] = ()  # by start


def computer_name(machine: Machine) -> str:
    """Return the name of the computer: the key of Win32_ComputerSystem, and the domain of local accounts."""
    return clean(machine.hostname) or ""


def server_name(machine: Machine) -> str:
    """Return the name of the computer as the server in object paths, with U+FFFD for what cannot be in it."""
    name = computer_name(machine)
    # the kernel takes any bytes; cim/paths.py reads a server name up to one of these characters
    return name if name.isalnum() else re.sub(r"[\\/:\"'=\s]", "\ufffd", name)


def computer_reference(context: Context) -> tuple[Value, ...]:
    """Return a reference to the computer."""
    return ("Win32_ComputerSystem", computer_name(context.machine))


def system_name(machine: Machine) -> str:
    """Return the name of the operating system: PRETTY_NAME of os-release, else the kernel's."""
    return clean(machine.system) or f"Linux {clean(machine.kernel) or ''}".rstrip()


def kilobytes(number: int | None) -> int | None:
    """Convert bytes to kilobytes of 1,024 bytes, as in WMI."""
    return None if number is None else number >> 10


def from_platform(get: Callable[[Platform], Value]) -> Callable[[HostSummary, Context], Value]:
    """Return the function of a column that is made from the platform only."""

    def platform_value(summary: HostSummary, _: Context) -> Value:
        return get(summary.machine.platform or _NO_PLATFORM)

    return platform_value


def hardware_of(summary: HostSummary) -> Hardware:
    """Return the hardware of the machine; if it was not read, one whose values are all None."""
    return summary.machine.hardware or _NO_HARDWARE


def from_hardware(get: Callable[[Hardware], Value]) -> Callable[..., Value]:
    """Return the function of a column that is made from the hardware only; the item begins with the summary."""

    def hardware_value(summary: HostSummary, *_: object) -> Value:
        return get(hardware_of(summary))

    return hardware_value


def from_vitals(get: Callable[[Vitals], Value]) -> Callable[[HostSummary, Context], Value]:
    """Return the function of a column that is made from the vitals only; null if there are none."""

    def vitals_value(summary: HostSummary, _: Context) -> Value:
        return None if summary.machine.vitals is None else get(summary.machine.vitals)

    return vitals_value
