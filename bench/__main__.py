"""``python -m bench``: measure everything in one run and print the table."""

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from typing import NoReturn

from bench import instances, opens, pairs, queries, scale, served_json, server, services, whole
from bench.installed import installed
from bench.plan import QUICK, WHOLE, Plan
from bench.table import Row, as_markdown, for_terminal
from bench.tools import UnavailableError


def main() -> None:
    """Measure, and print."""
    signal.signal(signal.SIGTERM, _end)
    args = _parser().parse_args()
    plan = (QUICK if args.quick else WHOLE)._replace(cache=args.cache)
    if args.rounds:
        plan = plan._replace(rounds=args.rounds, whole_rounds=args.rounds)
    load, _, _ = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="logonscope-bench-") as tools:
        rows = list(_reported(_rows(plan, tools, args.only)))
    print(_heading(plan, _command(args), load))
    print(as_markdown(rows) if args.markdown else for_terminal(rows))


def _rows(plan: Plan, tools: str, only: Collection[str]) -> Iterator[Row]:
    for name, rows in PARTS.items():
        if name in only:
            yield from rows(plan, tools)


def _commands(plan: Plan, tools: str) -> Iterator[Row]:
    try:
        ours = installed(plan.cache or tools)
    except UnavailableError as why:
        yield Row(whole.QUESTION, whole.OURS, f"not measured: {why}")
        return
    yield from whole.rows(plan, tools, ours)
    yield from opens.rows(plan, tools, ours)


PARTS: dict[str, Callable[[Plan, str], Iterator[Row]]] = {
    "pairs": pairs.rows, "scale": scale.rows, "instances": instances.rows, "queries": queries.rows,
    "server": server.rows, "json": served_json.rows, "services": services.rows, "commands": _commands,
}  # fmt: skip


def _reported(rows: Iterable[Row]) -> Iterator[Row]:
    """Pass the rows on, and say on the error output which question has been answered."""
    for question, group in groupby(rows, key=lambda row: row.question):
        yield from group
        print(f"measured: {question}", file=sys.stderr)


def _heading(plan: Plan, command: str, load: float) -> str:
    """Return the command that made the table, where it ran, and how busy that was (load average, at the start)."""
    return (
        f"`{command}`: Linux {platform.release()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load:.1f}, Python {platform.python_version()}; medians of {plan.rounds} rounds "
        f"({plan.whole_rounds} for whole commands), all contestants in turn in each round.\n"
    )


def _command(args: argparse.Namespace) -> str:
    """Return the command line, without the folder that changes no number."""
    words = ["python -m bench", *(f"--{name}" for name in ("quick", "markdown") if getattr(args, name))]
    if len(args.only) < len(PARTS):
        words += ["--only", *args.only]
    return " ".join([*words, f"--rounds {args.rounds}"] if args.rounds else words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast is Logonscope beside its peers?")
    parser.add_argument("--quick", action="store_true", help="fewer processes and rounds: to see that it works")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/speed.md shows it")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many rounds of every contest")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts (default: all)")
    parser.add_argument("--cache", metavar="DIR", help="keep the installed command there for the next run")
    return parser


def _end(*_: object) -> NoReturn:
    """Leave on SIGTERM as on an error, so that crowds and folders are cleared away."""
    sys.exit(143)


if __name__ == "__main__":
    main()
