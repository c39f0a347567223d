"""``python -m bench.compare REV``: this checkout beside another revision, operation by operation, in one run."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple, NoReturn

from bench.checkout import HERE, Checkout, checked_out
from bench.contest import Turn, call, command
from bench.contestants import Row, Three, compared, compared_each, contestants, in_turn
from bench.crowd import SAY, Kind, crowd
from bench.queries import ALL_PAIRS, COMMONEST, SOME
from bench.ratios import Comparison
from bench.served import LOGONSCOPE, Client, Served, served
from bench.server import CLASS, enumeration
from bench.tools import UnavailableError


class Plan(NamedTuple):
    """The sizes and rounds of a run."""

    size: int  # processes of a crowd
    few: int  # processes of a small host
    recorded: int  # processes of a recorded host
    rounds: int


WHOLE = Plan(size=5000, few=50, recorded=20_000, rounds=15)
QUICK = Plan(size=300, few=50, recorded=2_000, rounds=5)
PULLS = 100
"""Small pulls of one turn."""

HEADINGS = ("operation", "base", "here", "ratio (least to most)", "noise", "")
WIDTHS = (80, 10, 10, 21, 6, 0)


class Run(NamedTuple):
    """What a part needs: two checkouts, the plan, and a folder for programs and recordings."""

    base: Checkout
    here: Checkout
    plan: Plan
    folder: str

    @property
    def three(self) -> tuple[Checkout, Checkout, Checkout]:
        """Return the checkouts of the base, of this one, and of the base again."""
        return self.base, self.here, self.base


def lists(run: Run) -> Iterator[Row]:
    """Compare answers about every process of this machine, with crowds of both kinds."""
    kinds: tuple[Kind, ...] = ("own", "none")
    for kind in kinds:
        who = f"{run.plan.size:,} more processes, {SAY[kind]}"
        with crowd(run.folder, run.plan.size, kind), contestants(run.base, run.here) as three:
            rounds = run.plan.rounds
            yield compared(f"every (pid, LogonId), {who}", three, rounds, "pairs")
            for class_name in ("Win32_SessionProcess", "Win32_Process"):
                name = f"enumerate {class_name}, {who}"
                yield compared(name, three, rounds, "enumerate_class", class_name=class_name)


def single(run: Run) -> Iterator[Row]:
    """Compare answers about one process, with few and with many others."""
    for size in (run.plan.few, run.plan.size):
        with (
            crowd(run.folder, 1, "own") as (pid,),
            crowd(run.folder, size, "own"),
            contestants(run.base, run.here) as three,
        ):
            yield from _single(three, run.plan.rounds, pid, f"{size:,} other processes")


def _single(three: Three, rounds: int, pid: int, who: str) -> Iterator[Row]:
    path = f'Win32_Process.Handle="{pid}"'
    yield compared(f"get one process, {who}", three, rounds, "get", path=path)
    name = f"associators, result class Win32_LogonSession, {who}"
    yield compared(name, three, rounds, "associators", path=path, result_class="Win32_LogonSession")
    yield compared(f"associators, all, {who}", three, rounds, "associators", path=path)
    yield compared(f"whose, {who}", three, rounds, "whose", pid=pid)
    yield compared(f"session_of, {who}", three, rounds, "session_of", pid=pid)


def recorded(run: Run) -> Iterator[Row]:
    """Compare WQL over recorded hosts, each recorded by the contestant itself."""
    with contestants(run.base, run.here) as three:
        small, large = _recordings(run, three, 10), _recordings(run, three, run.plan.recorded)
        texts = [text.replace("4312", "10") for text in COMMONEST]  # the first process of a recording
        name = f"parse, bind and plan {len(texts)} queries, and run them over 10 processes"
        yield _queried(name, three, run.plan.rounds, small, texts)
        for text in (ALL_PAIRS, SOME):
            name = f"{text.split(' WHERE')[0]}{' ...' if 'WHERE' in text else ''}, {run.plan.recorded:,} recorded"
            yield _queried(name, three, run.plan.rounds, large, [text])


def _queried(name: str, three: Three, rounds: int, hosts: Sequence[str], texts: list[str]) -> Row:
    return compared_each(name, three, rounds, "queries", [{"recording": host, "texts": texts} for host in hosts])


def _recordings(run: Run, three: Three, size: int) -> list[str]:
    """Let each contestant record the same host with its own code, and return the names of the files.

    One whose bench cannot record gets the file of another.
    """
    files: list[str | None] = []
    for number, worker in enumerate(three):
        folder = Path(run.folder, str(number))
        folder.mkdir(exist_ok=True)
        try:
            files.append(str(worker.ask("record", folder=str(folder), size=size)["path"]))
        except UnavailableError:
            files.append(None)
    recorded_by_any = next(filter(None, files), None)
    if recorded_by_any is None:
        raise UnavailableError("no contestant can record a host")
    return [file or recorded_by_any for file in files]


def over_http(run: Run) -> Iterator[Row]:
    """Compare servers over WS-Management: enumerations with their processor time, and small pulls."""
    size, rounds = run.plan.recorded, run.plan.rounds
    with ExitStack() as stack:
        with contestants(run.base, run.here) as three:
            hosts = _recordings(run, three, size)
        servers = [
            stack.enter_context(served(host, environment=checkout.environment))
            for host, checkout in zip(hosts, run.three, strict=True)
        ]
        clients = [stack.enter_context(Client(server.port)) for server in servers]
        used: list[list[float]] = [[] for _ in servers]
        enumerations = [
            partial(_enumerated, server, client, size, spent)
            for server, client, spent in zip(servers, clients, used, strict=True)
        ]
        yield Row(f"{CLASS} by WS-Management, {size:,} rows", in_turn(enumerations, rounds))
        yield Row("... the server's processor time for them", Comparison(*(spent[1:] for spent in used)))
        turns = [_pull_turn(client) for client in clients]
        yield Row(f"... {PULLS} Pulls of one row", in_turn(turns, rounds))


def _enumerated(server: Served, client: Client, size: int, spent: list[float]) -> float:
    """Enumerate to the end, add the processor time, and return the seconds."""
    before = server.cpu
    seconds = enumeration(client, size, [])
    spent.append(server.cpu - before)
    return seconds


def _pull_turn(client: Client) -> Turn:
    pulls = _endless(client)
    return call(lambda: list(islice(pulls, PULLS)))


def _endless(client: Client) -> Iterator[object]:
    while True:
        yield from client.enumerate(CLASS, 1)


def commands(run: Run) -> Iterator[Row]:
    """Compare whole commands, from their start to their end."""
    with crowd(run.folder, 1, "own") as (pid,), crowd(run.folder, run.plan.few, "own"):
        query = "SELECT Handle, Name FROM Win32_Process WHERE Name LIKE 'crowd%'"
        for words in (
            ["--version"], ["whose", str(pid)], ["sessions"], ["tree"], ["ps"], ["get", f"Win32_Process={pid}"],
            ["enumerate", "Win32_Process"], ["query", query],
        ):  # fmt: skip
            name = f"`logonscope {' '.join(words).replace(query, 'SELECT ...')}`".replace(str(pid), "PID")
            turns = [command([*LOGONSCOPE, *words], checkout.environment) for checkout in run.three]
            try:
                yield Row(name, in_turn(turns, run.plan.rounds))
            except UnavailableError as why:
                yield Row(name, None, str(why))


PARTS: dict[str, Callable[[Run], Iterator[Row]]] = {
    "lists": lists, "single": single, "recorded": recorded, "server": over_http, "commands": commands,
}  # fmt: skip


def measured(run: Run, parts: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of parts; a part that cannot be measured here is a row that says why."""
    for part in parts:
        try:
            yield from PARTS[part](run)
        except UnavailableError as why:
            yield Row(part, None, str(why))


def line(row: Row) -> str:
    """Return a row as a line of the table."""
    comparison = row.comparison
    if comparison is None:
        return f"{row.operation.ljust(WIDTHS[0])}  not measured: {row.remark}"
    ratios = comparison.ratios
    base = [*comparison.base, *comparison.again]
    cells = (
        row.operation, duration(median(base)), duration(median(comparison.here)),
        f"{comparison.ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", f"{comparison.noise:.2f}", row.remark,
    )  # fmt: skip
    return formatted(cells)


def formatted(cells: Sequence[str]) -> str:
    """Return cells as a line, the first one to the left."""
    first, *rest = cells
    columns = [text.rjust(width) for text, width in zip(rest, WIDTHS[1:], strict=True)]
    return "  ".join([first.ljust(WIDTHS[0]), *columns]).rstrip()


def duration(seconds: float) -> str:
    """Return a duration for people."""
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def verdict(rows: Sequence[Row], bound: float) -> Iterator[str]:
    """Yield lines that name the operations over a bound: those that are slower, and those that only noise may be."""
    slower = [row.operation for row in rows if row.comparison and row.comparison.exceeds(bound)]
    unclear = [row.operation for row in rows if row.comparison and row.comparison.is_unclear(bound)]
    if slower:
        yield from (f"\nslower than {bound:g} by more than noise:", *(f"  {name}" for name in slower))
    if unclear:
        heading = f"\nslower than {bound:g}, but within noise (more --rounds, or a quieter machine, would tell):"
        yield from (heading, *(f"  {name}" for name in unclear))


def main() -> None:
    """Compare, print, and exit with 1 if a bound is given and exceeded."""
    signal.signal(signal.SIGTERM, _end)
    parser = _parser()
    args = parser.parse_args()
    plan = QUICK if args.quick else WHOLE
    if args.rounds:
        plan = plan._replace(rounds=args.rounds)
    try:
        rows = list(_printed(args.revision, plan, args.only))
    except UnavailableError as why:
        parser.error(str(why))
    if args.bound:
        print(*verdict(rows, args.bound), sep="\n")
        sys.exit(any(row.comparison and row.comparison.exceeds(args.bound) for row in rows))


def _printed(revision: str, plan: Plan, parts: Iterable[str]) -> Iterator[Row]:
    """Measure, print each row when it is there, and yield it."""
    with tempfile.TemporaryDirectory(prefix="logonscope-compare-") as folder, checked_out(revision) as base:
        here = Checkout(HERE)
        here.build()
        print(formatted(HEADINGS))
        for row in measured(Run(base, here, plan, folder), parts):
            print(line(row), flush=True)
            yield row


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="Is this checkout as fast as another?")
    parser.add_argument("revision", metavar="REV", help="the base: what git calls a commit")
    parser.add_argument("--bound", type=float, metavar="RATIO", help="exit with 1 if anything is slower than that")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many rounds of every operation")
    parser.add_argument("--quick", action="store_true", help="fewer processes and rounds: to see that it works")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts (default: all)")
    return parser


def _end(*_: object) -> NoReturn:
    """Leave on SIGTERM as on an error, so that processes, worktree and folders are cleared away."""
    sys.exit(143)


if __name__ == "__main__":
    main()
