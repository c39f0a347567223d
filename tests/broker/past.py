"""A machine with a history: what a test asks of the classes about it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logonscope.broker import Caller
from logonscope.broker.instances import enumerate_instances
from logonscope.broker.query import query
from logonscope.broker.request import Request
from logonscope.cim.instances import ClassRows
from logonscope.facts import Login, Process
from logonscope.machine import Look, ProcessQuery
from logonscope.machine.history import RecordKind
from logonscope.ownership import LINUX
from tests.broker.test_history import ROOT, Present
from tests.journal.kept import Kept

SPACE = r"root\logonscope"
CLASSES = (
    "LS_LogonRecord", "LS_ProcessRecord", "LS_ChangeRecord", "LS_LogonProcessRecord", "LS_ProcessChangeRecord",
    "LS_LogonSessionRecord", "LS_RunningProcessRecord", "LS_FailedLogonRecord", "LS_UserChangeRecord",
)  # fmt: skip
KINDS: dict[str, RecordKind] = {
    "LS_LogonRecord": "logon", "LS_ProcessRecord": "process", "LS_ChangeRecord": "change",
    "LS_UserChangeRecord": "user change", "LS_FailedLogonRecord": "failed logon",
}  # fmt: skip
BOB = Caller("user1001", 1001, administrator=False)
CAROL = Caller("user1002", 1002, administrator=False)


class Now(Present):
    """The machine of the story as it is now, with the processes that still run."""

    def __init__(self, kept: Kept, names: dict[int, str]) -> None:
        super().__init__(names)
        self.history = kept.history()
        self._kept = kept

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        del look, query
        for life in self._kept.story.lives:
            if life.end is None:
                number = int(life.logon_id)
                uid = 1000 + number % 7 if number < 100 else 0
                login_uid = uid if number < 100 else number
                yield Process(
                    life.pid, ses=number, loginuid=login_uid, cgroup="/", comm="p", ppid=1, tty_nr=0, start=life.ticks,
                    uids=(uid,) * 4, gids=(uid,) * 4, pid_namespaces=1, tgid=life.pid, name="p",
                )  # fmt: skip

    def read_logins(self, look: Look) -> Iterator[Login]:
        del look
        return iter(())


def keep(folder: Path, count: int = 350) -> Kept:
    """Return a story with logins, processes and changes, most of them moved."""
    story = Kept(folder / "history")
    story.feed(story.story.start_logons())
    story.live(count)
    story.feed(story.story.late_changes())
    story.feed(story.story.reports())
    story.move_all()
    story.live(count // 7)
    return story


def request(kept: Kept, caller: Caller = ROOT, names: dict[int, str] | None = None) -> Request:
    known = {uid: f"user{uid}" for uid in range(1000, 1007)} | {0: "root"} | (names or {})
    return Request(Now(kept, known), LINUX, caller)


def rows(results: Any) -> list[dict[str, Any]]:
    return [
        dict(zip(result.columns, row, strict=True))
        for result in results
        if isinstance(result, ClassRows)
        for row in result.rows
    ]


def everything(kept: Kept, name: str, caller: Caller = ROOT, **names: Any) -> list[dict[str, Any]]:
    return rows(enumerate_instances(request(kept, caller, **names), name, namespace=SPACE))


def ask(kept: Kept, text: str, caller: Caller = ROOT) -> list[dict[str, Any]]:
    return rows(query(request(kept, caller), text, SPACE))
