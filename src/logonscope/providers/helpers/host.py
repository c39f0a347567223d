"""What do tables of the machine share? The one item that they are made of, its names, and units."""

from collections.abc import Callable
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.cim.types import Value
from logonscope.facts import Login, Machine, Platform, Vitals
from logonscope.machine import Part
from logonscope.providers.helpers.provider import Context
from logonscope.providers.helpers.text import clean

PLATFORM: Part = "platform"
VITALS: Part = "vitals"
PROCESSES, SESSIONS, LOGINS = "processes", "sessions", "logins"
"""What a column of the machine may need; each is read only where a column names it."""

PARTS: tuple[Part, ...] = (PLATFORM, VITALS)
"""Those that a source reads with the machine."""

_NO_PLATFORM = Platform()


class Census(NamedTuple):
    """The machine, and what the caller sees on it: how many processes, which logon sessions, which login records."""

    machine: Machine
    processes: int | None = None
    sessions: tuple[LogonSession, ...] = ()
    logins: tuple[Login, ...] = ()  # by start


def computer_name(machine: Machine) -> str:
    """Return the name of the computer, as the key of Win32_ComputerSystem and the domain of its accounts have it."""
    return clean(machine.hostname) or ""


def computer_reference(context: Context) -> tuple[Value, ...]:
    """Return a reference to the computer."""
    return ("Win32_ComputerSystem", computer_name(context.machine))


def system_name(machine: Machine) -> str:
    """Return the name of the operating system: PRETTY_NAME of os-release, else the kernel's."""
    return clean(machine.system) or f"Linux {clean(machine.kernel) or ''}".rstrip()


def kilobytes(number: int | None) -> int | None:
    """Return bytes in kilobytes, as WMI counts them: 1,024 bytes."""
    return None if number is None else number >> 10


def of_platform(get: Callable[[Platform], Value]) -> Callable[[Census, Context], Value]:
    """Return the function of a column that the platform alone makes."""
    return lambda census, _: get(census.machine.platform or _NO_PLATFORM)


def of_vitals(get: Callable[[Vitals], Value]) -> Callable[[Census, Context], Value]:
    """Return the function of a column that the vitals alone make; null where there are none."""
    return lambda census, _: None if census.machine.vitals is None else get(census.machine.vitals)
