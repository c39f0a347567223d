"""``python -m bench.history``: the size of a journal, its questions, and what a storm costs that is written into it.

The journal is seeded with SQL: so many lifetimes in 90 days of one boot, 60 of 100 in 10,000 logins, 90 of 100 short
(median 20 ms), 7 of 100 median 20 s, 3 of 100 median 10 h. Then real events go through the keeper.
"""

import argparse
import math
import os
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.journal import schema
from logonscope.journal.clock import Reading
from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import Keeper
from logonscope.journal.policy import Policy
from logonscope.journal.rows import duration_class
from logonscope.machine import BaseSource, Look, Owner, Part
from logonscope.machine.events import Event, EventHead, ProcessChanged, ProcessEnded, ProcessStarted
from logonscope.machine.history import LogonRecordQuery, ProcessRecordQuery
from logonscope.ownership import LINUX

BOOT = 1_700_000_000
DAYS = 90
LOGINS = 10_000
PROGRAMS = 1500
SPAN_MS = DAYS * 86_400_000
MACHINE = Machine("bench", boot_id="bench", btime=BOOT, ticks=100, machine_id="bench")
SYSTEM = Owner(str(UNSET), "none")
ROUNDS = 9
LOGIN_MS = 8 * 3_600_000


class BenchClock:
    """Both clocks, as the bench sets them."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def __call__(self) -> Reading:
        """Return both clocks."""
        return Reading(self.ms, BOOT * 1_000_000 + self.ms * 1000, 0)


def open_keeper(folder: str, clock: BenchClock, command_lines: str = "off") -> Keeper:
    """Open a journal."""
    policy = Policy(
        command_lines="full" if command_lines == "full" else "off", keep_system_ms=10**13, max_bytes=1 << 40
    )
    return Keeper(folder, MACHINE, LINUX, policy, account_name=str, read_clock=clock)


def seed(folder: str, count: int) -> None:
    """Fill a new journal with so many lifetimes."""
    keeper = open_keeper(folder, BenchClock(1))
    keeper.stop()
    database = sqlite3.connect(os.path.join(folder, "journal.db"), isolation_level=None)
    indexes = [statement for statement in schema.TABLES if "INDEX process_" in statement]
    for statement in indexes:
        database.execute(f"DROP INDEX {statement.split()[2]}")
    database.execute("PRAGMA synchronous=OFF")
    database.execute("BEGIN")
    chance = random.Random(1)  # noqa: S311 -- the same in every run
    starts = sorted(chance.randrange(SPAN_MS) for _ in range(LOGINS))
    _seed_small_tables(database, starts)
    database.executemany(
        f"INSERT INTO process VALUES ({','.join('?' * 14)})",  # noqa: S608 -- marks
        _lifetimes(count, starts, chance),
    )
    database.execute("INSERT INTO eventlog VALUES (?, 1, ?)", (2 * count + 100, bytes(8)))
    database.execute("INSERT OR REPLACE INTO journal VALUES ('through', ?)", (2 * count + 100,))
    database.execute("INSERT INTO seal VALUES (?, 0, x'00', x'00', NULL, NULL)", (2 * count + 100,))
    database.execute("INSERT INTO process_zone SELECT DISTINCT pid >> 7, id >> 8 FROM process")
    database.execute("COMMIT")
    for statement in indexes:
        database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _seed_small_tables(database: sqlite3.Connection, starts: list[int]) -> None:
    database.execute("DELETE FROM moment")
    database.executemany(
        "INSERT INTO program VALUES (?, 1, ?, ?, ?)",
        ((number, b"/usr/bin/p%d" % number, b"p%d" % number, b"p%d" % number) for number in range(1, PROGRAMS + 1)),
    )
    database.executemany(
        "INSERT INTO credential VALUES (?, 1, ?, ?, ?)",
        ((number, f"{uid},{uid},{uid},{uid}", f"{uid},{uid},{uid},{uid}", f"user{uid}")
         for number, uid in enumerate([0, *range(1000, 1050)], 1)),
    )  # fmt: skip
    columns = ",".join("?" * 25)
    database.execute(f"INSERT INTO logon VALUES ({columns})", _logon_row(1, UNSET, 0, None))  # noqa: S608 -- marks
    database.executemany(
        f"INSERT INTO logon VALUES ({columns})",  # noqa: S608 -- marks
        (_logon_row(number + 2, number + 1, start, 1000 + number % 50) for number, start in enumerate(starts)),
    )
    database.execute("INSERT INTO place VALUES (1, 1, 1, 'none', ?, ?, x'2f', 0, 1, NULL)", (UNSET, UNSET))
    database.executemany(
        "INSERT INTO place VALUES (?, 1, ?, 'audit', ?, ?, x'2f75', 0, 1, NULL)",
        ((number + 2, number + 2, number + 1, 1000 + number % 50) for number in range(LOGINS)),
    )


def _logon_row(number: int, logon_id: int, start: int, uid: int | None) -> tuple[Any, ...]:
    user, key = (None, None) if uid is None else (f"user{uid}", f"SHA256:{'k' * 35}{uid}")
    ended = None if uid is None else start + LOGIN_MS
    return (
        number, 1, 1, logon_id, 0, start, None, None, ended, ended and 2, uid, user, 10, "sshd", None, None,
        "192.0.2.7", "192.0.2.7", 40000, "publickey", "ED25519", key, None, BOOT * 1_000_000 + start * 1000, None,
    )  # fmt: skip


def _lifetimes(count: int, starts: list[int], chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Yield rows of processes in the order of their starts."""
    first = last = 0
    uniform, gauss = chance.random, chance.gauss
    for number in range(count):
        ms = SPAN_MS * number // count
        while last < LOGINS and starts[last] <= ms:
            last += 1
        while first < last and starts[first] + LOGIN_MS < ms:
            first += 1
        login = 0
        if uniform() < 0.6 and last > first:
            # some logins run far more than others
            login = first + int(uniform() ** 3 * (last - first)) + 1
        kind = uniform()
        median = 20.0 if kind < 0.9 else 20_000.0 if kind < 0.97 else 36_000_000.0
        lasted: int | None = int(median * math.exp(gauss(0, 1)))
        if lasted is not None and ms + lasted > SPAN_MS:
            lasted = None
        program = min(int(uniform() ** -0.8), PROGRAMS)
        uid = 1 if not login or uniform() < 0.03 else (login - 1) % 50 + 2
        yield (
            100 + 2 * number, login + 1, 300 + number % 32_000, ms // 10, 98 + 2 * number if number % 3 else None,
            program, uid, None, None, None if lasted is None else duration_class(lasted), lasted,
            None if lasted is None else 0 if kind < 0.85 else 256, None, None,
        )  # fmt: skip


def fill_moments(folder: str, count: int) -> None:
    """Write the clock map: a row a minute."""
    database = sqlite3.connect(os.path.join(folder, "journal.db"), isolation_level=None)
    database.execute("BEGIN")
    database.execute("DELETE FROM moment")
    wall = BOOT * 1_000_000
    database.executemany(
        "INSERT INTO moment VALUES (?, 1, ?, ?, 0, ?)",
        ((101 + 2 * (count * minute * 60_000 // SPAN_MS) , minute * 60_000, wall + minute * 60_000_000,
          None if minute else 0) for minute in range(min(SPAN_MS // 60_000, count))),
    )  # fmt: skip
    database.execute("UPDATE boot SET seen_until = ?", (SPAN_MS,))
    database.execute("COMMIT")
    database.close()


def at(ms: int) -> datetime:
    """Return a time since the boot as a time."""
    return datetime.fromtimestamp(BOOT + ms / 1000, UTC)


def measure(what: str, ask: Callable[[], int]) -> None:
    """Ask some times, and print the number of rows and the least times: others use the machine, too."""
    count, times, cpu_times = ask(), [], []
    for _ in range(ROUNDS):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        ask()
        times.append((time.perf_counter() - begin) * 1000)
        cpu_times.append((time.process_time() - cpu_begin) * 1000)
    print(f"| {what} | {count:,} | {min(times):.1f} | {min(cpu_times):.1f} |", flush=True)


def drop_cache(folder: str) -> None:
    """Drop the database from the page cache of this machine."""
    # in a process of its own: close() would drop the locks of this one
    if not os.fork():
        descriptor = os.open(os.path.join(folder, "journal.db"), os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os._exit(0)
    os.wait()


def ask_questions(folder: str) -> None:
    """Measure the questions."""
    history, look = JournalHistory(folder), Look()
    present = _Present()
    reader = history.open_reader()
    sizes = reader.rows("SELECT place - 0, count(*) FROM process WHERE place > 1 GROUP BY place ORDER BY 2")
    median, biggest = sizes[len(sizes) // 2], max((row for row in sizes if row[1] <= 10_000), key=_size_of)
    middle = SPAN_MS // 2

    def login(place: int) -> int:
        return sum(1 for _ in history.processes(look, ProcessRecordQuery(logon_records=frozenset({place}))))

    def folded() -> int:
        query = LogonRecordQuery(users=frozenset({"user1007"}), since=at(middle), until=at(middle + 30 * 86_400_000))
        logons = [record.id for record in history.logons(look, query)]
        return sum(map(len, history.programs(look, logons).values()))

    def alive() -> int:
        past = history.at(at(middle), present)
        rows = past._reader.rows_at(1, middle)  # noqa: SLF001 -- the part that is measured
        past._reader.load_dictionaries(rows)  # noqa: SLF001 -- the same
        past.close()
        return len(rows)

    def recent() -> int:
        query = ProcessRecordQuery(since=at(SPAN_MS - 7_200_000), command_lines=False)
        return sum(1 for _ in history.processes(look, query))

    def pid() -> int:
        past = history.at(at(middle), present)
        rows = past._reader.rows_at(1, middle, frozenset({1300}))  # noqa: SLF001 -- the same
        past.close()
        return len(rows)

    print("| question | rows | ms, least | ms of CPU, least |\n|---|---|---|---|")
    measure("a login of median size, all processes", lambda: login(median[0]))
    measure(f"a login of {biggest[1]:,} processes", lambda: login(biggest[0]))
    measure("a user's month, folded by program", folded)
    measure("a pid at a moment", pid)
    measure("the logins of a key", lambda: len(list(
        history.logons(look, LogonRecordQuery(keys=frozenset({"SHA256:" + "k" * 35 + "1007"}))))))  # fmt: skip
    measure("name prefix p14, newest 100", lambda: len(list(
        history.processes(look, ProcessRecordQuery(name_prefix="p14", newest=100)))))  # fmt: skip
    measure("what existed in the last two hours", recent)
    measure("everything alive at a moment", alive)
    drop_cache(folder)
    begin = time.perf_counter()
    count = alive()
    print(f"| the same, page cache dropped | {count:,} | {(time.perf_counter() - begin) * 1000:.1f} | |")


def _size_of(row: Any) -> int:
    return int(row[1])


class _Present(BaseSource):
    """The machine of the bench, of which only its name is asked."""

    label = "bench"

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del look, parts
        return MACHINE


def storm(folder: str, count: int, command_lines: str, first_ms: int) -> None:
    """Write a storm of lifetimes, 20,000 a second in the events' time, and print what it costs."""
    clock = BenchClock(first_ms)
    keeper = open_keeper(folder, clock, command_lines)
    size = _used_bytes(keeper)
    events = list(_storm_events(count, first_ms))
    commits, cpu = [], 0.0
    for first in range(0, len(events), 1000):
        batch = events[first : first + 1000]
        clock.ms = batch[-1].head.kernel_ns // 1_000_000
        before = _cpu_seconds()
        for event in batch:
            keeper.put(event)
        begin = time.perf_counter()
        keeper.flush()
        commits.append((time.perf_counter() - begin) * 1000)
        cpu += _cpu_seconds() - before
    before = _cpu_seconds()
    keeper.writer.move_all()
    cpu += _cpu_seconds() - before
    keeper.writer.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    grown = _used_bytes(keeper) - size
    commits.sort()
    print(
        f"storm of {count:,} lifetimes, command lines {command_lines}: {cpu / count * 1e6:.1f} us CPU a lifetime,"
        f" {grown / count:.1f} B a lifetime; 1,000 events: p50 {commits[len(commits) // 2]:.1f} ms,"
        f" p99 {commits[int(len(commits) * 0.99)]:.1f} ms, max {commits[-1]:.1f} ms", flush=True,
    )  # fmt: skip
    keeper.stop()


def _used_bytes(keeper: Keeper) -> int:
    execute = keeper.writer.database.execute
    pages, free = (execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    return int((pages - free) * execute("PRAGMA page_size").fetchone()[0])


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _storm_events(count: int, first_ms: int) -> Iterator[Event]:
    """Yield events as the kernel has them: start, exec and end, most within a few milliseconds."""
    chance = random.Random(2)  # noqa: S311 -- the same in every run
    pool = [b"/usr/bin/cc\0-c\0" + b"%060d\0" % number for number in range(100_000)]
    pending: list[tuple[int, int, Event]] = []
    cursor = 0
    owners = [_owner(number) for number in range(1, 200)]
    for number in range(count):
        ms = first_ms + number // 20
        owner = chance.choice(owners) if chance.random() < 0.6 else SYSTEM
        uid = 0 if owner.login is None else owner.login.uid
        ses = UNSET if owner is SYSTEM else int(owner.logon_id or 0)
        shell = Process(
            1000 + number % 31_000, ses=ses, loginuid=uid if owner.login else UNSET, cgroup="/", comm="sh", ppid=1,
            tty_nr=0, start=ms // 10, uids=(uid,) * 4, gids=(uid,) * 4, pid_namespaces=1, exe="/bin/sh", name="sh",
        )  # fmt: skip
        program = min(int(chance.random() ** -0.8), PROGRAMS)
        argv = chance.choice(pool) if chance.random() < 0.7 else b"/usr/bin/cc\0-c\0" + b"%070d\0" % (number << 20)
        after = shell._replace(comm=f"p{program}", name=f"p{program}", exe=f"/usr/bin/p{program}", cmdline=argv)
        head = EventHead(ms * 1_000_000, cursor)
        pending += [
            (ms, 3 * number, ProcessStarted(head, shell, owner, None)),
            (ms, 3 * number + 1, ProcessChanged(head, (shell, owner), (after, owner))),
        ]
        lasted = int(chance.expovariate(1 / (5 if chance.random() < 0.95 else 400)))
        ended = EventHead((ms + lasted) * 1_000_000, cursor)
        pending.append((ms + lasted, 3 * number + 2, ProcessEnded(ended, after, owner, 0)))
    pending.sort(key=_order)
    yield from (event for _, _, event in pending)


def _order(item: tuple[int, int, Event]) -> tuple[int, int]:
    return item[0], item[1]


def _owner(number: int) -> Owner:
    login = Login(str(number), 1000 + number % 50, leader=number, user=f"user{1000 + number % 50}", audit=number)
    return Owner(str(number), "audit", login)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--lifetimes", type=int, default=10_000_000)
    parser.add_argument("--storm", type=int, default=100_000)
    parser.add_argument("--folder", help="keep the journal there, and use the one that is there")
    args = parser.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, {args.lifetimes:,} lifetimes, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="logonscope-bench-") as temporary:
        folder = args.folder or os.path.join(temporary, "history")
        if not os.path.exists(os.path.join(folder, "journal.db")):
            begin = time.perf_counter()
            seed(folder, args.lifetimes)
            fill_moments(folder, args.lifetimes)
            print(f"seeded in {time.perf_counter() - begin:.0f} s", flush=True)
        size = os.path.getsize(os.path.join(folder, "journal.db"))
        print(f"{size / args.lifetimes:.1f} B a lifetime without command lines", flush=True)
        ask_questions(folder)
        storm(folder, args.storm, "off", SPAN_MS)
        storm(folder, args.storm, "full", SPAN_MS + 3_600_000)


if __name__ == "__main__":
    main()
