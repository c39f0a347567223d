"""The answer's own words: a logon session, which one owns a process on what evidence, and the pair of both."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from logonscope.facts.login import Login
from logonscope.facts.snapshot import Socket


class Owner(NamedTuple):
    """Which logon session a process belongs to, and how that is known."""

    logon: str | None  # LogonId; None only where the process could not be read (hidepid)
    evidence: str  # scope, audit, manager, none; unread
    login: Login | None = None  # the login service's word for it, where there is one


class LogonSession(NamedTuple):
    """One act of logging in and everything it started. None: not known, or not there."""

    logon_id: str  # always decimal
    user: str | None = None
    uid: int | None = None  # login uid; None for the System session
    logon_type: int | None = None  # as Win32_LogonSession.LogonType
    logon_type_name: str | None = None
    authentication_package: str | None = None
    start: datetime | None = None  # with offset
    state: str | None = None  # active, online, closing, lingering, logged out
    seat: str | None = None
    vt: int | None = None
    tty: str | None = None
    remote_host: str | None = None
    remote_user: str | None = None
    service: str | None = None  # PAM service
    login_class: str | None = None  # user, greeter, manager, background, ...
    leader: int | None = None  # pid
    scope: str | None = None
    login: str | None = None  # the login service's own id
    vouched_by: str | None = None  # the login service that vouches for it
    processes: int | None = None  # None where they were not counted
    leftovers: int | None = None  # None where it cannot be told, or they were not counted
    sources: Mapping[str, str] = {}  # where each value comes from: name -> source


class SessionProcess(NamedTuple):
    """A process in its logon session: the pair that Win32_SessionProcess names, with what a person asks next."""

    logon_id: str | None
    evidence: str
    pid: int
    ppid: int | None
    name: str | None
    user: str | None  # whom it runs as: the effective uid's account
    uid: int | None
    login_uid: int | None
    start: datetime | None
    tty: str | None
    state: str | None
    leftover: bool | None
    command_line: str | None
    executable: str | None
    unread: Mapping[str, str]  # why a value is None although it was asked for: fact -> reason


class LogonTree(NamedTuple):
    """A logon session with its processes, all of one reading; ``session`` None where the caller may not see it."""

    session: LogonSession | None
    processes: tuple[SessionProcess, ...]


class SessionOf(NamedTuple):
    """The logon session of a process, and the rule that says so: scope, audit, manager or none."""

    session: LogonSession
    evidence: str


class Whose(NamedTuple):
    """Whose a process is: the answer to ``whose``, for one target and one process."""

    target: str  # as it was asked
    pid: int
    logon_id: str
    evidence: str  # scope, audit, manager, none
    session: LogonSession
    process: SessionProcess
    chain: tuple[SessionProcess, ...]  # from the login to the process, itself included
    sockets: tuple[Socket, ...]  # where the target was a port


class Check(NamedTuple):
    """One thing that doctor looked at. ``ok`` None: nothing wrong, but worth knowing."""

    what: str
    ok: bool | None
    found: str
    do: str  # what would help; "" where nothing is to be done
