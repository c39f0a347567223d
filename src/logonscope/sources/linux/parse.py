"""Parsers of /proc files and of a few files of /etc and /run: pure functions of their content.

Every ``parse_*`` that FILES (process_files.py) names returns a tuple of facts, in the order of ``Process``. Content of
/proc that the kernel never writes (truncated, not a number) raises ValueError. A process can choose its name freely; no
name makes a parser fail or return facts of another field.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from logonscope.facts import Account, Group

StatFacts = tuple[str, str, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
Ids = tuple[int, int, int, int]
StatusFacts = tuple[
    int | None, Ids, Ids, int | None, int | None, int | None, int | None, int | None, int | None
]  # fmt: skip

COMM_BYTES = 15
"""TASK_COMM_LEN - 1: a name of this many bytes may have been cut (proc(5), /proc/pid/comm)."""

MAX_CGROUPS = 256
"""Maximum number of parsed cgroups that are cached: many processes share one cgroup."""

_LOGIN_HIERARCHIES = (b"name=elogind", b"", b"name=systemd")
_DELETED = b" (deleted)"


class _File(Protocol):
    @property
    def column(self) -> int: ...
    @property
    def parse(self) -> Callable[[Any], tuple[object, ...]]: ...


File = TypeVar("File", bound=_File)


def fill_row(row: list[Any], contents: Iterable[tuple[File, object]]) -> list[tuple[File, ValueError]]:
    """Parse the contents of files into a row of facts; return the files that could not be parsed, with the errors."""
    failures: list[tuple[File, ValueError]] = []
    for file, content in contents:
        try:
            values = file.parse(content)
        except ValueError as error:
            failures.append((file, error))
        else:
            row[file.column : file.column + len(values)] = values
    return failures


def as_single_fact(content: object) -> tuple[object]:
    """Return the content, which is one fact already, as a tuple of facts."""
    return (content,)


def parse_namespace(link: str) -> int:
    """Return the inode of a namespace from its link, ``net:[4026531833]`` (namespaces(7)); ValueError for others."""
    return int(link.partition(":[")[2].removesuffix("]"))


def decode_text(data: bytes) -> str:
    """Decode UTF-8; each invalid byte becomes a lone surrogate, so that the exact bytes can be restored (PEP 383)."""
    return data.decode("utf-8", "surrogateescape")


def parse_number(data: bytes) -> tuple[int]:
    """Parse sessionid or loginuid: one decimal number."""
    return (int(data),)


@lru_cache(MAX_CGROUPS)
def parse_cgroup(data: bytes) -> tuple[str]:
    """Parse cgroup: the path in the hierarchy that the login service uses (cgroups(7), /proc/pid/cgroup).

    These hierarchies are tried in this order: elogind's own one, cgroup2, and the one named "systemd", which legacy and
    mixed layouts have. A path may contain colons; the kernel refuses newlines in it.
    """
    paths = {}
    # not splitlines(), which also splits at a carriage return: a path may contain one
    for line in data.split(b"\n"):
        if line:
            _, controllers, path = line.split(b":", 2)
            paths[controllers] = path
    # the path "/" does not decide: the login service may use another hierarchy
    for hierarchy in _LOGIN_HIERARCHIES:
        path = paths.get(hierarchy, b"/")
        if path != b"/":
            return (decode_text(path.removesuffix(_DELETED)),)
    return ("/",)


def parse_stat(data: bytes) -> StatFacts:
    """Parse stat: the name is between the first "(" and the last ")"; a name can contain both characters (proc(5))."""
    close = data.rindex(b")")
    comm = decode_text(data[data.index(b"(") + 1 : close])
    fields = data[close + 2 :].split(None, 21)
    try:
        (state, ppid, pgrp, sid, tty, _, flags, minflt, _, majflt, _, utime, stime, _, _) = fields[:15]
        priority, nice, threads, _, start, vsize = fields[15:21]
    except ValueError:
        raise ValueError("stat is truncated") from None
    return (
        comm, decode_text(state), int(ppid), int(pgrp), int(sid), int(tty), int(flags), int(minflt), int(majflt),
        int(utime), int(stime), int(priority), int(nice), int(threads), int(start), int(vsize),
    )  # fmt: skip


def parse_status(data: bytes) -> StatusFacts:
    """Parse status: thread group, ids, memory in bytes (None for a kernel thread or a zombie), number of pids in NSpid.

    The kernel escapes newlines in the name here, so a line that begins with "Uid:" is the kernel's.
    """
    tgid = _find_line(data, b"\nTgid:\t")
    return (
        None if tgid is None else int(tgid),
        _parse_ids(data, b"\nUid:\t"),
        _parse_ids(data, b"\nGid:\t"),
        _parse_kib(data, b"\nVmPeak:\t"),
        _parse_kib(data, b"\nVmHWM:\t"),
        _parse_kib(data, b"\nVmRSS:\t"),
        _parse_kib(data, b"\nRssAnon:\t"),
        _parse_kib(data, b"\nVmSwap:\t"),
        _count_words(_find_line(data, b"\nNSpid:\t")),
    )


def parse_capabilities(data: bytes) -> tuple[int | None, int | None, int | None, int | None]:
    """Parse status: the permitted, effective, bounding and ambient capabilities, as bit sets."""
    permitted, effective, bounding, ambient = (
        None if line is None else int(line, 16)
        for line in (_find_line(data, b"\nCap%s:\t" % name) for name in (b"Prm", b"Eff", b"Bnd", b"Amb"))
    )
    return permitted, effective, bounding, ambient


def parse_label(content: tuple[str | None, bytes]) -> tuple[str, str | None]:
    """Parse the security label of a process; return it with the name of its security module.

    Args:
        content: a security module and the content of its file, which ends with a NUL (SELinux) or a newline (AppArmor).
            Module None: the content is that of attr/current, which shows a label without the name of its module.
    """
    module, data = content
    label = decode_text(data.rstrip(b"\0\n"))
    return label, module or _module_of_label(label)


def _module_of_label(label: str) -> str | None:
    # before Linux 5.8 AppArmor answers in attr/current only; a context of SELinux is user:role:type, often with a level
    if label == "unconfined" or re.search(_APPARMOR_MODE, label):
        return "apparmor"
    return "selinux" if label.count(":") >= 2 else None


_APPARMOR_MODE = r" \((?:enforce|complain|kill|unconfined|prompt|mixed)\)$"


def parse_link(data: bytes) -> tuple[str]:
    """Parse the target of a link."""
    return (decode_text(data),)


def parse_maps(data: bytes) -> tuple[tuple[str, ...]]:
    """Parse maps: "ADDRESS PATH" for each file that is mapped as code; ADDRESS is its lowest address, in hex.

    If the last line is cut, it is left out.
    """
    addresses: dict[bytes, bytes] = {}
    code_paths: dict[bytes, None] = {}
    for line in data.split(b"\n")[:-1]:
        # the path is the rest of the line and can contain any text; for other memory, it is empty or begins with "["
        address, permissions, _, _, _, *path = line.split(None, 5)
        if path and path[0].startswith(b"/"):
            addresses.setdefault(path[0], address.partition(b"-")[0])
            if b"x" in permissions:
                code_paths[path[0]] = None
    return (tuple(decode_text(addresses[path] + b" " + path) for path in code_paths),)


def parse_children(data: bytes) -> tuple[tuple[int, ...]]:
    """Parse task/PID/children: pids."""
    return (tuple(map(int, data.split())),)


def parse_statm(data: bytes) -> tuple[int]:
    """Parse statm: the resident pages."""
    try:
        return (int(data.split(None, 2)[1]),)
    except IndexError:
        raise ValueError("statm is truncated") from None


def parse_root_mount(data: bytes) -> tuple[bytes, bytes] | None:
    """Parse mountinfo: device and directory of the mount at "/"; None where the root directory is no mount.

    If several mounts are at "/", the last one counts: later mounts cover earlier ones. A process in a chroot does not
    see the mount that its root directory is a part of (proc(5), /proc/pid/mountinfo).
    """
    root_mount = None
    for line in data.split(b"\n"):
        fields = line.split(b" ", 5)
        if len(fields) == 6 and fields[4] == b"/":
            root_mount = fields[2], fields[3]
    return root_mount


def parse_io(data: bytes) -> tuple[int, int, int, int, int, int]:
    """Parse io: rchar, wchar, syscr, syscw, read_bytes, write_bytes."""
    values = dict(line.split(b": ", 1) for line in data.splitlines())
    try:
        return (
            int(values[b"rchar"]), int(values[b"wchar"]), int(values[b"syscr"]),
            int(values[b"syscw"]), int(values[b"read_bytes"]), int(values[b"write_bytes"]),
        )  # fmt: skip
    except KeyError as missing:
        raise ValueError(f"io has no {missing}") from None


def may_be_cut(comm: str) -> bool:
    """Return whether a name has the maximum length, so that the kernel may have cut it."""
    return len(comm.encode("utf-8", "surrogateescape")) >= COMM_BYTES


def complete_name(comm: str, cmdline: bytes | None) -> str:
    """Complete a name that the kernel cut at 15 bytes, from the file name of the first argument.

    The first argument is used only if it begins with the cut name: a process can write any text there.
    """
    if not cmdline or not may_be_cut(comm):
        return comm
    file_name = cmdline.split(b"\0", 1)[0].rsplit(b"/", 1)[-1]
    return decode_text(file_name) if file_name.startswith(comm.encode("utf-8", "surrogateescape")) else comm


def parse_state_file(data: bytes) -> Mapping[str, str]:
    """Parse a state file of logind: KEY=VALUE lines; the last line of a key counts, invalid lines are skipped."""
    pairs = (line.partition("=") for line in decode_text(data).split("\n") if not line.startswith("#"))
    return {key: value for key, equals, value in pairs if equals}


def parse_os_release(data: bytes) -> str | None:
    """Parse os-release(5): PRETTY_NAME."""
    value = parse_state_file(data).get("PRETTY_NAME")
    return value.strip("\"'") if value else None


def parse_btime(data: bytes) -> int:
    """Parse /proc/stat: when the machine booted, in seconds since the epoch."""
    start = data.index(b"\nbtime ") + 7
    return int(data[start : data.index(b"\n", start)])


def parse_uid_min(data: bytes) -> int:
    """Parse login.defs(5): UID_MIN, the least uid of a person; 1000 where it is not set."""
    for line in data.split(b"\n"):
        words = line.split()
        # comments and SYS_UID_MIN have other first words
        if len(words) == 2 and words[0] == b"UID_MIN" and words[1].isdigit() and len(words[1]) <= _MAX_UID_DIGITS:
            return int(words[1])
    return 1000


_MAX_UID_DIGITS = 10


def parse_processors(data: bytes) -> int:
    """Parse /proc/stat: the number of processors that the scheduler uses."""
    return len(re.findall(rb"^cpu[0-9]+ ", data, re.MULTILINE))


def parse_packages(data: bytes) -> int:
    """Parse /proc/cpuinfo: the number of processor packages; 0 where it does not list them."""
    return len(set(re.findall(rb"^physical id\s*: ([0-9]+)$", data, re.MULTILINE)))


def parse_hypervisor(data: bytes) -> bool | None:
    """Parse /proc/cpuinfo: whether the processor reports a hypervisor; None where it lists no flags (not x86)."""
    flags = re.search(rb"^flags\s*:(.*)$", data, re.MULTILINE)
    return None if flags is None else b"hypervisor" in flags[1].split()


def parse_account(line: bytes) -> Account:
    """Parse a line of passwd(5)."""
    name, _, uid, gid, gecos, home, shell = decode_text(line.rstrip(b"\n")).split(":")
    return Account(name, _parse_id(uid), _parse_id(gid), gecos, home, shell)


def parse_group(line: bytes) -> Group:
    """Parse a line of group(5)."""
    name, _, gid, members = decode_text(line.rstrip(b"\n")).split(":")
    return Group(name, _parse_id(gid), tuple(member for member in members.split(",") if member))


def _parse_id(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise ValueError(f"invalid id {word!r}: expected decimal digits")
    return int(word)


def unescape(value: str) -> str:
    r"""Undo the C escapes in logind's state files and sshd's log: \n, \xNN, \NNN, doubled backslash and quotes."""
    if "\\" not in value:
        return value
    return decode_text(re.sub(_ESCAPE, _unescape_match, value.encode("utf-8", "surrogateescape")))


_ESCAPE = rb"""\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([abfnrtvs\\"']))"""
_SIMPLE: Mapping[int, int] = dict(zip(b"abfnrtvs\\\"'", b"\a\b\f\n\r\t\v \\\"'", strict=True))


def _unescape_match(match: re.Match[bytes]) -> bytes:
    hexadecimal, octal, simple = match.groups()
    if simple:
        return bytes((_SIMPLE[simple[0]],))
    return bytes((int(hexadecimal, 16) if hexadecimal else int(octal, 8),))


def _find_line(data: bytes, label: bytes) -> bytes | None:
    start = data.find(label)
    if start < 0:
        return None
    start += len(label)
    end = data.find(b"\n", start)
    return data[start:] if end < 0 else data[start:end]


def _parse_ids(data: bytes, label: bytes) -> Ids:
    real, effective, saved, filesystem = map(int, (_find_line(data, label) or b"").split())
    return real, effective, saved, filesystem


def _count_words(line: bytes | None) -> int | None:
    return None if line is None else len(line.split())


def _parse_kib(data: bytes, label: bytes) -> int | None:
    start = data.find(label)
    return None if start < 0 else int(data[start + len(label) : data.index(b" kB\n", start)]) * 1024
