"""Win32_Process: every property that Linux can truly answer.

Everybody has a row of every process, as on Windows; of what is not one's own, what identifies it alone.
"""

from collections.abc import Callable
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import EVERYTHING, OWNER, Owner, Selection, started_at
from logonscope.providers.helpers.host import computer_name, kilobytes, system_name
from logonscope.providers.helpers.priority import base_priority
from logonscope.providers.helpers.process_keys import pid_meant
from logonscope.providers.helpers.provider import Column, Context, Provider, always, column, nothing
from logonscope.providers.helpers.text import clean, command_line

TICK = 10_000_000
"""Units of 100 ns in a second."""

UINT32 = 1 << 32
DELETED = " (deleted)"
"""What the kernel puts behind the path of a file that is no longer there (proc(5), /proc/pid/exe)."""

RUNNING, BLOCKED, TERMINATED, STOPPED = 3, 4, 7, 8
_EXECUTION_STATES = {
    "R": RUNNING, "S": BLOCKED, "D": BLOCKED, "I": BLOCKED, "T": STOPPED, "t": STOPPED, "Z": TERMINATED,
    "X": TERMINATED,
}  # fmt: skip


def _name(process: Process, _: Owner, __: Context) -> str | None:
    return clean(process.name or process.comm)


def _fact(name: str, source: str) -> Column:
    """Return the column of a fact that is the value itself."""
    at = Process._fields.index(name)
    return Column(lambda process, *_: process[at], source, frozenset({name}))


def _kilobytes(name: str, source: str) -> Column:
    at = Process._fields.index(name)
    return Column(lambda process, *_: kilobytes(process[at]), source, frozenset({name}))


def _time(name: str) -> Callable[[Process, Owner, Context], int | None]:
    at = Process._fields.index(name)

    def time(process: Process, _: Owner, context: Context) -> int | None:
        ticks: Any = process[at]
        return None if ticks is None else ticks * TICK // context.machine.ticks

    return time


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


def _name_meant(name: Value, _: object = None) -> Selection:
    if "\ufffd" in str(name):
        return EVERYTHING  # it may stand for any character that no answer can carry
    return Selection(process_names=frozenset({str(name)}))


PROVIDER = Provider(
    subject="process",
    others=True,
    columns={
        "Caption": column(_name, "as Name", "name"),
        "Description": column(_name, "as Name", "name"),
        "Name": column(_name, "stat: comm; completed from cmdline where the kernel cut it at 15 bytes", "name"),
        "InstallDate": nothing("so it is on Windows"),
        "Status": nothing("so it is on Windows"),
        "CSCreationClassName": always("Win32_ComputerSystem"),
        "CSName": column(lambda _, __, context: computer_name(context.machine), "the kernel's hostname"),
        "CreationClassName": always("Win32_Process"),
        "CreationDate": column(
            lambda process, _, context: started_at(process, context.machine),
            "stat: starttime, after /proc/stat: btime", "start",
        ),
        "Handle": column(lambda process, *_: str(process.pid), "its directory in /proc"),
        "KernelModeTime": column(_time("stime"), "stat: stime", "stime"),
        "OSCreationClassName": always("Win32_OperatingSystem"),
        "OSName": column(lambda _, __, context: system_name(context.machine), "os-release: PRETTY_NAME"),
        "Priority": column(_priority, "stat: nice and priority, on Windows' scale", "nice", "priority"),
        "ExecutionState": column(lambda process, *_: _EXECUTION_STATES.get(process.state), "stat: state", "state"),
        "TerminationDate": nothing("what has ended is not listed"),
        "UserModeTime": column(_time("utime"), "stat: utime", "utime"),
        "WorkingSetSize": _fact("vm_rss", "status: VmRSS"),
        "ExecutablePath": column(
            lambda process, *_: clean(process.exe and process.exe.removesuffix(DELETED)),
            "exe: where the link points, without the kernel's word that the file is deleted", "exe",
        ),
        "MaximumWorkingSetSize": nothing("Linux limits no working set"),
        "MinimumWorkingSetSize": nothing("Linux limits no working set"),
        "PageFaults": column(_page_faults, "stat: minflt + majflt, modulo 2^32", "minflt", "majflt"),
        "PageFileUsage": _kilobytes("vm_swap", "status: VmSwap"),
        "PeakPageFileUsage": nothing("Linux keeps no peak of swap"),
        "PeakWorkingSetSize": _kilobytes("vm_hwm", "status: VmHWM"),
        "ProcessId": column(lambda process, *_: process.pid, "its directory in /proc"),
        "QuotaNonPagedPoolUsage": nothing("Linux has no such quota"),
        "QuotaPagedPoolUsage": nothing("Linux has no such quota"),
        "QuotaPeakNonPagedPoolUsage": nothing("Linux has no such quota"),
        "QuotaPeakPagedPoolUsage": nothing("Linux has no such quota"),
        "WindowsVersion": column(lambda _, __, context: clean(context.machine.kernel), "the kernel's release"),
        "ThreadCount": _fact("threads", "stat: num_threads"),
        "HandleCount": _fact("fds", "fd: how many there are"),
        "ParentProcessId": _fact("ppid", "stat: ppid"),
        "SessionId": column(
            lambda process, owner, context: context.ownership.session_number(process, owner),
            "0 in the System session, else the number that the kernel gave to the login; null without one", OWNER,
        ),
        "PrivatePageCount": column(_private, "status: RssAnon + VmSwap, in bytes", "rss_anon", "vm_swap"),
        "PeakVirtualSize": _fact("vm_peak", "status: VmPeak"),
        "VirtualSize": _fact("vsize", "stat: vsize"),
        "ReadOperationCount": _fact("syscr", "io: syscr"),
        "WriteOperationCount": _fact("syscw", "io: syscw"),
        "OtherOperationCount": nothing("Linux counts reads and writes alone"),
        "ReadTransferCount": _fact("rchar", "io: rchar"),
        "WriteTransferCount": _fact("wchar", "io: wchar"),
        "OtherTransferCount": nothing("Linux counts reads and writes alone"),
        "CommandLine": column(
            lambda process, *_: command_line(process.cmdline),
            "cmdline: the arguments joined by single spaces, at most 32,767 characters", "cmdline",
        ),
    },
    fixes={
        "Handle": pid_meant,
        "ProcessId": pid_meant,
        "Name": _name_meant,
    },
)  # fmt: skip
