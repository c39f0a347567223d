"""LS_Process: the kernel's values of each process."""

from collections.abc import Callable
from typing import Any

from logonscope.cim.types import Value
from logonscope.facts import UNSET, Process
from logonscope.machine import MAX_CMDLINE_BYTES, Owner, start_time, terminal_name
from logonscope.machine.identity import process_guid
from logonscope.providers.helpers.capabilities import capability_mask, capability_names
from logonscope.providers.helpers.process_keys import select_process_user
from logonscope.providers.helpers.provider import Column, Context, Provider, column, fact_column, host_column
from logonscope.providers.helpers.text import clean, command_line
from logonscope.providers.process import PROVIDER as WIN32_PROCESS

USER_FACTS = ("uids", "ses", "cgroup", "pid_namespaces")
"""The facts that ``LogonLookup.user_name`` needs: the uid, and what shows whether it is a uid of this host."""


def _id_column(name: str, index: int, source: str) -> Column:
    def value(process: Process, _: Owner, __: Context) -> Value:
        ids: tuple[int, ...] | None = getattr(process, name)
        return None if ids is None else ids[index]

    return Column(value, source, frozenset({name}))


def _container_column(name: str, source: str) -> Column:
    def value(process: Process, _: Owner, context: Context) -> str | None:
        text: str | None = getattr(context.logons.container(process), name, None)
        return clean(text)

    return Column(value, source, frozenset({"cgroup"}))


def _null_if_unset(name: str) -> Callable[[Process, Owner, Context], int | None]:
    """Return the function of a column that is null where the kernel's value is "unset"."""

    def value(process: Process, _: Owner, __: Context) -> int | None:
        number: int | None = getattr(process, name)
        return None if number == UNSET else number

    return value


def _capability_columns(name: str, fact: str, source: str) -> dict[str, Column]:
    """Return the columns of a set of capabilities: the names, and the mask in hexadecimal digits."""
    index = Process._fields.index(fact)

    def names(process: Process, *_: object) -> Value:
        mask: Any = process[index]
        return capability_names(mask)

    def digits(process: Process, *_: object) -> Value:
        mask: Any = process[index]
        return capability_mask(mask)

    return {
        f"{name}Capabilities": column(names, f"status: {source}", fact),
        f"{name}CapabilityMask": column(digits, f"status: {source}", fact),
    }


def _cut_cmdline(process: Process, *_: object) -> bytes | None:
    """Return the arguments, cut to the number of bytes that are read from /proc: a recording can have more bytes."""
    return None if process.cmdline is None else process.cmdline[:MAX_CMDLINE_BYTES]


def _arguments(process: Process, _: Any, __: Any) -> Value:
    cmdline = _cut_cmdline(process)
    if not cmdline:
        return None
    return tuple(clean(argument.decode("utf-8", "replace")) for argument in cmdline.removesuffix(b"\0").split(b"\0"))


def _unread(process: Process, _: Any, __: Any) -> Value:
    # a recording may also have reasons for unread facts that no column shows
    unread = (process.unread or {}).items()
    reasons = [f"{fact}: {clean(reason)}" for fact, reason in unread if fact in _FACTS]
    if process.cmdline and len(process.cmdline) >= MAX_CMDLINE_BYTES:
        reasons.append(f"cmdline: cut at {MAX_CMDLINE_BYTES:,} bytes")
    return tuple(reasons) or None


_COLUMNS = {
    **{name: WIN32_PROCESS.columns[name] for name in (
        "Handle", "ProcessId", "Name", "ParentProcessId", "ThreadCount",
    )},
    "ExecutablePath": column(lambda process, *_: clean(process.exe), "exe, as the kernel returns it", "exe"),
    "CommandName": column(
        lambda process, *_: None if process.comm is None else process.comm.encode("utf-8", "surrogateescape"),
        "stat: comm", "comm",
    ),
    "StartTime": column(
        lambda process, _, context: start_time(process, context.machine),
        "stat: starttime, counted from the boot (/proc/stat: btime)", "start",
    ),
    "StartTicks": fact_column("start", "stat: starttime"),
    "BootId": host_column(
        lambda context: clean(context.machine.boot_id), "/proc/sys/kernel/random/boot_id"
    ),
    "Guid": column(
        lambda process, _, context: process_guid(context.machine, process),
        "UUID version 5 of /etc/machine-id, BootId, Handle and StartTicks", "start",
    ),
    "State": column(lambda process, *_: clean(process.state), "stat: state", "state"),
    "User": column(
        lambda process, owner, context: clean(context.logons.user_name(process, owner)),
        "the account name of EffectiveUid; null for a uid of a container or of another root directory", *USER_FACTS,
    ),
    "RealUid": _id_column("uids", 0, "status: Uid"),
    "EffectiveUid": _id_column("uids", 1, "status: Uid"),
    "SavedUid": _id_column("uids", 2, "status: Uid"),
    "FilesystemUid": _id_column("uids", 3, "status: Uid"),
    "RealGid": _id_column("gids", 0, "status: Gid"),
    "EffectiveGid": _id_column("gids", 1, "status: Gid"),
    "SavedGid": _id_column("gids", 2, "status: Gid"),
    "FilesystemGid": _id_column("gids", 3, "status: Gid"),
    "LoginUid": column(_null_if_unset("loginuid"), "loginuid", "loginuid"),
    "KernelSessionId": column(_null_if_unset("ses"), "sessionid", "ses"),
    "Cgroup": column(lambda process, *_: clean(process.cgroup), "cgroup", "cgroup"),
    "ContainerId": _container_column("id", "cgroup: the id or the name in the path that the engine makes"),
    "ContainerRuntime": _container_column("runtime", "cgroup: the form of the path"),
    "PodUid": _container_column("pod_uid", "cgroup: the directory of the pod"),
    "Terminal": column(lambda process, *_: terminal_name(process.tty_nr), "stat: tty_nr", "tty_nr"),
    "Nice": fact_column("nice", "stat: nice"),
    "KernelPriority": fact_column("priority", "stat: priority"),
    "CommandLine": column(
        lambda process, *_: command_line(process.cmdline), "cmdline: the arguments joined by single spaces",
        "cmdline",
    ),
    "Arguments": column(_arguments, "cmdline", "cmdline"),
    "CommandLineBytes": column(_cut_cmdline, "cmdline, exact bytes", "cmdline"),
    "ParentCommandLine": column(
        lambda process, _, context: context.logons.parent_command_line(process),
        "cmdline of its parent, if the caller may see it", "ppid", "start",
    ),
    "SecurityLabel": column(
        lambda process, *_: clean(process.label),
        "attr/apparmor/current, attr/smack/current, else attr/current", "label",
    ),
    "SecurityModule": column(
        lambda process, *_: clean(process.label_module),
        "which file has SecurityLabel, else the form of the label",
        "label_module",
    ),
    **_capability_columns("Effective", "cap_effective", "CapEff"),
    **_capability_columns("Permitted", "cap_permitted", "CapPrm"),
    **_capability_columns("Bounding", "cap_bounding", "CapBnd"),
    **_capability_columns("Ambient", "cap_ambient", "CapAmb"),
}  # fmt: skip

_FACTS = frozenset[str]().union(*(process_column.facts for process_column in _COLUMNS.values()))
"""The facts of all columns."""

PROVIDER = Provider(
    subject="process",
    columns={
        **_COLUMNS,
        "Unread": column(_unread, "the error of the kernel, or the missing rights of the caller", *_FACTS),
    },
    selections={
        **{name: WIN32_PROCESS.selections[name] for name in ("Handle", "ProcessId", "Name")},
        "User": select_process_user,
    },
)  # fmt: skip
