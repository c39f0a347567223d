"""Win32_OperatingSystem: the operating system and its current state."""

from datetime import datetime

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Vitals
from logonscope.machine import boot_time, datetime_of_microseconds
from logonscope.providers.helpers.host import (
    PLATFORM,
    PROCESSES,
    SESSIONS,
    VITALS,
    HostSummary,
    computer_name,
    from_platform,
    from_vitals,
    kilobytes,
    system_name,
)
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean

LINUX = 36
"""OSType (CIM_OperatingSystem)."""

_TYPES_WITHOUT_PERSON = {0, 4, 5}
"""LogonTypes of logon sessions without a person: System, Batch, Service."""

_64_BIT = {"x86_64", "aarch64", "arm64", "ppc64", "ppc64le", "s390x", "riscv64", "mips64", "loongarch64", "sparc64"}
_32_BIT = {"i386", "i486", "i586", "i686", "armv6l", "armv7l", "armv8l", "ppc", "s390", "mips", "riscv32", "sparc"}


def _is_of_person(session: LogonSession) -> bool:
    return session.logon_type not in _TYPES_WITHOUT_PERSON


def _number_of_users(summary: HostSummary, _: Context) -> int:
    return sum(map(_is_of_person, summary.sessions))


def _architecture(architecture: str | None) -> str | None:
    if architecture is None:
        return None
    return "64-bit" if architecture in _64_BIT else "32-bit" if architecture in _32_BIT else None


def _virtual_memory(memory: int | None, swap: int | None) -> int | None:
    return None if memory is None or swap is None else kilobytes(memory + swap)


def _now(vitals: Vitals) -> datetime | None:
    return datetime_of_microseconds(vitals.time)


PROVIDER = Provider(
    subject="machine",
    columns={
        "Caption": column(lambda summary, _: system_name(summary.machine), "os-release: PRETTY_NAME"),
        "Name": column(lambda summary, _: system_name(summary.machine), "os-release: PRETTY_NAME"),
        "CSCreationClassName": constant("Win32_ComputerSystem"),
        "CSName": column(lambda summary, _: computer_name(summary.machine), "the kernel's hostname"),
        "CreationClassName": constant("Win32_OperatingSystem"),
        "OSType": constant(LINUX, "36: LINUX"),
        "Version": column(lambda summary, _: clean(summary.machine.kernel), "the kernel's release: uname -r"),
        "BuildNumber": column(
            from_platform(lambda platform: clean(platform.build)), "the kernel's version: uname -v", PLATFORM
        ),
        "OSArchitecture": column(
            from_platform(lambda platform: _architecture(platform.architecture)),
            "the kernel's architecture: 64-bit or 32-bit", PLATFORM,
        ),
        "LastBootUpTime": column(lambda summary, _: boot_time(summary.machine), "/proc/stat: btime"),
        "LocalDateTime": column(from_vitals(_now), "the clock", VITALS),
        "CurrentTimeZone": column(from_vitals(lambda vitals: vitals.utc_offset), "the local zone, in minutes", VITALS),
        "NumberOfProcesses": column(
            lambda summary, _: summary.processes,
            "the number of instances of Win32_Process: all processes, also those of other users", PROCESSES,
        ),
        "NumberOfUsers": column(
            _number_of_users,
            "the number of logon sessions that the caller may see, without LogonTypes 0, 4 and 5", SESSIONS,
        ),
        "MaxNumberOfProcesses": column(
            from_platform(lambda platform: platform.pid_max), "/proc/sys/kernel/pid_max", PLATFORM
        ),
        "TotalVisibleMemorySize": column(
            from_vitals(lambda vitals: kilobytes(vitals.memory)), "/proc/meminfo: MemTotal", VITALS
        ),
        "FreePhysicalMemory": column(
            from_vitals(lambda vitals: kilobytes(vitals.memory_available)), "/proc/meminfo: MemAvailable", VITALS
        ),
        "TotalVirtualMemorySize": column(
            from_vitals(lambda vitals: _virtual_memory(vitals.memory, vitals.swap)),
            "/proc/meminfo: MemTotal + SwapTotal", VITALS,
        ),
        "FreeVirtualMemory": column(
            from_vitals(lambda vitals: _virtual_memory(vitals.memory_available, vitals.swap_free)),
            "/proc/meminfo: MemAvailable + SwapFree", VITALS,
        ),
        "SizeStoredInPagingFiles": column(
            from_vitals(lambda vitals: kilobytes(vitals.swap)), "/proc/meminfo: SwapTotal", VITALS
        ),
        "FreeSpaceInPagingFiles": column(
            from_vitals(lambda vitals: kilobytes(vitals.swap_free)), "/proc/meminfo: SwapFree", VITALS
        ),
        "Distributed": constant(value=False, source="one kernel runs on one computer"),
        "Primary": constant(value=True, source="the operating system that runs"),
        "Description": always_null("Linux has no such setting"),
        "InstallDate": always_null("no file has it on every distribution"),
        "Status": always_null("Linux reports such errors elsewhere"),
    },
)  # fmt: skip
