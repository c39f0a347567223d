"""What do the bytes of a /proc file say? Pure functions, a file each, that no process can make fail by its name.

Every ``parse_*`` takes the whole content of one file and gives the facts in the order of ``Process``; content that
the kernel never writes (cut short, not a number) raises ValueError.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from logonscope.facts import Account, Group

StatFacts = tuple[str, str, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
Ids = tuple[int, int, int, int]
StatusFacts = tuple[int | None, Ids, Ids, int | None, int | None, int | None, int | None, int | None]

COMM_BYTES = 15
"""TASK_COMM_LEN - 1: a name of this many bytes may have been cut (proc(5), /proc/pid/comm)."""

_LOGIN_HIERARCHIES = (b"name=elogind", b"", b"name=systemd")
_DELETED = b" (deleted)"


class _File(Protocol):
    @property
    def column(self) -> int: ...
    @property
    def parse(self) -> Callable[[Any], tuple[object, ...]]: ...


File = TypeVar("File", bound=_File)


def fill(row: list[Any], contents: Iterable[tuple[File, object]]) -> list[tuple[File, ValueError]]:
    """Parse what files say into a row of facts, each at its place; return the files that say what none does."""
    failed: list[tuple[File, ValueError]] = []
    for file, content in contents:
        try:
            values = file.parse(content)
        except ValueError as error:
            failed.append((file, error))
        else:
            row[file.column : file.column + len(values)] = values
    return failed


def as_it_is(content: object) -> tuple[object]:
    """Return content that is one fact already."""
    return (content,)


def text(data: bytes) -> str:
    """Decode UTF-8; a byte that is not becomes a lone surrogate, so that nothing is lost (PEP 383)."""
    return data.decode("utf-8", "surrogateescape")


def parse_number(data: bytes) -> tuple[int]:
    """Parse sessionid or loginuid: one decimal number."""
    return (int(data),)


def parse_cgroup(data: bytes) -> tuple[str]:
    """Parse cgroup: the path in the hierarchy that the login service keeps (cgroups(7), /proc/pid/cgroup).

    That is elogind's own where there is one, else cgroup2, else (legacy and mixed layouts) systemd's named one.
    A path may contain colons; the kernel refuses newlines in it.
    """
    paths = {}
    for line in data.split(b"\n"):  # and at nothing else: a path may contain a carriage return
        if line:
            _, controllers, path = line.split(b":", 2)
            paths[controllers] = path
    for hierarchy in _LOGIN_HIERARCHIES:
        path = paths.get(hierarchy, b"/")
        if path != b"/":
            return (text(path.removesuffix(_DELETED)),)
    return ("/",)


def parse_stat(data: bytes) -> StatFacts:
    """Parse stat: the name stands between the first "(" and the last ")", whatever it contains (proc(5))."""
    close = data.rindex(b")")
    comm = text(data[data.index(b"(") + 1 : close])
    fields = data[close + 2 :].split(None, 21)
    try:
        (state, ppid, pgrp, sid, tty, _, flags, minflt, _, majflt, _, utime, stime, _, _) = fields[:15]
        priority, nice, threads, _, start, vsize = fields[15:21]
    except ValueError:
        raise ValueError("stat is cut short") from None
    return (
        comm, text(state), int(ppid), int(pgrp), int(sid), int(tty), int(flags), int(minflt), int(majflt),
        int(utime), int(stime), int(priority), int(nice), int(threads), int(start), int(vsize),
    )  # fmt: skip


def parse_status(data: bytes) -> StatusFacts:
    """Parse status: thread group, ids, and the memory figures in bytes (absent for a kernel thread and a zombie).

    The kernel escapes newlines in the name here, so a line that begins with "Uid:" is the kernel's.
    """
    tgid = _line(data, b"\nTgid:\t")
    return (
        None if tgid is None else int(tgid),
        _ids(data, b"\nUid:\t"),
        _ids(data, b"\nGid:\t"),
        _kib(data, b"\nVmPeak:\t"),
        _kib(data, b"\nVmHWM:\t"),
        _kib(data, b"\nVmRSS:\t"),
        _kib(data, b"\nRssAnon:\t"),
        _kib(data, b"\nVmSwap:\t"),
    )


def parse_link(data: bytes) -> tuple[str]:
    """Parse where a link points."""
    return (text(data),)


def parse_children(data: bytes) -> tuple[tuple[int, ...]]:
    """Parse task/PID/children: pids."""
    return (tuple(map(int, data.split())),)


def parse_statm(data: bytes) -> tuple[int]:
    """Parse statm: the resident pages."""
    try:
        return (int(data.split(None, 2)[1]),)
    except IndexError:
        raise ValueError("statm is cut short") from None


def parse_io(data: bytes) -> tuple[int, int, int, int, int, int]:
    """Parse io: rchar, wchar, syscr, syscw, read_bytes, write_bytes."""
    values = dict(line.split(b": ", 1) for line in data.splitlines())
    try:
        return (
            int(values[b"rchar"]), int(values[b"wchar"]), int(values[b"syscr"]),
            int(values[b"syscw"]), int(values[b"read_bytes"]), int(values[b"write_bytes"]),
        )  # fmt: skip
    except KeyError as missing:
        raise ValueError(f"io lacks {missing}") from None


def may_be_cut(comm: str) -> bool:
    """Tell whether a name is as long as the kernel keeps them."""
    return len(comm.encode("utf-8", "surrogateescape")) >= COMM_BYTES


def complete_name(comm: str, cmdline: bytes | None) -> str:
    """Complete a name that the kernel cut at 15 bytes, from the first argument where that begins with it."""
    if not cmdline or not may_be_cut(comm):
        return comm
    longer = cmdline.split(b"\0", 1)[0].rsplit(b"/", 1)[-1]
    return text(longer) if longer.startswith(comm.encode("utf-8", "surrogateescape")) else comm


def parse_state_file(data: bytes) -> Mapping[str, str]:
    """Parse a state file of logind: KEY=VALUE lines; a later line wins, lines of another form are passed over."""
    pairs = (line.partition("=") for line in text(data).split("\n") if not line.startswith("#"))
    return {key: value for key, equals, value in pairs if equals}


def parse_os_release(data: bytes) -> str | None:
    """Parse os-release(5): PRETTY_NAME."""
    value = parse_state_file(data).get("PRETTY_NAME")
    return value.strip("\"'") if value else None


def parse_btime(data: bytes) -> int:
    """Parse /proc/stat: when the machine booted, in seconds since the epoch."""
    at = data.index(b"\nbtime ") + 7
    return int(data[at : data.index(b"\n", at)])


def parse_uid_min(data: bytes) -> int:
    """Parse login.defs(5): UID_MIN, 1000 where it does not say."""
    for line in data.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == b"UID_MIN" and words[1].isdigit():
            return int(words[1])
    return 1000


def parse_processors(data: bytes) -> int:
    """Parse /proc/stat: how many processors the scheduler sees."""
    return len(re.findall(rb"^cpu[0-9]+ ", data, re.MULTILINE))


def parse_packages(data: bytes) -> int:
    """Parse /proc/cpuinfo: how many processor packages there are; 0 where it does not tell them apart."""
    return len(set(re.findall(rb"^physical id\s*: ([0-9]+)$", data, re.MULTILINE)))


def parse_hypervisor(data: bytes) -> bool | None:
    """Parse /proc/cpuinfo: whether the processor says that it is virtual; None where it does not say such things."""
    flags = re.search(rb"^flags\s*:(.*)$", data, re.MULTILINE)
    return None if flags is None else b"hypervisor" in flags[1].split()


def parse_account(line: bytes) -> Account:
    """Parse a line of passwd(5)."""
    name, _, uid, gid, gecos, home, shell = text(line.rstrip(b"\n")).split(":")
    return Account(name, _id(uid), _id(gid), gecos, home, shell)


def parse_group(line: bytes) -> Group:
    """Parse a line of group(5)."""
    name, _, gid, members = text(line.rstrip(b"\n")).split(":")
    return Group(name, _id(gid), tuple(member for member in members.split(",") if member))


def _id(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise ValueError(f"{word!r} is no id")
    return int(word)


def unescape(value: str) -> str:
    r"""Undo the C escapes that logind writes in its state files: \n, \xNN, \NNN, doubled backslash and quotes."""
    if "\\" not in value:
        return value
    return text(_ESCAPE.sub(_unescaped, value.encode("utf-8", "surrogateescape")))


_ESCAPE = re.compile(rb"""\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([abfnrtvs\\"']))""")
_SIMPLE: Mapping[int, int] = dict(zip(b"abfnrtvs\\\"'", b"\a\b\f\n\r\t\v \\\"'", strict=True))


def _unescaped(match: re.Match[bytes]) -> bytes:
    hexadecimal, octal, simple = match.groups()
    if simple:
        return bytes((_SIMPLE[simple[0]],))
    return bytes((int(hexadecimal, 16) if hexadecimal else int(octal, 8),))


def _line(data: bytes, label: bytes) -> bytes | None:
    at = data.find(label)
    if at < 0:
        return None
    at += len(label)
    end = data.find(b"\n", at)
    return data[at:] if end < 0 else data[at:end]


def _ids(data: bytes, label: bytes) -> Ids:
    real, effective, saved, filesystem = map(int, (_line(data, label) or b"").split())
    return real, effective, saved, filesystem


def _kib(data: bytes, label: bytes) -> int | None:
    line = _line(data, label)
    return None if line is None else int(line.removesuffix(b" kB")) * 1024
