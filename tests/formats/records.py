"""Records of the example host for the tests of formats: every logon session and every process."""

import json
from pathlib import Path
from typing import Any

from logonscope.answers.host_identity import HostIdentity
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.formats.record import Record
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.providers.asked import SNAPSHOT

LISTS = Path(__file__).with_name("lists")
IDENTITY = HostIdentity("web1", "92a3abe1-f9c5-4458-949e-7157da9a6498", "3d1219c7c4c5404aaa1f6d2a48adfda4")


def example() -> LocalHost:
    """Return the example host."""
    return LocalHost(Memory(SNAPSHOT), LINUX, Caller("root", 0, administrator=True), lambda *_: 0)


def records() -> list[Record]:
    """Return a record of every logon session and every process."""
    host, found = example(), list[Record]()
    trees = host.tree()
    by_pid = {process.pid: process for tree in trees for process in tree.processes}
    for tree in trees:
        leader = by_pid.get((tree.session and tree.session.leader) or 0)
        base = Record(IDENTITY, host.moment, tree.session, leader=leader)
        found.append(base)
        for process in tree.processes:
            found.append(base._replace(process=process, parent=by_pid.get(process.ppid or 0)))
    return found


def listed(name: str) -> dict[str, str]:
    """Return the names of a list, each with its type."""
    lines = (LISTS / name).read_text().splitlines()
    return {name: kind for name, _, kind in (line.partition(" ") for line in lines if not line.startswith("#"))}


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of a document by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    json.dumps(found)  # every value has a JSON form
    return found


def process_of(pid: int) -> Record:
    """Return the record of a process."""
    return next(record for record in records() if record.process and record.process.pid == pid)
