"""LS_Process: the kernel's facts of each process as they are, exact bytes included."""

from collections.abc import Callable
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import UNSET, Process
from logonscope.machine import MOST_CMDLINE, Owner, started_at, terminal_name
from logonscope.machine.identity import process_guid
from logonscope.providers.helpers.provider import Column, Context, Provider, column
from logonscope.providers.helpers.text import clean, command_line
from logonscope.providers.process import PROVIDER as WINDOWS


def _fact(name: str, source: str) -> Column:
    at = Process._fields.index(name)
    return Column(lambda process, *_: process[at], source, frozenset({name}))


def _id(name: str, at: int, source: str) -> Column:
    def value(process: Process, _: Owner, __: Context) -> Value:
        ids: tuple[int, ...] | None = getattr(process, name)
        return None if ids is None else ids[at]

    return Column(value, source, frozenset({name}))


def _set(name: str) -> Callable[[Process, Owner, Context], int | None]:
    def value(process: Process, _: Owner, __: Context) -> int | None:
        found: int | None = getattr(process, name)
        return None if found == UNSET else found

    return value


def _arguments(process: Process, _: Any, __: Any) -> Value:
    if not process.cmdline:
        return None
    return tuple(clean(part.decode("utf-8", "replace")) for part in process.cmdline.removesuffix(b"\0").split(b"\0"))


def _unread(process: Process, _: Any, __: Any) -> Value:
    unread = (process.unread or {}).items()  # of a recording also facts that no column shows
    found = [f"{fact}: {clean(reason)}" for fact, reason in unread if fact in _FACTS]
    if process.cmdline and len(process.cmdline) == MOST_CMDLINE:
        found.append(f"cmdline: cut at {MOST_CMDLINE:,} bytes")
    return tuple(found) or None


_COLUMNS = {
    **{name: WINDOWS.columns[name] for name in (
        "Handle", "ProcessId", "Name", "ParentProcessId", "ThreadCount",
    )},
    "ExecutablePath": column(lambda process, *_: clean(process.exe), "exe, as the kernel says it", "exe"),
    "CommandName": column(
        lambda process, *_: None if process.comm is None else process.comm.encode("utf-8", "surrogateescape"),
        "stat: comm", "comm",
    ),
    "StartTime": column(
        lambda process, _, context: started_at(process, context.machine),
        "stat: starttime, after /proc/stat: btime", "start",
    ),
    "StartTicks": _fact("start", "stat: starttime"),
    "BootId": column(
        lambda _, __, context: clean(context.machine.boot_id), "/proc/sys/kernel/random/boot_id"
    ),
    "Guid": column(
        lambda process, _, context: process_guid(context.machine, process),
        "UUID version 5 of /etc/machine-id, BootId, Handle and StartTicks", "start",
    ),
    "State": column(lambda process, *_: clean(process.state), "stat: state", "state"),
    "User": column(
        lambda process, _, context: clean(context.accounts.name(process.uids and process.uids[1])),
        "the name service's name for EffectiveUid", "uids",
    ),
    "RealUid": _id("uids", 0, "status: Uid"),
    "EffectiveUid": _id("uids", 1, "status: Uid"),
    "SavedUid": _id("uids", 2, "status: Uid"),
    "FilesystemUid": _id("uids", 3, "status: Uid"),
    "RealGid": _id("gids", 0, "status: Gid"),
    "EffectiveGid": _id("gids", 1, "status: Gid"),
    "SavedGid": _id("gids", 2, "status: Gid"),
    "FilesystemGid": _id("gids", 3, "status: Gid"),
    "LoginUid": column(_set("loginuid"), "loginuid", "loginuid"),
    "KernelSessionId": column(_set("ses"), "sessionid", "ses"),
    "Cgroup": column(lambda process, *_: clean(process.cgroup), "cgroup", "cgroup"),
    "Terminal": column(lambda process, *_: terminal_name(process.tty_nr), "stat: tty_nr", "tty_nr"),
    "Nice": _fact("nice", "stat: nice"),
    "KernelPriority": _fact("priority", "stat: priority"),
    "CommandLine": column(
        lambda process, *_: command_line(process.cmdline), "cmdline: the arguments joined by single spaces",
        "cmdline",
    ),
    "Arguments": column(_arguments, "cmdline", "cmdline"),
    "CommandLineBytes": column(lambda process, *_: process.cmdline, "cmdline, to the byte", "cmdline"),
}  # fmt: skip

_FACTS = frozenset[str]().union(*(shown.facts for shown in _COLUMNS.values()))
"""What the columns show."""

PROVIDER = Provider(
    subject="process",
    columns={
        **_COLUMNS,
        "Unread": column(_unread, "what the kernel answered, or the caller's rights", *_FACTS),
    },
    fixes={name: WINDOWS.fixes[name] for name in ("Handle", "ProcessId", "Name")},
)  # fmt: skip
