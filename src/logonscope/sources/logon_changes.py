"""Changes of the logon sessions of a machine: which ones began, were logged out, or ended since the last comparison."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.machine import Owner
from logonscope.machine.events import LoggedOut, LogonEnded, LogonStarted

SETTLE_SECONDS = 2.0
"""Seconds for which a new logon session without a login record is not reported: the record comes a moment after the
first process."""

Described = tuple[LogonSession, Owner]


class LogonChange(NamedTuple):
    """What happened to a logon session: the type of the event, the session, and its owner."""

    event_type: type[LogonStarted] | type[LoggedOut] | type[LogonEnded]
    session: LogonSession
    owner: Owner


class LogonChanges:
    """Compares the logon sessions of a machine with those that were reported."""

    def __init__(self, existing: Mapping[str, Described], settle_seconds: float = SETTLE_SECONDS) -> None:
        """Create a comparison.

        Args:
            existing: the logon sessions that exist already, by LogonId: no event reports that they began.
            settle_seconds: how long the report of a new logon session waits for its login record.
        """
        self.reported, self._settle_seconds = dict(existing), settle_seconds
        self._new: dict[str, float] = {}  # LogonId -> monotonic second at which it is reported at the latest

    def __repr__(self) -> str:
        return f"<LogonChanges of {len(self.reported)} logon sessions, {len(self._new)} new>"

    @property
    def due(self) -> float | None:
        """Return the monotonic second at which the next new logon session must be reported; None: there is none."""
        return min(self._new.values(), default=None)

    @property
    def unreported(self) -> Collection[str]:
        """Return the LogonIds of the new logon sessions that are not reported yet."""
        return self._new.keys()

    def changes(
        self,
        owners: Mapping[str, Owner],
        describe: Callable[[str], Described],
        touched: Collection[str] | None = None,
    ) -> Iterator[LogonChange]:
        """Yield the changes since the last call.

        A logon session that ends before it is reported yields nothing.

        Args:
            owners: the owners that have a process now, by LogonId.
            describe: describes the logon session with a LogonId of ``owners``.
            touched: the LogonIds that may have changed; ``owners`` has only these. None: all may have changed.
        """
        now = time.monotonic()
        candidates = [*self.reported, *self._new] if touched is None else touched
        for logon_id in [logon_id for logon_id in candidates if logon_id not in owners]:
            self._new.pop(logon_id, None)
            if logon_id in self.reported:
                yield LogonChange(LogonEnded, *self.reported.pop(logon_id))
        for logon_id, owner in owners.items():
            if logon_id in self.reported:
                before, _ = self.reported[logon_id]
                if owner.login is not None and owner.login.gone and before.state != "logged out":
                    session, _ = self.reported[logon_id] = describe(logon_id)
                    yield LogonChange(LoggedOut, session, owner)
                continue
            due = self._new.setdefault(logon_id, now + self._settle_seconds)
            if now >= due or (owner.login is not None and owner.login.recorded):
                del self._new[logon_id]
                session, _ = self.reported[logon_id] = describe(logon_id)
                yield LogonChange(LogonStarted, session, owner)
