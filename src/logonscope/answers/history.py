"""Filter and result types of the history: logins with the programs that they ran, processes, changes, failed logons."""

from datetime import datetime
from typing import NamedTuple, Self

from logonscope.display import short_row_repr


class HistoryFilter(NamedTuple):
    """A filter on the history: it selects logins and processes that match every field. None matches anything."""

    word: str | None = None  # a LogonId, an account, a pid, or a process name; "user:bob", "pid:1", "name:make"
    since: datetime | None = None  # existed at this time or later
    until: datetime | None = None  # started before this time
    origins: frozenset[str] | None = None  # remote hosts or addresses, and networks: 192.0.2.0/24
    keys: frozenset[str] | None = None  # fingerprints of ssh keys, or their beginnings
    failed: bool = False  # only processes that ended with another status than 0 or by a signal, and their logins

    def checked(self) -> Self:
        """Check the values, and return the filter with its collections as frozensets.

        Raises:
            InvalidParameterError: a value has the wrong type, or is an invalid network or time.
        """
        # imported late: results of the history need no checks
        from logonscope.answers.filter_checks import (  # noqa: PLC0415 -- as above
            check_flag,
            check_key,
            check_origin,
            check_text,
            check_time,
            checked_set,
        )

        if self.word is not None:
            check_text("word", self.word)
        for name in ("since", "until"):
            if getattr(self, name) is not None:
                check_time(name, getattr(self, name))
        check_flag("failed", self.failed)
        return self._replace(
            origins=checked_set("origins", self.origins, check_origin), keys=checked_set("keys", self.keys, check_key)
        )

    def may_come_from(self, remote_host: str | None, remote_address: str | None) -> bool:
        """Return whether a login from this host, or from this address, matches ``origins``."""
        if self.origins is None:
            return True
        from logonscope.answers.filter_checks import comes_from  # noqa: PLC0415 -- as in ``checked``

        return comes_from(remote_host, self.origins) or comes_from(remote_address, self.origins)


NO_HISTORY_FILTER = HistoryFilter()


class PastProgram(NamedTuple):
    """How often a login ran a program."""

    name: str | None
    executable: str | None
    runs: int
    failed: int  # ended with another status than 0 or by a signal
    first: datetime | None  # start of its first run
    last: datetime | None  # start of its last run


class PastLogin(NamedTuple):
    """A logon session of the history: one that has ended, or that exists."""

    record: str  # its key in the history
    logon_id: str
    guid: str | None
    user: str | None
    uid: int | None
    logon_type: int | None
    logon_type_name: str | None
    start: datetime | None
    logout: datetime | None  # the end of its leader
    end: datetime | None  # the end of its last process; None: it exists
    end_is_approximate: bool  # the end was not seen
    service: str | None
    tty: str | None
    seat: str | None
    login: str | None  # the login service's own id
    remote_host: str | None
    remote_address: str | None
    remote_port: int | None
    authentication_method: str | None
    key_type: str | None
    key_fingerprint: str | None
    runs: int  # number of its processes; with a filter that selects processes, of those selected
    failed: int  # of them, those that ended with another status than 0 or by a signal
    programs: tuple[PastProgram, ...]  # the most frequent first
    boot_id: str | None = None  # the boot in which logon_id is unique

    def __repr__(self) -> str:
        return short_row_repr(self, ("logon_id", "user", "start", "end", "runs"))


class PastProcess(NamedTuple):
    """A process of the history."""

    record: str
    parent_record: str | None
    logon_record: str | None  # of its logon session
    logon_id: str | None
    guid: str | None
    pid: int
    ppid: int | None
    name: str | None
    executable: str | None
    command_line: str | None
    user: str | None  # account of its effective uid at its start
    uid: int | None
    start: datetime | None
    start_is_approximate: bool  # it ran before the service received events
    end: datetime | None  # None: it runs
    end_is_approximate: bool
    seconds: float | None  # how long it ran; None: it runs
    exit_code: int | None
    signal: int | None  # that ended it
    boot_id: str | None = None

    def __repr__(self) -> str:
        return short_row_repr(self, ("pid", "name", "user", "start", "end"))

    @property
    def is_failed(self) -> bool:
        """Return whether it ended with another status than 0 or by a signal."""
        return bool(self.exit_code or self.signal)


class PastChange(NamedTuple):
    """A change of a process of the history: what it was afterwards."""

    record: str
    process_record: str
    logon_record: str | None  # of its logon session afterwards
    logon_id: str | None
    time: datetime | None
    pid: int
    name: str | None
    executable: str | None
    command_line: str | None
    user: str | None  # account of its effective uid
    uid: int | None
    sudo_command: str | None  # as sudo logged it; for administrators


class PastFailedLogon(NamedTuple):
    """A refused attempt of the history; fields as of FailedAttempt."""

    record: str
    time: datetime | None
    service: str
    user: str | None
    is_known_user: bool | None
    remote_address: str | None
    remote_port: int | None
    remote_host: str | None
    method: str | None
    tty: str | None
    by_user: str | None
    command: str | None
    reason: str | None
    attempts: int
    pid: int | None
    source: str
    boot_id: str


class PastUserChange(NamedTuple):
    """A change of the user of a process of the history; fields as of ChangedUser."""

    record: str
    process_record: str | None
    logon_record: str | None  # of its logon session
    logon_id: str | None
    time: datetime | None
    pid: int
    from_uid: int | None
    from_user: str | None
    to_uid: int
    to_user: str | None
    is_complete: bool
    program: str | None
    through: str | None
    command: str | None
    source: str
    boot_id: str
