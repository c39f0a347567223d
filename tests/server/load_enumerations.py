"""Load of open enumerations: many users have as many as they may; one more of theirs, or of any user's, is refused.

Administrators have room beyond the total. Every refusal has to be the documented fault, and no enumeration may be lost.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench.recordings import LOGINS, recording
from bench.served import PASSWORD, Client, Served, pull, served
from bench.tools import UnavailableError
from logonscope.server.auth.user_file import UserFile
from logonscope.wire.wsman import names
from tests.server.load_requests import MAX_GROWTH, THIS_CHECKOUT
from tests.server.soap import envelope

PROCESSES, BEYOND, AT_ONCE = 100, 5, 16
URI = f"{names.WMI}/root/cimv2/Win32_SessionProcess"
BEGIN = envelope(names.ENUMERATE, URI, "<n:Enumerate/>")
ADMINISTRATOR, LATE = "administrator", "late"
REFUSED = re.compile(
    r"too many open enumerations \(\d+ of this caller\); release them, or pull them to their end<.*Code>2147749996<"
)
"""The end of the fault w:QuotaLimit: its sentence, and WMI's number for it (0x8004106C, WBEM_E_QUOTA_VIOLATION)."""

_CONTEXT = re.compile(rb"<n:EnumerationContext>([^<]+)<")
_HANDLE = re.compile(rb'Name="Handle">(\d+)<')


class Report(NamedTuple):
    """What came of it; memory in KiB.

    Attributes:
        opened: how many enumerations each user got open.
        refused: how often each user was refused by the documented fault.
        wrong: whatever else came.
        before, full, after, again: the server's memory: without, with all, after their release, with all once more.
    """

    opened: Counter[str]
    refused: Counter[str]
    wrong: Sequence[str]
    before: int
    full: int
    after: int
    again: int

    @property
    def faults(self) -> list[str]:
        """Return all that is wrong with it."""
        growth = self.again / self.full - 1
        return [*self.wrong, *([f"memory grew by {growth:.0%} the second time"] if growth > MAX_GROWTH else [])]


class Crowd:
    """Users of one server, each with a connection and the enumerations that it has open."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._clients: dict[str, Client] = {}
        self._contexts: dict[str, list[str]] = {}
        self.opened, self.refused, self.wrong = Counter[str](), Counter[str](), list[str]()

    def open(self, user: str, count: int) -> None:
        """Let a user begin so many enumerations."""
        contexts = self._contexts.setdefault(user, [])
        for _ in range(count):
            if answer := self._answer(user, BEGIN):
                contexts += [found.decode() for found in _CONTEXT.findall(answer)]
                self.opened[user] += 1

    def pull(self, user: str) -> None:
        """Let a user pull a row of each of its enumerations."""
        for context in self._contexts[user]:
            answer = self._answer(user, pull(context, URI, 1))
            if len(_HANDLE.findall(answer)) != 1:
                self.wrong.append(f"{user}: no row of an enumeration that is open")

    def release(self, user: str) -> None:
        """Let a user release all of its enumerations."""
        for context in self._contexts.pop(user):
            inner = f"<n:Release><n:EnumerationContext>{context}</n:EnumerationContext></n:Release>"
            self._answer(user, envelope(names.RELEASE, URI, inner))

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.__exit__()

    def _answer(self, user: str, request: bytes) -> bytes:
        """Return the answer to a request; nothing where it was refused."""
        if user not in self._clients:
            self._clients[user] = Client(self._server.port, user)
        try:
            return bytes(self._clients[user].ask(request))
        except UnavailableError as error:
            if REFUSED.search(str(error)):
                self.refused[user] += 1
            else:
                self.wrong.append(f"{user}: {error}")
            return b""


def load_enumerations(users: int, each: int) -> Report:
    """Let so many users have so many enumerations open, all that there may be, and more of them ask for more."""
    everybody = [f"user{number}" for number in range(users)]
    connections = str(users + 10)
    flags = [
        *("--max-connections", connections, "--max-connections-per-address", connections),
        *("--contexts", str(users * each), "--contexts-per-caller", str(each), "--context-seconds", "3600"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = recording(folder, PROCESSES)
        _add_users(Path(path).with_suffix(".users"), [*everybody, LATE])
        with served(path, *flags, environment=THIS_CHECKOUT) as server, ThreadPoolExecutor(AT_ONCE) as pool:
            crowd = Crowd(server)
            crowd.open(LATE, 1)  # what is imported and looked up once
            crowd.release(LATE)
            crowd.opened.clear()
            before = server.memory()
            list(pool.map(lambda user: crowd.open(user, each + BEYOND), everybody))
            crowd.open(LATE, BEYOND)
            crowd.open(ADMINISTRATOR, each + BEYOND)
            list(pool.map(crowd.pull, [*everybody, ADMINISTRATOR]))
            full = server.memory()
            list(pool.map(crowd.release, [*everybody, ADMINISTRATOR]))
            after = server.memory()
            crowd.open(LATE, 1)
            report = Report(crowd.opened.copy(), crowd.refused.copy(), crowd.wrong, before, full, after, 0)
            list(pool.map(lambda user: crowd.open(user, each), everybody[:-1]))
            list(pool.map(crowd.pull, everybody[:-1]))
            crowd.close()
            return report._replace(again=server.memory())


def _add_users(path: Path, users: Iterable[str]) -> None:
    file = UserFile(path)
    file.add(ADMINISTRATOR, PASSWORD, administrator=True)
    uids = [*LOGINS.values()]
    for number, user in enumerate(users):
        file.add(user, PASSWORD, uid=uids[number % len(uids)])


def enumerations_table(report: Report) -> str:
    """Return the report as a table in Markdown."""
    users = {
        "users": [name for name in report.opened if name not in {ADMINISTRATOR, LATE}],
        "one user more": [LATE],
        "an administrator": [ADMINISTRATOR],
    }
    lines = ["| who | callers | opened | refused by w:QuotaLimit |", "|---|---:|---:|---:|"]
    for who, known in users.items():
        opened, refused = (sum(counts[name] for name in known) for counts in (report.opened, report.refused))
        lines.append(f"| {who} | {len(known)} | {opened:,} | {refused:,} |")
    memory = f"{report.before >> 10} MiB before, {report.full >> 10} with all of them, {report.after >> 10} after"
    again = f"their release, {report.again >> 10} with all of them again"
    return "\n".join([*lines, "", f"Wrong answers: {len(report.wrong)}. Memory: {memory} {again}."])
