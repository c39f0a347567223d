"""Hosts for tests of providers (the example host, and one with difficult processes), and functions that read them."""

from collections.abc import Iterable
from typing import Any

from logonscope import Host, Instance
from logonscope.broker import Caller
from logonscope.cim.paths import write_key
from logonscope.cim.schema import CIMV2, LOGONSCOPE
from logonscope.cim.types import Value
from logonscope.client import LocalHost
from logonscope.facts import Account, Group, Platform, Vitals
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, session_scope

KIB, GIB, TIB = 1 << 10, 1 << 30, 1 << 40

USERS = (
    Account("root", 0, 0, "root", "/root", "/bin/bash", local=True),
    Account("postgres", 110, 110, "PostgreSQL administrator,,,", "/var/lib/postgresql", "/bin/bash", local=True),
    Account("alice", 1000, 1000, "Alice Liddell,Room 1,,", "/home/alice", "/bin/bash", local=True),
    Account("bob", 1001, 1001, "", "/home/bob", "/bin/bash", local=True),
    Account("CORP\\dave", 20001, 20000, "", "/home/dave", "/bin/bash", local=False),
    Account("eve@example.org", 20002, 20000, "Eve", "/home/eve", "/bin/bash", local=False),
)
GROUPS = (
    Group("root", 0, (), local=True),
    Group("sudo", 27, ("alice",), local=True),
    Group("users", 100, ("alice", "bob", "postgres", "who-has-left"), local=True),
    Group("alice", 1000, (), local=True),
    Group("bob", 1001, ("bob",), local=True),
    Group("CORP\\staff", 20000, ("alice",), local=False),
)
PLATFORM = Platform(
    build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.0-32", architecture="x86_64", processors=4, packages=1, hypervisor=True,
    vendor="QEMU", product="Standard PC", family="PC", sku="pc-q35", pid_max=4_194_304,
)  # fmt: skip
VITALS = Vitals(
    time=example.since(700), utc_offset=120, daylight=True, memory=8 * GIB, memory_available=6 * GIB, swap=2 * GIB,
    swap_free=GIB,
)  # fmt: skip
PROCESSES = tuple(
    process._replace(
        vm_peak=9000 * KIB, vm_hwm=800 * KIB, vm_rss=700 * KIB, rss_anon=600 * KIB, vm_swap=50 * KIB, vsize=8000 * KIB,
        minflt=11, majflt=2, utime=250, stime=125, rchar=1, wchar=2, syscr=3, syscw=4, read_bytes=5, write_bytes=6,
        exe=f"/usr/bin/{process.name}", tgid=process.pid,
    )
    for process in example.PROCESSES
)  # fmt: skip
SNAPSHOT = example.snapshot()._replace(
    machine=example.MACHINE._replace(platform=PLATFORM, vitals=VITALS), processes=PROCESSES, users=USERS, groups=GROUPS,
)  # fmt: skip
"""The example host; every fact of it is known."""

CONTEXT = Memory(SNAPSHOT).request(ROOT).context
"""The context that the columns of providers get, for the example host."""


def fixed(**values: Value) -> dict[str, frozenset[Value]]:
    """Return the argument of ``Provider.selection`` for properties that have one value each."""
    return {name: frozenset({value}) for name, value in values.items()}


def web1(caller: Caller = ROOT, **changes: Any) -> Host:
    """Return the example host as a caller sees it, with other fields of Snapshot, or another platform or vitals."""
    parts = {name: changes.pop(name) for name in ("platform", "vitals") if name in changes}
    machine = changes.pop("machine", SNAPSHOT.machine)._replace(**parts)
    return seen(SNAPSHOT._replace(machine=machine, **changes), caller)


def seen(snapshot: Snapshot, caller: Caller = ROOT) -> Host:
    """Return a host with the facts of a snapshot, as a caller sees it."""
    return LocalHost(Memory(snapshot), LINUX, caller, save_recording)


def python3(**facts: Any) -> Host:
    """Return the example host with other facts of its process 4312."""
    changed = (process._replace(**facts) if process.pid == 4312 else process for process in PROCESSES)
    return web1(processes=tuple(changed))


def rough(host: HostFolder) -> Host:
    """Add processes to a folder that are rare, but occur on every machine sooner or later; return the host.

    2 is a kernel thread; 10 to 12 of alice's login have names with parentheses, with invalid UTF-8 and a control
    character, and none; 13 is a zombie; nothing of 14 can be read but its stat.
    """
    alice: dict[str, Any] = {"ses": 41, "loginuid": 1000, "uid": 1000, "cgroup": session_scope(1000, "41")}
    host.process(2, "kthreadd", ppid=0, cmdline=b"")
    host.write("proc/2/status", "Name:\tkthreadd\nTgid:\t2\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n")
    host.process(10, "(a b ) ( c d) ", cmdline=b"(a b ) ( c d) \0--x\0", exe="/opt/(a b )", **alice)
    host.process(11, b"\xff\x1b[2J(", ppid=10, cmdline=b"caf\xe9\0\0\x1b[31m\0", exe="/opt/\x1b", **alice)
    host.process(12, "", ppid=10, **alice)
    host.process(13, "gone", ppid=10, state="Z", cmdline=b"", **alice)
    host.write("proc/13/status", "Name:\tgone\nTgid:\t13\nUid:\t1000\t1000\t1000\t1000\nGid:\t0\t0\t0\t0\n")
    host.process(14, "hidden")
    host.spoil(14, "sessionid", "loginuid", "cgroup", "status", "statm", "io", "cmdline")
    host.login("41", uid=1000, leader=10, remote=1, remote_host=r"evil\x1b[2J", tty="pts/0")
    host.write("etc/group", "root:x:0:\nsudo:x:27:alice\nusers:x:100:alice,bob\nalice:x:1000:\n")
    return host.connect()


def space(class_name: str) -> str:
    """Return the namespace of a class."""
    return LOGONSCOPE if class_name.startswith("LS_") else CIMV2


def at(relative: str, server: str = ".") -> str:
    """Return a path as the text of a reference; references of some classes name the host (``server``)."""
    return f"\\\\{server}\\{space(relative)}:{relative}"


def pair(class_name: str, **ends: str) -> str:
    """Return the path of an association between the instances at these paths."""
    return f"{class_name}." + ",".join(f"{role}={write_key(path)}" for role, path in ends.items())


def one(host: Host, path: str, *names: str) -> Any:
    """Return a property of the instance that a path names; several as a tuple."""
    (value,) = values([host.get(path, _declared(names), namespace=space(path))], *names)
    return value


def everything(host: Host, class_name: str, *names: str) -> list[Any]:
    """Return a property of every instance of a class; several as tuples."""
    return values(host.enumerate(class_name, _declared(names), namespace=space(class_name)), *names)


def answers(host: Host, text: str, *names: str) -> list[Any]:
    """Return a property of every instance that a query returns; several as tuples."""
    namespace = LOGONSCOPE if " LS_" in text else CIMV2
    found = host.query(text, namespace=namespace)
    return values((instance for instance in found if isinstance(instance, Instance)), *names)


def _declared(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("__")]


def values(instances: Iterable[Instance], *names: str) -> list[Any]:
    """Return a property of each instance; several as tuples."""
    rows = [tuple(instance[name] for name in names) for instance in instances]
    return [value for (value,) in rows] if len(names) == 1 else rows
