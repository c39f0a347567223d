"""Reader of scenarios.txt: login records and processes in a table, with the expected owners."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.ownership.join import MANAGER_BASE, NUMBERED_BASE, SCOPE_BASE
from tests.example import MACHINE

TEXT = (Path(__file__).parent / "scenarios.txt").read_text(encoding="utf-8")
_NAMES = {"class": "cls"}
_NUMBERS = {"uid", "audit", "since", "scope_inode", "remembered"}
_FLAGS = {"gone": True, "inherited": True, "unrecorded": False}
_MACHINES = {
    "host": MACHINE._replace(container=False),
    "container": MACHINE._replace(container=True),
    "without-audit": MACHINE._replace(audit=False),
}
_UNREAD = "Operation not permitted"


class Case(NamedTuple):
    """A process, and who owns it on what evidence."""

    written: str
    process: Process
    logon: str | None
    evidence: str


class Scenario(NamedTuple):
    """What happened, what the login service says of it, and whose each process is."""

    title: str
    machine: Machine
    logins: tuple[Login, ...]
    cases: tuple[Case, ...]


def scenarios(text: str = TEXT) -> Iterator[Scenario]:
    """Read the scenarios of a text."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for part in "\n".join(lines).strip().split("\n\n"):
        title, *rows = part.splitlines()
        logins = tuple(_login(row.split()[1:]) for row in rows if row.startswith("  login "))
        cases = tuple(_case(row) for row in rows if row.startswith("  process "))
        machines = [_MACHINES[row.split()[1]] for row in rows if row.startswith("  on ")]
        if len(logins) + len(cases) + len(machines) != len(rows):
            raise ValueError(f"neither machine, login nor process: {part}")
        yield Scenario(title, machines[0] if machines else _MACHINES["host"], logins, cases)


def logon_id(word: str) -> str | None:
    """Return the LogonId that a word of the table stands for."""
    if word == "unknown":
        return None
    if word == "System":
        return str(UNSET)
    if word.startswith("inode"):
        return str(NUMBERED_BASE + int(word[5:]))
    if word.startswith("user@"):
        return str(MANAGER_BASE + int(word[5:]))
    return str(SCOPE_BASE + int(word[1:])) if word.startswith("c") else word


def _login(words: list[str]) -> Login:
    login_id, *facts = words
    manager = login_id.startswith("user@")
    login = Login(id=login_id, uid=0, scope=login_id if manager else f"session-{login_id}.scope", leader=100)
    given: dict[str, Any] = {}
    rest = iter(facts)
    for word in rest:
        if word in _FLAGS:
            given["recorded" if word == "unrecorded" else word] = _FLAGS[word]
        elif word == "carried":
            given["scope_ids"] = tuple(map(int, next(rest).split(",")))
        elif word == "kernel":
            given["process"] = Process(100, ses=int(next(rest)))
        else:
            value = next(rest)
            given[_NAMES.get(word, word)] = int(value) if word in _NUMBERS else value
    if given.get("scope") == "none":
        given["scope"] = None
    return login._replace(**given)


def _case(row: str) -> Case:
    given, _, answer = row.partition("->")
    _, ses, place = given.split()
    logon, evidence = answer.split()
    unread = {}
    if ses == "unread":
        unread["ses"] = _UNREAD
    if place == "unread":
        unread["cgroup"] = _UNREAD
    process = Process(
        pid=4312,
        ses={"unset": UNSET, "unread": None}.get(ses, int(ses) if ses.isdecimal() else None),
        cgroup=None if place == "unread" else _cgroup(place),
        unread=unread or None,
    )
    return Case(" ".join(row.split()), process, logon_id(logon), evidence)


def _cgroup(place: str) -> str:
    if place.startswith("/"):
        return place
    uid, _, below = place.partition("/")
    return f"/user.slice/user-{uid}.slice" + (f"/{below}" if below else "")
