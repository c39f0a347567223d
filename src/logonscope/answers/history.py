"""Filter and result types of the history.

The results are logins with the programs that they ran, processes, changes of processes, failed logons, and changes of
user.
"""

from datetime import datetime
from typing import NamedTuple, Self

from logonscope.display import short_row_repr


class HistoryFilter(NamedTuple):
    """A filter on the history. Logins and processes must match every field; a field that is None matches all."""

    word: str | None = None  # a LogonId, account, pid or process name; with a prefix: "user:bob", "pid:1", "name:make"
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
    failed: int  # of the runs, those that ended with another status than 0 or by a signal
    first: datetime | None  # start of its first run
    last: datetime | None  # start of its last run


class PastLogin(NamedTuple):
    """A logon session of the history. It may still exist."""

    record: str  # its key in the history
    logon_id: str
    guid: str | None
    user: str | None
    uid: int | None
    logon_type: int | None
    logon_type_name: str | None
    start: datetime | None
    logout: datetime | None  # the end of its leader
    end: datetime | None  # the end of its last process; None: the logon session still exists
    end_is_approximate: bool  # the end was not seen: ``end`` is an estimate
    service: str | None
    tty: str | None
    seat: str | None
    login: str | None  # the id that the login service gave to the login
    remote_host: str | None
    remote_address: str | None
    remote_port: int | None
    authentication_method: str | None
    key_type: str | None
    key_fingerprint: str | None
    runs: int  # number of its processes; if the filter selects processes, number of the selected ones
    failed: int  # of these processes, those that ended with another status than 0 or by a signal
    programs: tuple[PastProgram, ...]  # the most frequent first
    boot_id: str | None = None  # the boot in which logon_id is unique

    def __repr__(self) -> str:
        return short_row_repr(self, ("logon_id", "user", "start", "end", "runs"))


class PastProcess(NamedTuple):
    """A process of the history."""

    record: str  # its key in the history
    parent_record: str | None  # the key of its parent
    logon_record: str | None  # the key of its logon session
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
    start_is_approximate: bool  # it already ran when the service began to receive events
    end: datetime | None  # None: it still runs
    end_is_approximate: bool  # the end was not seen: ``end`` is an estimate
    seconds: float | None  # how long it ran; None: it still runs
    exit_code: int | None
    signal: int | None  # the signal that ended it
    boot_id: str | None = None

    def __repr__(self) -> str:
        return short_row_repr(self, ("pid", "name", "user", "start", "end"))

    @property
    def is_failed(self) -> bool:
        """Return whether it ended with another status than 0 or by a signal."""
        return bool(self.exit_code or self.signal)


class PastChange(NamedTuple):
    """A change of a process of the history: what the process was after the change."""

    record: str  # the key of the change in the history
    process_record: str  # the key of the process
    logon_record: str | None  # the key of the logon session of the process after the change
    logon_id: str | None
    time: datetime | None
    pid: int
    name: str | None
    executable: str | None
    command_line: str | None
    user: str | None  # account of its effective uid
    uid: int | None
    sudo_command: str | None  # the command line as sudo logged it; None for callers other than administrators


class PastFailedLogon(NamedTuple):
    """A refused attempt, in the history, to log in or to become another user. None: the value was not reported."""

    record: str  # its key in the history
    time: datetime | None
    service: str  # sshd, login, su, sudo, or another PAM service
    user: str | None  # the name that was tried; it need not be an account
    is_known_user: bool | None  # whether there is an account of that name
    remote_address: str | None
    remote_port: int | None
    remote_host: str | None
    method: str | None  # password, publickey, ...
    tty: str | None
    by_user: str | None  # with su and sudo: the account that tried to become ``user``
    command: str | None  # the command that sudo did not run
    reason: str | None  # why it was refused, in the words of the program
    attempts: int  # how many attempts the program reported at once
    pid: int | None  # of the process that reported the attempt
    source: str  # the log that has the report: journal or btmp
    boot_id: str


class PastUserChange(NamedTuple):
    """A change of the user of a process of the history."""

    record: str  # its key in the history
    process_record: str | None  # the key of the process
    logon_record: str | None  # the key of the logon session of the process
    logon_id: str | None
    time: datetime | None
    pid: int
    from_uid: int | None  # the real uid before
    from_user: str | None
    to_uid: int  # the effective uid after
    to_user: str | None
    is_complete: bool  # the real uid changed, too
    program: str | None  # the program that the process ran after the change
    through: str | None  # the set-user-ID program that made the change possible, such as sudo
    command: str | None  # the command line as sudo logged it; None for callers other than administrators
    source: str  # kernel, or "kernel, sudo's line in the journal"
    boot_id: str
