"""Win32_Process: the processes of the host, with every property that Linux has a correct value for.

Every caller gets a row for every process, as on Windows. The row of a process that the caller may not see has only the
values that identify the process.
"""

from collections.abc import Callable
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import EVERYTHING, OWNER_FACT, Owner, Selection, start_time
from logonscope.providers.helpers.host import computer_name, kilobytes, system_name
from logonscope.providers.helpers.priority import base_priority
from logonscope.providers.helpers.process_keys import select_pid
from logonscope.providers.helpers.provider import (
    Column,
    Context,
    Provider,
    always_null,
    column,
    constant,
    fact_column,
    host_column,
)
from logonscope.providers.helpers.text import clean, command_line

HUNDRED_NS_PER_SECOND = 10_000_000
"""Units of 100 ns in a second."""

UINT32 = 1 << 32
DELETED = " (deleted)"
"""Suffix that the kernel adds to the path of a removed file (proc(5), /proc/pid/exe)."""

RUNNING, BLOCKED, TERMINATED, STOPPED = 3, 4, 7, 8
_EXECUTION_STATES = {
    "R": RUNNING, "S": BLOCKED, "D": BLOCKED, "I": BLOCKED, "T": STOPPED, "t": STOPPED, "Z": TERMINATED,
    "X": TERMINATED,
}  # fmt: skip


def _name(process: Process, _: Owner, __: Context) -> str | None:
    return clean(process.name or process.comm)


def _kilobytes_column(name: str, source: str) -> Column:
    """Return the column of a fact in bytes, as kilobytes."""
    index = Process._fields.index(name)

    def fact_in_kilobytes(process: Process, *_: object) -> int | None:
        number: Any = process[index]
        return kilobytes(number)

    return Column(fact_in_kilobytes, source, frozenset({name}))


def _ticks_in_100_ns(name: str) -> Callable[[Process, Owner, Context], int | None]:
    """Return the function of a column that converts clock ticks to units of 100 ns."""
    index = Process._fields.index(name)

    def fact_in_100_ns(process: Process, _: Owner, context: Context) -> int | None:
        ticks: Any = process[index]
        return None if ticks is None else ticks * HUNDRED_NS_PER_SECOND // context.machine.ticks

    return fact_in_100_ns


def _page_faults(process: Process, *_: object) -> int | None:
    if process.minflt is None or process.majflt is None:
        return None
    return (process.minflt + process.majflt) % UINT32


def _private(process: Process, *_: object) -> int | None:
    return None if process.rss_anon is None else process.rss_anon + (process.vm_swap or 0)


def _priority(process: Process, *_: object) -> int | None:
    if process.nice is None or process.priority is None:
        return None
    return base_priority(process.nice, realtime=process.priority < 0)


def _select_name(name: Value, _: object = None) -> Selection:
    if "\ufffd" in str(name):
        return EVERYTHING  # U+FFFD replaces any character that XML cannot carry
    return Selection(process_names=frozenset({str(name)}))


PROVIDER = Provider(
    subject="process",
    include_hidden=True,
    columns={
        "Caption": column(_name, "as Name", "name"),
        "Description": column(_name, "as Name", "name"),
        "Name": column(_name, "stat: comm; completed from cmdline if the kernel cut it at 15 bytes", "name"),
        "InstallDate": always_null("as on Windows"),
        "Status": always_null("as on Windows"),
        "CSCreationClassName": constant("Win32_ComputerSystem"),
        "CSName": host_column(lambda context: computer_name(context.machine), "the kernel's hostname"),
        "CreationClassName": constant("Win32_Process"),
        "CreationDate": column(
            lambda process, _, context: start_time(process, context.machine),
            "stat: starttime, counted from the boot (/proc/stat: btime)", "start",
        ),
        "Handle": column(lambda process, *_: str(process.pid), "its directory in /proc"),
        "KernelModeTime": column(_ticks_in_100_ns("stime"), "stat: stime", "stime"),
        "OSCreationClassName": constant("Win32_OperatingSystem"),
        "OSName": host_column(lambda context: system_name(context.machine), "os-release: PRETTY_NAME"),
        "Priority": column(_priority, "stat: nice and priority, on the scale of Windows", "nice", "priority"),
        "ExecutionState": column(lambda process, *_: _EXECUTION_STATES.get(process.state), "stat: state", "state"),
        "TerminationDate": always_null("ended processes are not listed"),
        "UserModeTime": column(_ticks_in_100_ns("utime"), "stat: utime", "utime"),
        "WorkingSetSize": fact_column("vm_rss", "status: VmRSS"),
        "ExecutablePath": column(
            lambda process, *_: clean(process.exe and process.exe.removesuffix(DELETED)),
            "exe: the target of the link, without the suffix that marks a deleted file", "exe",
        ),
        "MaximumWorkingSetSize": always_null("Linux limits no working set"),
        "MinimumWorkingSetSize": always_null("Linux limits no working set"),
        "PageFaults": column(_page_faults, "stat: minflt + majflt, modulo 2^32", "minflt", "majflt"),
        "PageFileUsage": _kilobytes_column("vm_swap", "status: VmSwap"),
        "PeakPageFileUsage": always_null("Linux keeps no peak of swap"),
        "PeakWorkingSetSize": _kilobytes_column("vm_hwm", "status: VmHWM"),
        "ProcessId": column(lambda process, *_: process.pid, "its directory in /proc"),
        "QuotaNonPagedPoolUsage": always_null("Linux has no such quota"),
        "QuotaPagedPoolUsage": always_null("Linux has no such quota"),
        "QuotaPeakNonPagedPoolUsage": always_null("Linux has no such quota"),
        "QuotaPeakPagedPoolUsage": always_null("Linux has no such quota"),
        "WindowsVersion": host_column(lambda context: clean(context.machine.kernel), "the kernel's release"),
        "ThreadCount": fact_column("threads", "stat: num_threads"),
        "HandleCount": fact_column("fds", "fd: the number of entries"),
        "ParentProcessId": fact_column("ppid", "stat: ppid"),
        "SessionId": column(
            lambda process, owner, context: context.ownership.session_number(process, owner),
            "0 in the System session, else the number by which the kernel distinguishes logins, or null", OWNER_FACT,
        ),
        "PrivatePageCount": column(_private, "status: RssAnon + VmSwap, in bytes", "rss_anon", "vm_swap"),
        "PeakVirtualSize": fact_column("vm_peak", "status: VmPeak"),
        "VirtualSize": fact_column("vsize", "stat: vsize"),
        "ReadOperationCount": fact_column("syscr", "io: syscr"),
        "WriteOperationCount": fact_column("syscw", "io: syscw"),
        "OtherOperationCount": always_null("Linux counts reads and writes only"),
        "ReadTransferCount": fact_column("rchar", "io: rchar"),
        "WriteTransferCount": fact_column("wchar", "io: wchar"),
        "OtherTransferCount": always_null("Linux counts reads and writes only"),
        "CommandLine": column(
            lambda process, *_: command_line(process.cmdline),
            "cmdline: the arguments joined by single spaces, at most 32,767 characters", "cmdline",
        ),
    },
    selections={
        "Handle": select_pid,
        "ProcessId": select_pid,
        "Name": _select_name,
    },
)  # fmt: skip
