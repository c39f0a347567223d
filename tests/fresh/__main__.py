"""``make fresh``: README's commands, typed by a new user on new installations of several systems.

Each system is a tree that debootstrap made, or this machine's own root, seen through a view that ends with the run. The
user has no rights, no login, and a clone of this checkout's HEAD. Prints a table; exits with 1 where a command fails.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.fresh.readme import block_with
from tests.fresh.tree import DEBIAN, UBUNTU, Archive, UnavailableError, tree
from tests.fresh.view import CHECKOUT, Done, View

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
TRY = block_with(README, "Try it on this machine", "venv .venv ")
TEST = block_with(README, "Try it on this machine", "make test")
SERVE = block_with(README, "Over the network", "logonscope serve")
ASK = block_with(README, "Over the network", "--host")
PASSWORD = "correct-horse-battery"  # noqa: S105 -- of a server that ends with the run
REFUSAL = "requires a different Python"
OLDEST = (3, 11)


class System(NamedTuple):
    """A system to try the commands on."""

    name: str
    title: str
    archive: Archive | None
    """None: this machine."""


SYSTEMS = (
    System("host", "this machine", None),
    System("trixie", "Debian 13", DEBIAN),
    System("bookworm", "Debian 12", DEBIAN),
    System("noble", "Ubuntu 24.04", UBUNTU),
    System("forky", "Debian testing", DEBIAN),
    System("bullseye", "Debian 11", DEBIAN),
    System("jammy", "Ubuntu 22.04", UBUNTU),
)


class Row(NamedTuple):
    """A line of the table."""

    system: str
    python: str
    command: str
    seconds: str
    result: str
    failed: bool = False


def main() -> int:
    """Run the commands on the systems that were named, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fresh", description=__doc__)
    parser.add_argument("names", metavar="SYSTEM", nargs="*", help=f"of {', '.join(one.name for one in SYSTEMS)}")
    names = parser.parse_args().names or [system.name for system in SYSTEMS]
    if unknown := set(names) - {system.name for system in SYSTEMS}:
        parser.error(f"no system {', '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        print("cannot make a system: root is needed; run it with sudo", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that views are left
    rows = []
    for system in SYSTEMS:
        if system.name in names:
            for row in rows_of(system):
                rows.append(row)
                print(f"{row.system}, Python {row.python}: {row.command}: {row.result} {row.seconds}", file=sys.stderr)
    print(table(rows))
    return int(any(row.failed for row in rows))


def rows_of(system: System) -> Iterator[Row]:
    """Run the commands on one system; on one whose Python is too old, pip has to refuse the first."""
    try:
        root = Path("/") if system.archive is None else tree(system.name, system.archive)
    except UnavailableError as error:
        yield Row(system.title, "-", "-", "-", f"not to be had here: {error}")
        return
    with View(root) as view:
        python = view.run("python3 -c 'import ensurepip, platform; print(platform.python_version())'")
        version = python.output.strip()
        if python.code:
            yield Row(system.title, "-", "-", "-", "not to be had here: no python3 with venv")
            return
        if tuple(map(int, version.split(".")[:2])) < OLDEST:
            refused = view.run(TRY)
            lines = refused.output.strip().splitlines()
            well = refused.code != 0 and REFUSAL in lines[-1] and not any("Traceback" in line for line in lines)
            yield row_of(system, version, TRY, refused, failed=not well, word="pip refuses it, as it should")
            return
        for commands in (TRY, TEST):
            done = view.run(commands)
            yield row_of(system, version, commands, done, failed=done.code != 0, word=closing_line(commands, done))
        done = served(view)
        yield row_of(system, version, SERVE, done, failed=done.code != 0, word="answers, and stops")


def served(view: View) -> Done:
    """Start the server as README says, give the new user's password, ask it once, and stop it."""
    answers: list[Done] = []
    install, commands = SERVE.split("\n", 1)
    installed = view.run(install)
    if installed.code:
        return installed

    def ask() -> str:
        answers.append(view.run(ASK, is_offline=True, LOGONSCOPE_PASSWORD=PASSWORD))
        return "\x03"

    def password() -> str:
        return f"{PASSWORD}\n"

    steps = [("Password of", password), ("Repeat the password", password), ("listening on", ask)]
    done = view.converse(commands, steps)
    code = done.code or (answers[0].code if answers else 1)
    output = installed.output + done.output + "".join(answer.output for answer in answers)
    return Done(code, output, installed.seconds + done.seconds)


def row_of(system: System, version: str, commands: str, done: Done, *, failed: bool, word: str) -> Row:
    """Return the row of a block of commands; what a failure printed goes to standard error."""
    if failed:
        # pytest names every skipped test after what failed
        lines = [line for line in done.output.splitlines(keepends=True) if not line.startswith("SKIPPED")]
        print(f"--- {system.title}, Python {version}:\n{commands}{''.join(lines)[-100_000:]}", file=sys.stderr)
    command = commands.strip().splitlines()[-1]
    result = f"FAILED: exit code {done.code}" if failed else word
    return Row(system.title, version, f"`{command}`", f"{done.seconds:.0f}", result, failed)


def closing_line(commands: str, done: Done) -> str:
    """Return what the table says of commands that went well: for tests, how many."""
    last = (done.output.strip().splitlines() or [""])[-1]
    return last.strip("= ").partition(" in ")[0] if commands == TEST else "exit code 0"


def table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    head = ["| system | Python | command | seconds | result |", "|---|---|---|---:|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row[:5])} |" for row in rows)])


if __name__ == "__main__":
    sys.exit(main())
