"""What does one answer cost at the prompt? ``logonscope whose PID`` as a whole command, beside ps, loginctl, Python."""

import subprocess
from collections.abc import Iterator
from functools import partial

from bench.contest import Field, command, contest
from bench.crowd import crowd
from bench.installed import Installed
from bench.plan import Plan
from bench.table import Row, at_most, milliseconds
from bench.tools import ENVIRONMENT, UnavailableError, first_line, tool

MAX_RATIO_TO_PYTHON = 5.0
"""Aim: how many times Python's own start."""

OTHERS = {
    ("--version",): 3.0, ("sessions",): 4.2, ("tree",): 5.5, ("ps",): 5.5, ("get", "Win32_Process=1"): 7.8,
    ("enumerate", "Win32_SessionProcess"): 8.7,
    ("query", "SELECT Handle, Name FROM Win32_Process WHERE Name LIKE '%sh'"): 9.2,
}  # fmt: skip
"""Other commands, and the aim of each: how many times Python's own start."""

HEAVY = (
    "asyncio", "json", "lark", "rich", "shtab", "xml", "lxml", "http", "socket", "ssl", "sqlite3",
    "jeepney", "dbus", "pydbus", "gi", "sdbus", "dasbus", "dbus_next", "dbus_fast",
)  # fmt: skip
"""What the path to one answer must not import: parsers, tables, servers, D-Bus."""

QUESTION = "whose is this pid, as a whole command"
OTHER_QUESTION = "other whole commands"
OURS, START = "`logonscope whose PID`", "`python -c pass`, the same interpreter"
PS, LOGINCTL = "`ps -o pid,lsession,lstart,user -p PID`", "`loginctl session-status`"


def rows(plan: Plan, tools: str, ours: Installed) -> Iterator[Row]:
    """Measure one answer of each."""
    try:
        with crowd(tools, 1, "own") as (pid,):
            yield from _measured(plan, ours, str(pid))
    except UnavailableError as why:
        yield Row(QUESTION, OURS, f"not measured: {why}")


def _measured(plan: Plan, ours: Installed, pid: str) -> Iterator[Row]:
    field = Field()
    field.enter(OURS, lambda: command([ours.logonscope, "whose", pid]))
    field.enter(START, lambda: command([ours.python, "-c", "pass"]))
    field.enter(PS, lambda: command([tool("ps", "procps"), "-o", "pid,lsession,lstart,user", "-p", pid]))
    field.enter(LOGINCTL, lambda: command(_loginctl()))
    seconds = contest(field.turns, plan.whole_rounds)
    mine = seconds[OURS]
    yield Row(QUESTION, OURS, milliseconds(mine))
    for name in (START, PS, LOGINCTL):
        if name in seconds:
            ratio = mine / seconds[name]
            aim = at_most(ratio, MAX_RATIO_TO_PYTHON) if name == START else ""
            yield Row(QUESTION, name, milliseconds(seconds[name]), f"Logonscope takes {ratio:.2f} x", aim)
    yield from (Row(QUESTION, name, why) for name, why in field.absent.items())
    heavy, count = _imports(ours, pid)
    verdict = "none: MISSED" if heavy else "none: met"
    yield Row(QUESTION, "what it imports", f"{count} modules; heavy ones: {', '.join(heavy) or 'none'}", aim=verdict)
    yield from _others(plan, ours)


def _others(plan: Plan, ours: Installed) -> Iterator[Row]:
    """Measure the other commands beside Python's own start."""
    field = Field()
    field.enter(START, lambda: command([ours.python, "-c", "pass"]))
    for words in OTHERS:
        field.enter(" ".join(words), partial(command, [ours.logonscope, *words]))
    seconds = contest(field.turns, plan.whole_rounds)
    yield Row(OTHER_QUESTION, START, milliseconds(seconds[START]))
    for words, most in OTHERS.items():
        mine = seconds[" ".join(words)]
        ratio = mine / seconds[START]
        name = f"`logonscope {' '.join(words)}`"
        yield Row(OTHER_QUESTION, name, milliseconds(mine), f"takes {ratio:.2f} x", at_most(ratio, most))


def _imports(ours: Installed, pid: str) -> tuple[list[str], int]:
    """Return the heavy modules that the command imports, and how many modules in all."""
    done = subprocess.run(
        [ours.python, "-X", "importtime", ours.logonscope, "whose", pid],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=True,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[1].strip() for line in lines[1:]}
    return sorted({name.split(".")[0] for name in names}.intersection(HEAVY)), len(names)


def _loginctl() -> list[str]:
    """Return the command that shows a logon session of logind's.

    Raises:
        UnavailableError: logind does not run, or knows none.
    """
    words = [tool("loginctl", "systemd"), "--no-pager"]
    done = subprocess.run([*words, "--no-legend", "list-sessions"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(first_line(done.stderr))
    sessions = done.stdout.split()
    if not sessions:
        raise UnavailableError("logind knows no session: log in")
    return [*words, "session-status", sessions[0]]
