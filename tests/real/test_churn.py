"""Answers stay right while logins, forks and detached processes come and go by the hundred, for 15 seconds.

Before and after each answer the kernel and logind are read for themselves. Whoever was there all the time, with the
same kernel id and in the same control group, must stand in the answer, with the logon session that the rules give it.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from tests.lab.expected import Expected, expected
from tests.lab.lab import Lab, Row
from tests.lab.systemd import free_port

SECONDS = float(os.environ.get("LOGONSCOPE_CHURN_SECONDS", "15"))
TICK = 1 / os.sysconf("SC_CLK_TCK")
SLOW = 120.0  # seconds more that a busy computer may take to see enough
PAUSE = 0.3  # between the logins of one kind: the answers, too, need the processor

# What a login does before it ends: children that stay and children that go, detached or not, and some left behind.
BUSY = """
for i in 1 2 3 4 5 6; do
    (sleep 0.$i) & setsid sleep 0.$i & (setsid sh -c 'sleep 0.5 & sleep 0.7' &)
    setsid sleep 1.$i >/dev/null 2>&1 </dev/null & (setsid sleep 3.$i >/dev/null 2>&1 </dev/null &)
    sleep 0.05
done
"""
FORKS = "while :; do (sleep 0.2 &); (sleep 0.4 & exec sleep 0.3) & sleep 0.1; done"


@contextlib.contextmanager
def repeated(*works: Callable[[], object]) -> Iterator[None]:
    """Do each of these again and again, beside the block; a failure of any is the block's."""
    over = threading.Event()
    errors: list[Exception] = []

    def repeat(work: Callable[[], object]) -> None:
        try:
            while not over.wait(PAUSE):
                work()
        except Exception as error:  # noqa: BLE001 -- it is raised again below
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if errors:
        raise ExceptionGroup("beside the test", errors)


@pytest.fixture
def churn(lab: Lab) -> Iterator[None]:
    """Let people log in and out in every way, some through an sshd that hands its own kernel id to all."""

    def login(user: str, port: int | None = None) -> Callable[[], object]:
        return lambda: lab.machine.ssh(user, BUSY, port=port).end()

    def unit() -> None:
        lab.machine.run(["systemd-run", "--user", "--quiet", "--collect", "sleep", "0.6"], user="alice")

    sharing = free_port()
    lab.machine.run(["loginctl", "enable-linger", "alice"])
    lab.daemon("sh", "-c", FORKS)
    with lab.machine.ssh("alice") as owner:
        owner.ask(f"sudo -n systemd-run --quiet --scope --unit=lab-sshd /usr/sbin/sshd -p {sharing}")
        owner.ask(f"sh -c '{FORKS}' >/dev/null 2>&1 </dev/null &")
        with (
            lab.machine.ssh("alice", port=sharing) as sharer,
            repeated(
                login("alice"),
                login("bob"),
                login("alice", sharing),
                lambda: lab.machine.run(["su", "-", "bob", "-c", BUSY]),
                unit,
            ),
        ):
            sharer.ask(f"sh -c '{FORKS}' >/dev/null 2>&1 </dev/null &")
            yield


class Reading:
    """What the kernel and logind said at one moment, and what follows."""

    def __init__(self, lab: Lab, *, logind_first: bool) -> None:
        logind = lab.logins() if logind_first else None
        self.truth = lab.truth()
        self.logind = lab.logins() if logind is None else logind
        self.expected = expected(self.truth, self.logind)

    def sight(self, pid: int) -> tuple[int, int, str, Expected]:
        """Return what may not change of a process that is compared."""
        row = self.truth[pid]
        return row["start"], row["sessionid"], row["cgroup"], self.expected[pid]


def lasting(before: Reading, after: Reading) -> dict[int, Expected]:
    """Return what is to be answered for every process that was there all the time, unchanged."""
    both = before.truth.keys() & after.truth.keys()
    return {pid: before.expected[pid] for pid in both if before.sight(pid) == after.sight(pid)}


def seconds(row: Row) -> float:
    """Return when a row's process started."""
    return datetime.fromisoformat(row["start"]).timestamp()


def enough(seen: Counter[str]) -> bool:
    """Return whether each rule has been tried on many processes."""
    return min(seen[evidence] for evidence in ("scope", "audit", "none")) >= 100


@pytest.mark.usefixtures("churn")
def test_no_pair_is_wrong_or_missing_while_everything_changes(lab: Lab) -> None:
    boot = next(
        int(line.split()[1])
        for line in lab.machine.run(["cat", "/proc/stat"]).stdout.splitlines()
        if line.startswith("btime")
    )
    seen: Counter[str] = Counter()
    sessions: set[str] = set()
    owners: dict[tuple[int, ...], set[str]] = {}  # of each process in one place: what was answered, ever
    readings = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or not (enough(seen) or time.monotonic() > end + SLOW):
        before = Reading(lab, logind_first=False)
        rows = {row["pid"]: row for row in lab.logonscope("ps")}
        after = Reading(lab, logind_first=True)
        right = lasting(before, after)

        assert right.keys() - rows.keys() == set(), "missing"
        given = {pid: Expected(rows[pid]["logon_id"], rows[pid]["evidence"]) for pid in right}
        assert given == right, "wrong"
        starts = {pid: boot + before.truth[pid]["start"] * TICK for pid in right}
        assert {pid for pid in right if abs(seconds(rows[pid]) - starts[pid]) > TICK / 2} == set(), "another process"
        for pid in right:
            row = before.truth[pid]
            sight = pid, row["start"], row["sessionid"], hash(row["cgroup"])
            owners.setdefault(sight, set()).add(rows[pid]["logon_id"])
        seen.update(owner.evidence for owner in right.values())
        sessions.update(owner.logon_id for owner in right.values())
        readings += 1

    changed = [sight for sight, answered in owners.items() if len(answered) > 1]
    assert changed == [], "owners that changed"
    told = f"{readings} readings of {len(sessions)} logon sessions, {seen.total()} pairs, {len(owners)} processes"
    print(f"{told}: 0 wrong, 0 missing, {len(changed)} owners that changed; {dict(seen)}")
    assert enough(seen)
    assert len(sessions) > 20
