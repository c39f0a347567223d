"""server/: does any byte that a door sends about the history depend on what its receiver may not see?

Two journals keep the same story, with other contents wherever it is not the caller's: names, arguments, users, origins,
keys and exit statuses. The caller sends every request about both, over both doors, and must get the same bytes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from lxml import etree

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Process
from logonscope.machine import Look, Owner, ProcessQuery
from logonscope.machine.events import (
    Event,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ADDRESSING, WSMAN
from logonscope.wire.xml import clark_name
from tests.broker.past import CLASSES, KINDS
from tests.broker.test_history import Present
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM, Story, owner_of
from tests.server import running as people
from tests.server.exchanges import Client, Exchange, basic, comparable
from tests.server.requests_by_operation import Guess, Host, Reference, all_requests
from tests.server.running import RunningServer, running
from tests.server.soap import envelope
from tests.server.test_fuzz import REQUESTS as TRIED

OWN_UID = 1001
SECRET, OTHER = "secret", "others"
STORIES = max(1, TRIED // 4000)
SPACE = r"root\logonscope"


class Disguise:
    """Replaces what is not of one uid; the two disguises differ in every such value."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._shift = 0 if word == SECRET else 7000

    def events(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events of a story."""
        for event in events:
            if isinstance(event, ProcessStarted):
                yield event._replace(process=self._process(event.process, event.owner), owner=self._owner(event.owner))
            elif isinstance(event, ProcessChanged):
                yield event._replace(before=self._pair(event.before), after=self._pair(event.after))
            elif isinstance(event, ProcessEnded):
                is_own = self._is_own(event.owner)
                status = event.status if is_own else self._shift and 9
                process = self._process(event.process, event.owner)
                yield event._replace(process=process, owner=self._owner(event.owner), status=status)
            elif isinstance(event, (LogonStarted, LogonEnded)):
                yield event._replace(session=self._session(event.session, event.owner), owner=self._owner(event.owner))
            elif isinstance(event, LogonFailed):
                yield event._replace(attempt=event.attempt._replace(user=f"{self._word}-p", port=self._shift))
            elif isinstance(event, UserChanged):
                yield self._user_change(event)
            else:
                yield event

    def _user_change(self, event: UserChanged) -> Event:
        # of the caller's own change, all but the command is shown
        change = event.change._replace(command=f"/{self._word}/id")
        if not self._is_own(event.owner):
            change = change._replace(from_user=f"{self._word}-user", to_uid=self._shift, through=self._word)
        process = self._process(event.process, event.owner)
        return event._replace(process=process, owner=self._owner(event.owner), change=change)

    @staticmethod
    def _is_own(owner: Owner) -> bool:
        return owner.login is not None and owner.login.uid == OWN_UID

    def _pair(self, pair: tuple[Process, Owner]) -> tuple[Process, Owner]:
        return self._process(*pair), self._owner(pair[1])

    def _process(self, process: Process, owner: Owner) -> Process:
        if self._is_own(owner):
            return process
        uid = (process.uids or (0,))[0] or 0
        mark = self._word.encode()
        return process._replace(
            comm=f"{self._word[:3]}{process.comm}", name=f"{self._word}-{process.name}",
            exe=f"/{self._word}{process.exe}",
            cmdline=(process.cmdline or b"") + mark, uids=(uid + self._shift,) * 4, loginuid=uid + self._shift,
        )  # fmt: skip

    def _owner(self, owner: Owner) -> Owner:
        if self._is_own(owner) or owner is SYSTEM:
            return owner
        return owner_of(int(owner.logon_id or 0) + self._shift)

    def _session(self, session: LogonSession, owner: Owner) -> LogonSession:
        if self._is_own(owner):
            return session
        return session._replace(
            user=f"{self._word}-user", remote_host=f"{self._word}-host", key_fingerprint=f"SHA256:{self._word}",
            logon_id=self._owner(owner).logon_id or "",
        )  # fmt: skip


class HistoryHost(Present):
    """A machine whose processes are the caller's running ones alone."""

    def __init__(self, kept: Kept) -> None:
        super().__init__({uid: f"user{uid}" for uid in (1001, 1002)})
        self.history = kept.history()
        self._lives = [life for life in kept.story.lives if life.end is None and life.logon_id in {"1", "8"}]

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        del look, query
        for life in self._lives:
            yield Process(
                life.pid, ses=int(life.logon_id), loginuid=OWN_UID, cgroup="/", comm="p", ppid=1, tty_nr=0,
                start=life.ticks, uids=(OWN_UID,) * 4, gids=(OWN_UID,) * 4, pid_namespaces=1, tgid=life.pid, name="p",
            )  # fmt: skip


class Pair(NamedTuple):
    """Two servers, each with the history in one of the disguises."""

    servers: tuple[RunningServer, RunningServer]
    kept: Kept


@contextmanager
def histories(folder: Path, seed: int) -> Iterator[Pair]:
    """Run two servers."""
    kept = []
    for word in (SECRET, OTHER):
        story = Story(seed)
        one = Kept(folder / word, story=story)
        # the same opaque keys in both
        one.keeper.writer.set_values(cursor_key=bytes(32), id="journal")
        one.feed(Disguise(word).events(story.start_logons()))
        one.feed(Disguise(word).events(story.events(120)))
        one.feed(Disguise(word).events(story.late_changes()))
        one.feed(Disguise(word).events(story.reports()))
        one.move_all()
        one.feed(Disguise(word).events([*story.events(60), story.end_logon(2), story.end_logon(8)]))
        kept.append(one)
    try:
        uids = (OWN_UID, 1002)
        with running(HistoryHost(kept[0]), uids=uids) as first, running(HistoryHost(kept[1]), uids=uids) as second:
            yield Pair((first, second), kept[0])
    finally:
        for one in kept:
            one.keeper.stop()


def record_references(server: RunningServer) -> list[Reference]:
    """Return every record and association, as an administrator gets them."""
    references = []
    with closing(Client(server, basic(*people.ADMIN))) as client:
        for name in CLASSES:
            uri = f"{names.WMI}/root/logonscope/{name}"
            inner = "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode><w:MaxElements>9000</w:MaxElements>"
            begin = envelope(names.ENUMERATE, uri, f"<n:Enumerate><w:OptimizeEnumeration/>{inner}</n:Enumerate>")
            root = etree.fromstring(client.send(begin))
            path = f".//{clark_name(WSMAN, 'Items')}/*/{clark_name(ADDRESSING, 'ReferenceParameters')}"
            found = root.findall(path)
            assert found, name
            for item in found:
                selectors = item.find(clark_name(WSMAN, "SelectorSet"))
                text = "" if selectors is None else etree.tostring(selectors, encoding="unicode", with_tail=False)
                references.append(Reference(item.findtext(clark_name(WSMAN, "ResourceURI")) or "", text))
    return references


def with_opaque_key(reference: Reference, kept: Kept) -> Reference:
    """Return a reference as other users than administrators get it."""
    hide, name = kept.history().hide_number, reference.uri.rsplit("/", 1)[1]
    # the ends of an association have resource URIs of their own before their selectors
    parts = re.split(r'(?<="RecordId">)(\d+)', reference.selectors)
    for index in range(1, len(parts), 2):
        name = (re.findall(r"/(LS_\w+Record)<", parts[index - 1]) or [name])[-1]
        parts[index] = hide(KINDS[name], int(parts[index]))
    assert len(parts) > 1
    return reference._replace(selectors="".join(parts))


def guesses(kept: Kept) -> list[Guess]:
    """Return values that a caller could ask for."""
    process, logon, attempt, change = (
        f"{names.WMI}/root/logonscope/{name}"
        for name in ("LS_ProcessRecord", "LS_LogonRecord", "LS_FailedLogonRecord", "LS_UserChangeRecord")
    )
    hide = kept.history().hide_number
    life = kept.story.lives[len(kept.story.lives) // 2]
    return [
        Guess(process, "Name", f"'{SECRET}-p1'"), Guess(process, "Name", "'p1'"), Guess(process, "ExitCode", "1"),
        Guess(process, "ProcessId", str(life.pid)), Guess(process, "LoginUser", "'secret-user'"),
        Guess(process, "LoginUid", "1002"), Guess(process, "LogonId", "'2'"), Guess(process, "User", "'user1002'"),
        Guess(process, "RecordId", f"'{hide('process', 60)}'"), Guess(process, "CommandLine", f"'{SECRET}'"),
        Guess(attempt, "User", f"'{SECRET}-p'"), Guess(attempt, "Attempts", "2"),
        Guess(attempt, "RecordId", f"'{hide('failed logon', 200)}'"),
        Guess(change, "LogonRecordId", f"'{hide('logon', 3)}'"),
        Guess(change, "ToUid", "7000"), Guess(change, "FromUser", "'secret-user'"),
        Guess(change, "Command", f"'/{SECRET}/id'"), Guess(logon, "User", "'secret-user'"),
        Guess(logon, "KeyFingerprint", f"'SHA256:{SECRET}'"),
        Guess(logon, "LogonId", "'2'"), Guess(logon, "Uid", "1002"),
        Guess(logon, "RecordId", f"'{hide('logon', 3)}'"),
    ]  # fmt: skip


def json_requests(kept: Kept, chance: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield requests of the JSON door."""
    for name in CLASSES:
        yield "enumerate", {"class_name": name, "namespace": SPACE}
    for guess in guesses(kept):
        name = guess.uri.rsplit("/", 1)[1]
        for operator in ("=", "<>", ">="):
            text = f"SELECT * FROM {name} WHERE {guess.name} {operator} {guess.value}"
            yield "query", {"text": text, "namespace": SPACE}
            yield "explain", {"text": text, "namespace": SPACE}
    yield "query", {"text": "SELECT * FROM LS_ProcessRecord WHERE Name LIKE 'secret%'", "namespace": SPACE}
    for number in chance.sample(range(1, 500), 25):
        for name in ("LS_ProcessRecord", "LS_LogonRecord", "LS_ChangeRecord"):
            kind, record = KINDS[name], number if name != "LS_LogonRecord" else number % 16
            path = f'{name}.RecordId="{kept.history().hide_number(kind, record)}"'
            arguments = {"path": path, "namespace": SPACE}
            yield chance.choice(("get", "associators", "references")), arguments
    for word in ("1", "2", "user1001", "user1002", "secret-user", "p1", f"{SECRET}-p1", "pid:420", "secret"):
        for name in ("history", "past_processes"):
            yield name, {"where": {"word": word}}
    for where in ({"failed": True}, {"keys": ["SHA256:secret"]}, {"origins": ["secret-host", "0.0.0.0/0"]}):
        yield "history", {"where": where}
        yield "past_processes", {"where": where}


def exchanges(server: RunningServer, kept: Kept, host: Host, seed: int, who: tuple[str, str]) -> list[Exchange]:
    """Send all requests to one of the servers."""
    with closing(Client(server, basic(*who))) as client:
        client.converse(all_requests(host, seed))
        found = list(client.exchanges)
    with closing(Client(server, {**basic(*who), "Content-Type": "application/json"})) as client:
        for name, arguments in json_requests(kept, Random(seed)):  # noqa: S311 -- the same for both
            client.send(json.dumps(arguments).encode(), path=f"/v1/{name}")
        return found + client.exchanges


@pytest.mark.parametrize("seed", range(STORIES))
def test_no_answer_about_the_history_depends_on_what_its_caller_may_not_see(tmp_path: Path, seed: int) -> None:
    with histories(tmp_path, seed) as pair:
        chance = Random(seed)  # noqa: S311 -- the same in every run
        references = [with_opaque_key(each, pair.kept) for each in record_references(pair.servers[0])]
        host = Host(chance.sample(references, min(60, len(references))), guesses(pair.kept))
        first, second = (exchanges(server, pair.kept, host, seed, people.ALICE) for server in pair.servers)
        for exchange, other in zip(first, second, strict=True):
            assert comparable(exchange.body.decode()) == comparable(other.body.decode())
            assert exchange.answer == other.answer, exchange.body.decode()
            for mark in (f"{SECRET}-p", f"{SECRET}-host", f"/{SECRET}"):
                assert mark not in exchange.content or mark in exchange.sent, exchange.body.decode()
        content = "\n".join(exchange.content for exchange in first)
        assert "LS_ProcessRecord" in content
        assert "user1001" in content
        # the same requests show an administrator what is hidden from others
        shown = exchanges(pair.servers[0], pair.kept, host, seed, people.ADMIN)
        everything = "\n".join(exchange.content for exchange in shown)
        assert f"{SECRET}-p" in everything
        assert f"{SECRET}-host" in everything
