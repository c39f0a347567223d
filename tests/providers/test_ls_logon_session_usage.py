"""Tests of LS_LogonSessionUsage: its sums for the example host and for this machine's processes."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from logonscope import LogonFilter, connect
from logonscope.cim.schema import LOGONSCOPE
from logonscope.client import LocalHost
from logonscope.client.logons_from_cim import LogonsFromCim
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.hosts import user
from tests.kernel import SOMEBODY, Nursery, kernel_id, require_logins
from tests.providers.asked import KIB, SNAPSHOT, one, web1

SUMS = ("ProcessCount", "UserModeTime", "KernelModeTime", "WorkingSetSize", "PrivateMemory", "ReadBytes",
        "WrittenBytes", "UnreadCount")  # fmt: skip


def test_the_sums_of_a_logon_session() -> None:
    values = one(web1(), 'LS_LogonSessionUsage.LogonId="41"', *SUMS)
    assert values == (5, 5 * 25_000_000, 5 * 12_500_000, 5 * 700 * KIB, 5 * 650 * KIB, 5, 10, 0)


def test_a_caller_gets_the_sums_of_what_it_may_see() -> None:
    alice = LocalHost(Memory(SNAPSHOT), LINUX, user(1000), save_recording)
    rows = {row["LogonId"]: row for row in alice.enumerate("LS_LogonSessionUsage", namespace=LOGONSCOPE)}
    assert rows.keys() == {"41", "42"}
    # of the five, sshd's first process, sudo and what it runs are root's: what they read and wrote is masked
    assert [rows["41"][name] for name in ("ProcessCount", "UnreadCount", "ReadBytes", "WrittenBytes")] == [5, 3, 2, 4]
    assert rows["41"]["WorkingSetSize"] == 5 * 700 * KIB


def test_the_question_has_the_same_sums() -> None:
    (session,) = web1().sessions("41", details=["usage"])
    assert session.usage is not None
    assert session.usage == (5, 0, 12.5, 6.25, 5 * 700 * KIB, 5 * 650 * KIB, 5, 10)
    assert web1().sessions("41")[0].usage is None
    # the same of one of its processes, and over the classes of another host
    assert web1().whose(4312, details=["usage"])[0].session.usage == session.usage
    assert web1().whose(4312)[0].session.usage is None
    assert LogonsFromCim(web1()).sessions("41", details=frozenset({"usage"}))[0].usage == session.usage
    assert LogonsFromCim(web1()).whose("4312", frozenset({"usage"}))[0].session.usage == session.usage
    (unrecorded,) = web1().sessions("63", details=["usage"])
    assert unrecorded.usage is not None
    assert web1().whose(6001, details=["usage"])[0].session.usage == unrecorded.usage


def test_the_sums_of_filtered_logon_sessions() -> None:
    everything = {session.logon_id: session.usage for session in web1().sessions(details=["usage"])}
    found = web1().sessions(where=LogonFilter(users=frozenset({"alice"})), details=["usage"])
    assert {session.logon_id: session.usage for session in found} == {name: everything[name] for name in ("41", "42")}


def truth(pids: Iterable[int]) -> dict[str, int]:
    """Sum up what /proc has of processes."""
    total = dict.fromkeys(("ticks", "rss", "private", "read", "written"), 0)
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total["ticks"] += int(fields[11]) + int(fields[12])
        pairs = (line.split(":") for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
        status = {name: text.split()[0] for name, text in pairs if text.split()}
        total["rss"] += int(status["VmRSS"]) * 1024
        total["private"] += (int(status["RssAnon"]) + int(status["VmSwap"])) * 1024
        pairs = (line.split(":") for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines())
        io = {name: int(text) for name, text in pairs}
        total["read"] += io["rchar"]
        total["written"] += io["wchar"]
    return total


def test_the_sums_of_real_processes_are_those_of_the_kernel() -> None:
    require_logins()
    with Nursery() as nursery:
        pids = nursery.login(SOMEBODY)
        logon_id = str(kernel_id(pids[0]))
        before = truth(pids)
        (session,) = connect().sessions(logon_id, details=["usage"])
        after = truth(pids)
    usage = session.usage
    assert usage is not None
    assert (usage.processes, usage.unread_count) == (1, 0)
    assert usage.processor_time is not None
    ticks = os.sysconf("SC_CLK_TCK")
    assert before["ticks"] <= round(usage.processor_time * ticks) <= after["ticks"]
    for name, value in (("rss", usage.resident), ("private", usage.private), ("read", usage.read)):
        assert value is not None
        assert before[name] <= value <= after[name], name


@pytest.mark.parametrize("name", ["UserModeTime", "KernelModeTime", "WorkingSetSize", "ReadBytes"])
def test_every_sum_has_its_unit(name: str) -> None:
    cls = connect().get_class("LS_LogonSessionUsage", namespace=LOGONSCOPE)
    units = {"UserModeTime": "100 nanoseconds", "KernelModeTime": "100 nanoseconds"}
    (prop,) = [prop for prop in cls.properties.values() if prop.name == name]
    assert [qualifier.value for qualifier in prop.qualifiers if qualifier.name == "Units"] == [units.get(name, "bytes")]
