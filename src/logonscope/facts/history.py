"""Rows of the history: past and present logon sessions and processes, their changes, failed logons and changes of user.

Times are in microseconds since the epoch.
"""

from typing import NamedTuple

from logonscope.facts.failed_logon import FailedLogon
from logonscope.facts.process import Process
from logonscope.facts.user_change import UserChange


class LogonRecord(NamedTuple):
    """A past logon session, or one that exists."""

    id: int  # of the record
    boot_id: str
    logon_id: str
    generation: int | None  # distinguishes logon sessions with the same LogonId
    start: int | None
    logout: int | None = None  # the end of its leader
    end: int | None = None  # the end of its last process; None: it exists
    # True: the end was not seen. ``end`` is the latest time that is possible; if the machine stopped, the earliest one
    end_is_approximate: bool = False
    login_uid: int | None = None
    user: str | None = None
    logon_type: int | None = None
    service: str | None = None
    tty: str | None = None
    seat: str | None = None
    remote_host: str | None = None
    remote_address: str | None = None
    remote_port: int | None = None
    method: str | None = None
    key_type: str | None = None
    key: str | None = None  # fingerprint
    login: str | None = None  # the login service's id


class ProcessRecord(NamedTuple):
    """A past process, or one that runs."""

    id: int  # of the record. Ids have the order of starts; but processes that were found running have greater ids
    logon_record: int | None  # id of the record of its logon session
    parent_record: int | None  # id of the record of its parent
    boot_id: str
    process: Process  # with the first program that it executed; in the login that it entered, if it entered one
    user: str | None  # account name of its effective uid
    start: int | None
    start_is_approximate: bool = False  # the start was not seen: the service received no events at that time
    end: int | None = None
    end_is_approximate: bool = False  # as in LogonRecord
    lasted_ms: int | None = None  # None: it runs
    status: int | None = None  # the status that wait(2) returns


class ChangeRecord(NamedTuple):
    """A change of a process: its program, its user, or its logon session."""

    id: int
    process_record: int  # of the process
    logon_record: int | None  # of its logon session after the change
    time: int | None
    process: Process  # after the change
    user: str | None
    sudo: str | None = None  # the command that sudo logged


class FailedLogonRecord(NamedTuple):
    """A refused attempt to log in, or to become another user."""

    id: int
    boot_id: str
    time: int | None
    attempt: FailedLogon


class UserChangeRecord(NamedTuple):
    """A change of the user of a process; ``change`` is as it was reported."""

    id: int
    process_record: int | None  # of the process
    logon_record: int | None  # of its logon session
    boot_id: str
    time: int | None
    pid: int
    change: UserChange


class ProgramCount(NamedTuple):
    """How often a program ran in a logon session."""

    name: str | None
    executable: str | None
    runs: int
    failed: int  # runs that ended with another status than 0 or by a signal
    first: int | None  # start of the first run
    last: int | None  # start of the last run
    comm: str | None = None  # the kernel's name, which any user may see
