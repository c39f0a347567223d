"""Attacks on the packaged unit under a real systemd, as root: a table of what each cost the server and others."""

import argparse
import sys
from collections.abc import Sequence

from tests.lab.systemd import Machine, unavailable
from tests.siege.cases.table import CASES
from tests.siege.scale import FULL, SHORT
from tests.siege.siege import Case, Figures, besiege

HEADER = (
    "| case | what was done | memory before, peak, after | root | administrator | log | outcome |\n"
    "|---|---|---:|---:|---:|---:|---|"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print the table, and return 1 where a bound is broken."""
    parser = _parser()
    wanted = parser.parse_args(arguments)
    if unknown := [name for name in wanted.case if not any(_is_named(case, [name]) for case in CASES)]:
        parser.error(f"there is no case {', '.join(unknown)}")
    if reason := unavailable():
        sys.exit(f"cannot attack the unit: {reason}")
    cases = [case for case in CASES if not wanted.case or _is_named(case, wanted.case)]
    print(HEADER, flush=True)
    is_broken = False
    with Machine() as machine:
        for case in cases:
            figures = besiege(machine, case, SHORT if wanted.short else FULL)
            is_broken |= bool(figures.problems)
            print(row(figures), flush=True)
    return int(is_broken)


def row(figures: Figures) -> str:
    """Return a case as a row of the table."""
    memory = ", ".join(f"{mib:.0f}" for mib in (figures.before, figures.peak, figures.after))
    outcome = "; ".join(figures.problems).replace("|", "/") or "within limits"
    return (
        f"| {figures.case} | {figures.done} | {memory} MiB | {figures.root:.2f} s | {figures.administrator:.2f} s | "
        f"{figures.log_bytes:,} B | {outcome} |"
    )


def _is_named(case: Case, names: list[str]) -> bool:
    return any(case.name == name or case.name.startswith(f"{name}-") for name in names)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.siege", description=__doc__)
    names = ", ".join(case.name for case in CASES)
    parser.add_argument("case", nargs="*", metavar="CASE", help=f"{names}; silent is all that begin so; default: all")
    parser.add_argument("--short", action="store_true", help="smaller numbers, as in the tests")
    return parser


if __name__ == "__main__":
    sys.exit(main())
