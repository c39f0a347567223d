"""Source of the host as it was at a moment, from the journal."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from logonscope.errors import NotFoundError
from logonscope.facts import UNSET, Account, Group, Login, Machine, Process, Socket, Vitals
from logonscope.journal.moments import Located
from logonscope.journal.reader import Reader, make_process
from logonscope.journal.rows import COMMAND, PARENT, PID
from logonscope.machine import (
    SOCKETS,
    AccountQuery,
    BaseSource,
    Look,
    Part,
    ProcessQuery,
    SocketQuery,
    Source,
    Trouble,
)
from logonscope.machine.trouble import NOT_KEPT

KEPT_FACTS = frozenset({
    "ses", "loginuid", "cgroup", "comm", "ppid", "tty_nr", "start", "tgid", "uids", "gids", "pid_namespaces", "cmdline",
    "exe", "host_root", "name",
})  # fmt: skip
"""Facts of a process that the journal keeps."""


class PastSource(BaseSource):
    """A host as it was at a moment."""

    def __init__(
        self, open_reader: Callable[[], Reader], moment: datetime, present: Source, command_lines: str
    ) -> None:
        """Create the source.

        Args:
            open_reader: opens the journal for reading.
            moment: the moment.
            present: the source of the host as it is now. Accounts are read from it.
            command_lines: how much of command lines the history keeps: "off", "name" or "full".

        Raises:
            NotFoundError: nothing was recorded at that moment.
        """
        self._reader = open_reader()
        self._present = present
        self._command_lines = command_lines
        located = self._reader.moments().locate(int(moment.timestamp() * 1e6))
        if located is None:
            self._reader.close()
            message = f"no history of {moment.isoformat(sep=' ', timespec='seconds')}"
            if moment > datetime.now(UTC):
                raise NotFoundError(f"{message}: it is in the future", "give an earlier time")
            raise NotFoundError(message, "logonscope doctor shows what is kept")
        self._located: Located = located
        self._moment = moment
        self.label = f"{present.label} at {moment.isoformat(sep=' ', timespec='seconds')}"
        self._user_names: dict[int, str] | None = None

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del parts
        if self._located.happened_again:
            look.report(
                Trouble("clock", "the clock was set back: this moment happened twice, and the later one is shown", "")
            )
        boot = self._reader.boot(self._located.boot)
        values = {name: value for name, value in json.loads(boot.machine).items() if name in Machine._fields}
        wall = int(self._moment.timestamp() * 1e6)
        return Machine(**values)._replace(
            boot_id=boot.uuid,
            btime=self._located.btime,
            ticks=boot.ticks,
            vitals=Vitals(wall),
            platform=None,
            hardware=None,
        )

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        reader, located = self._reader, self._located
        rows = reader.rows_at(located.boot, located.ms, query.pids)
        reader.load_dictionaries(rows)
        if "cmdline" in query.facts:
            reader.load_commands(row[COMMAND] for row in rows)
        parents = reader.parents(rows)
        unread = self._unread(query.facts)
        for row in sorted(rows, key=_pid_of):
            look.check()
            parent = parents.get(row[PARENT])
            # ppid 0: there is no parent, it was not recorded, or its record was deleted
            process = make_process(reader, row, parent[0] if parent else 0)
            yield process._replace(unread=unread) if unread else process

    def _unread(self, facts: frozenset[str]) -> dict[str, str] | None:
        reasons = dict.fromkeys(sorted(facts - KEPT_FACTS), NOT_KEPT)
        if "cmdline" in facts and self._command_lines == "off":
            reasons["cmdline"] = NOT_KEPT
        return reasons or None

    def read_logins(self, look: Look) -> Iterable[Login]:
        del look
        return self._reader.logons_at(self._located.boot, self._located.ms)

    def account(self, look: Look, uid: int) -> Account | None:
        """Return the account of a uid, with the name that it had at the moment, if the journal has this name."""
        account = self._present.account(look, uid)
        name = self._past_names().get(uid)
        if name is None or (account is not None and account.name == name):
            return account
        return Account(name, uid, UNSET, "", "", "") if account is None else account._replace(name=name)

    def _past_names(self) -> dict[int, str]:
        """Return uid -> account name in the last login of the uid before the moment, or in its last process."""
        if self._user_names is None:
            # later rows replace earlier ones: so the rows of logins, which count more, are read last
            names: dict[int, str] = {}
            boot, ms = self._located.boot, self._located.ms
            for uids, user in self._reader.rows(
                "SELECT uids, user FROM credential WHERE user IS NOT NULL AND seq <= ? ORDER BY id",
                (self._reader.moments().first_row_after(boot, ms),),
            ):
                words = uids.split(",")
                if words[1]:
                    names[int(words[1])] = user
            query = (
                "SELECT login_uid, user FROM logon WHERE login_uid IS NOT NULL AND user IS NOT NULL"
                " AND (boot < ? OR (boot = ? AND started <= ?)) ORDER BY id"
            )
            names.update(self._reader.rows(query, (boot, boot, ms)))
            self._user_names = names
        return self._user_names

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        return self._present.accounts(look, query)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        del query
        # without this trouble, an empty answer would mean that no process listened
        look.report(Trouble(SOCKETS, NOT_KEPT, "give a pid, a process name, a program or an account"))
        return iter(())

    def close(self) -> None:
        self._reader.close()


def _pid_of(row: Sequence[Any]) -> int:
    return int(row[PID])
