"""Rows of the journal for the logon sessions that exist. The number of a logon session is the id of its row."""

import json
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Login, Machine, Process
from logonscope.journal.schema import SWEPT
from logonscope.machine import Owner, Ownership

COLUMNS = (
    "id", "seq", "boot", "logonid", "generation", "started", "logged_out", "logged_out_seq", "ended", "ended_seq",
    "login_uid", "user", "type", "service", "tty", "seat", "remote_host", "remote_address", "remote_port", "method",
    "key_type", "key", "record", "wall", "source",
)  # fmt: skip
"""The columns of the table ``logon`` in their order."""

ENDED_SEQ = COLUMNS.index("ended_seq")
"""The position of the column ``ended_seq``: its value decides which seal covers a row of ``logon``."""

LogonRow = dict[str, Any]


class StoredLogons(NamedTuple):
    """What the database has about logon sessions when the service starts."""

    next_id: int
    open_rows: list[LogonRow]  # of logon sessions that have not ended
    logon_by_place: dict[int, int | None]


class LogonRows:
    """The logon sessions that exist, by LogonId and generation, and which of their rows are not written yet."""

    def __init__(self, stored: StoredLogons, boot: int, ownership: Ownership) -> None:
        self._boot, self._ownership = boot, ownership
        self._next_id, open_rows, self._logon_by_place = stored
        self._rows: dict[tuple[int, int], LogonRow] = {(row["logonid"], row["generation"]): row for row in open_rows}
        self._changed: dict[int, LogonRow] = {}
        # logon sessions that no event has reported: number -> ms at which the logon session last had a process
        self._unreported: dict[int, int] = {}
        # logon sessions whose terminal is not known: number -> row, and pid of the leader
        self._without_terminal: dict[int, tuple[LogonRow, int]] = {}
        for row in open_rows:
            if row["record"]:
                self._note_missing_terminal(row, decode_login(row["record"]))
        self._first_new = self._next_id
        self._system = int(ownership.system_owner.logon_id or 0)
        self._system_numbers = {row["id"] for row in open_rows if row["logonid"] == self._system}

    def __repr__(self) -> str:
        return f"<LogonRows of {len(self._rows)} logon sessions>"

    def logon_of_place(self, place: int) -> int | None:
        """Return the number of the logon session of a place; None where it is not known."""
        return self._logon_by_place.get(place)

    def add_place(self, place: int, logon: int | None) -> None:
        """Remember the logon session of a new place."""
        self._logon_by_place[place] = logon

    def is_entry(self, before: int, after: int, *, is_first_change: bool) -> bool:
        """Return whether a process enters a login by its change from one place to another."""
        earlier, later = self._logon_by_place.get(before), self._logon_by_place.get(after)
        if later is None or later in self._system_numbers:
            return False
        # An owner that is not known before the first change: the process was new. Before a later change, the process
        # could not be read for a time, and that it can be read again is no entry.
        return earlier in self._system_numbers or (earlier is None and is_first_change)

    def keep_places(self, places: AbstractSet[int]) -> None:
        """Forget all places but these."""
        self._logon_by_place = {place: logon for place, logon in self._logon_by_place.items() if place in places}

    def find_or_add(self, owner: Owner, seq: int, ms: int) -> int | None:
        """Return the number of an owner's logon session; add a row if there is none. None: the owner is not known."""
        row = self._find_or_add_row(owner, seq, ms)
        return None if row is None else int(row["id"])

    def is_new(self, number: int) -> bool:
        """Return whether a logon session was not known when the service started; the System session is never new."""
        return number >= self._first_new and number not in self._system_numbers

    def find(self, owner: Owner) -> int | None:
        """Return the number of the logon session of an owner; None if it has no row."""
        if owner.logon_id is None:
            return None
        row = self._rows.get((int(owner.logon_id), self._ownership.logon_id_generation(owner) or 0))
        return None if row is None else int(row["id"])

    def _find_or_add_row(self, owner: Owner, seq: int, ms: int) -> LogonRow | None:
        if owner.logon_id is None:
            return None
        key = (int(owner.logon_id), self._ownership.logon_id_generation(owner) or 0)
        # the row of an ended logon session is not used again: the same LogonId now belongs to another logon session
        row = self._rows.get(key)
        if row is not None and row["ended"] is None:
            if owner.login is not None and row["record"] is None:
                self._store_login(row, owner.login)
                self._changed[row["id"]] = row
            return row
        row = dict.fromkeys(COLUMNS)
        row.update(id=self._next_id, seq=seq, boot=self._boot, logonid=key[0], generation=key[1], started=ms)
        self._next_id += 1
        login = owner.login
        if login is not None:
            row.update(login_uid=login.uid_here, user=login.user, wall=login.since)
            self._store_login(row, login)
        if row["logonid"] == self._system:
            row["started"] = 0
            self._system_numbers.add(row["id"])
        self._rows[key] = row
        self._changed[row["id"]] = row
        self._unreported[row["id"]] = ms
        return row

    def describe(self, session: LogonSession, owner: Owner, seq: int, ms: int) -> int | None:
        """Store the description of a logon session; return its number; None: the owner is not known."""
        row = self._find_or_add_row(owner, seq, ms)
        if row is None:
            return None
        self._store_description(row, session, owner)
        self._unreported.pop(row["id"], None)
        return int(row["id"])

    def note_end_of_process(self, place: int, ms: int) -> None:
        """Note that a process of a place has ended: it can have been the last one of its logon session."""
        number = self._logon_by_place.get(place)
        if number in self._unreported:
            self._unreported[number] = ms

    def unreported_before(self, ms: int) -> list[int]:
        """Return the numbers of the unreported logon sessions that are not known to have had a process since a time."""
        return [number for number, last_ms in self._unreported.items() if last_ms < ms]

    def note_process(self, number: int, ms: int) -> None:
        """Note that an unreported logon session still has a process."""
        self._unreported[number] = ms

    def end_unreported(self, number: int, seq: int) -> None:
        """End an unreported logon session that has no process any more."""
        row = next(row for row in self._rows.values() if row["id"] == number)
        del self._rows[row["logonid"], row["generation"]]
        self._without_terminal.pop(number, None)
        row.update(ended=self._unreported.pop(number), ended_seq=seq)
        self._changed[number] = row

    def _store_description(self, row: LogonRow, session: LogonSession, owner: Owner) -> None:
        values = {
            "login_uid": session.uid, "user": session.user, "type": session.logon_type, "service": session.service,
            "tty": session.tty, "seat": session.seat, "remote_host": session.remote_host,
            "remote_address": session.remote_address, "remote_port": session.remote_port,
            "method": session.authentication_method, "key_type": session.key_type, "key": session.key_fingerprint,
            "wall": None if session.start is None else int(session.start.timestamp() * 1e6),
        }  # fmt: skip
        if row["tty"] is not None and session.tty is None:
            # the terminal is that of a process (login_terminals.py): the row keeps the type that follows from it
            del values["type"]
        # a later description may lack values of the first one, because a login service deletes records
        row.update({name: value for name, value in values.items() if value is not None})
        if owner.login is not None:
            self._store_login(row, owner.login)
        self._changed[row["id"]] = row

    def _store_login(self, row: LogonRow, login: Login) -> None:
        """Store a login record; if it has no terminal, with the terminal of the row."""
        if login.tty is None and login.seen_tty is None:
            login = login._replace(seen_tty=row["tty"])
        row["record"] = encode_login(login)
        self._note_missing_terminal(row, login)

    def _note_missing_terminal(self, row: LogonRow, login: Login) -> None:
        if row["tty"] is None and login.leader is not None:
            self._without_terminal[row["id"]] = row, login.leader
        else:
            self._without_terminal.pop(row["id"], None)

    def leader_without_terminal(self, place: int) -> int | None:
        """Return the pid of the leader of the login of a place; None if its terminal is known, or it has no leader."""
        _, leader_pid = self._without_terminal.get(self._logon_by_place.get(place) or 0, (None, None))
        return leader_pid

    def note_terminal(self, place: int, terminal: str, machine: Machine) -> None:
        """Store the terminal of the login of a place, and the type of logon that follows from it."""
        row, _ = self._without_terminal.pop(self._logon_by_place[place] or 0)
        login = decode_login(row["record"])._replace(seen_tty=terminal)
        # the evidence is left out: nothing depends on it here
        owner = Owner(str(row["logonid"]), "", login)
        session = self._ownership.describe(owner, (), machine, row["user"])
        row.update(tty=terminal, type=session.logon_type or row["type"], record=encode_login(login))
        self._changed[row["id"]] = row

    def log_out(self, session: LogonSession, owner: Owner, seq: int, ms: int) -> int | None:
        """Store the logout of a logon session; return its number.

        None: the logout was stored before, or the owner is not known.
        """
        row = self._find_or_add_row(owner, seq, ms)
        if row is None or row["logged_out"] is not None:
            return None
        record = row["record"]
        self._store_description(row, session, owner)
        # keep the record as it was while the leader ran
        row.update(logged_out=ms, logged_out_seq=seq, record=record or row["record"])
        return int(row["id"])

    def end(self, owner: Owner, seq: int, ms: int) -> int | None:
        """Store the end of a logon session; return its number; None: it has no row, or its end was stored before."""
        key = (int(owner.logon_id or 0), self._ownership.logon_id_generation(owner) or 0)
        row = self._rows.pop(key, None)
        if row is None:
            return None
        self._without_terminal.pop(row["id"], None)
        self._unreported.pop(row["id"], None)
        row.update(ended=ms, ended_seq=seq)
        self._changed[row["id"]] = row
        return int(row["id"])

    def end_others(self, existing: AbstractSet[int | None], seq: int, ms: int) -> list[int]:
        """End the logon sessions that are not in ``existing``; return their numbers.

        ``seq`` is the number of the first end; the further ends have the next numbers.
        """
        ended: list[int] = []
        for key, row in list(self._rows.items()):
            if row["id"] in existing or row["ended"] is not None:
                continue
            del self._rows[key]
            self._without_terminal.pop(row["id"], None)
            self._unreported.pop(row["id"], None)
            row.update(ended=ms, ended_seq=seq + len(ended), source=SWEPT)
            self._changed[row["id"]] = row
            ended.append(int(row["id"]))
        return ended

    def take_changed_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows that are not written yet, and forget that they are new or changed."""
        changed, self._changed = self._changed, {}
        return [tuple(row[name] for name in COLUMNS) for row in changed.values()]


def encode_login(login: Login) -> str:
    """Return a login record as JSON, without the fields that have their default value."""
    defaults = Login._field_defaults
    # fields without a default are always kept: the uid of root is 0
    values = {name: value for name, value in login._asdict().items() if name not in defaults or value != defaults[name]}
    if login.process is not None:
        process = login.process
        values["process"] = {
            name: value for name, value in process._asdict().items() if value is not None and name in _LEADER_FACTS
        }
    return json.dumps(values, separators=(",", ":"), ensure_ascii=True)


_LEADER_FACTS = ("pid", "ses", "loginuid", "comm", "ppid", "tty_nr", "start")


def decode_login(text: str) -> Login:
    """Return the login record from its JSON; unknown fields, which a newer version wrote, are left out."""
    # earlier versions wrote no uid of 0
    values = {"uid": 0} | {name: value for name, value in json.loads(text).items() if name in Login._fields}
    if values.get("process") is not None:
        values["process"] = Process(**values["process"])
    if values.get("scope_ids") is not None:
        values["scope_ids"] = tuple(values["scope_ids"])
    return Login(**values)
