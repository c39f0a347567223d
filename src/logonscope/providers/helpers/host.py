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
"""Columns of classes about the machine can name these three facts, and the three above; only named facts are read."""

PARTS: tuple[Part, ...] = (PLATFORM, VITALS, HARDWARE)
"""The facts that a source can read in the same call as the machine."""

_NO_PLATFORM, _NO_HARDWARE = Platform(), Hardware()


class HostSummary(NamedTuple):
    """The machine, the number of its processes, and the logon sessions and login records that the caller may see."""

    machine: Machine
    processes: int | None = None  # the number of all processes, also of those that the caller may not see
    sessions: tuple[LogonSession, ...] = ()
    logins: tuple[Login, ...] = ()  # the earliest first


def computer_name(machine: Machine) -> str:
    """Return the name of the computer: the key of Win32_ComputerSystem, and the domain of local accounts."""
    return clean(machine.hostname) or ""


def server_name(machine: Machine) -> str:
    """Return the server name for object paths: the computer's name, with U+FFFD for unsuitable characters."""
    name = computer_name(machine)
    # the kernel accepts any bytes as its hostname; cim/paths.py reads a server name only up to one of these characters
    return name if name.isalnum() else re.sub(r"[\\/:\"'=\s]", "\ufffd", name)


def computer_reference(context: Context) -> tuple[Value, ...]:
    """Return a reference to the computer."""
    return ("Win32_ComputerSystem", computer_name(context.machine))


def system_name(machine: Machine) -> str:
    """Return the name of the operating system: PRETTY_NAME of os-release, else Linux and the kernel's release."""
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
    """Return the hardware of the machine; if the hardware was not read, a Hardware without values."""
    return summary.machine.hardware or _NO_HARDWARE


def from_hardware(get: Callable[[Hardware], Value]) -> Callable[..., Value]:
    """Return the function of a column that is made from the hardware only; the item begins with the summary."""

    def hardware_value(summary: HostSummary, *_: object) -> Value:
        return get(hardware_of(summary))

    return hardware_value


def from_vitals(get: Callable[[Vitals], Value]) -> Callable[[HostSummary, Context], Value]:
    """Return the function of a column that is made from the vitals only; the column is null if there are no vitals."""

    def vitals_value(summary: HostSummary, _: Context) -> Value:
        return None if summary.machine.vitals is None else get(summary.machine.vitals)

    return vitals_value
