"""Logon sessions as text: the words for their values, and their order in the lists of several commands."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SWITCHERS, SessionProcess
from logonscope.faces.cli.text import crop, format_time

if TYPE_CHECKING:
    from logonscope.answers.history import PastLogin

LOGGED_OUT = "logged out"

USER_MANAGER_TYPE = 5
"""The LogonType of a user manager (Service), with or without a login record."""

_LONG_ID = "[0-9a-f]{64}"

MAX_START_DIFFERENCE = 60
"""Maximum seconds between a login and the start of the user manager that it caused."""


def with_managers_after_logins(sessions: Iterable[LogonSession]) -> list[LogonSession]:
    """Return the logon sessions with each user manager moved behind the login that caused it.

    A user manager that none of these logins caused, such as a lingering one, stays where it is.
    """
    ordered = list(sessions)
    for manager in [session for session in ordered if is_user_manager(session)]:
        cause = _find_cause(manager, ordered)
        if cause is not None:
            ordered.remove(manager)
            ordered.insert(ordered.index(cause) + 1, manager)
    return ordered


def _find_cause(manager: LogonSession, sessions: Iterable[LogonSession]) -> LogonSession | None:
    """Return the login that caused a user manager: the user's login with the nearest start; None: no login is near."""
    # logind starts the manager shortly before or after it writes the record of the login
    differences = {
        session.logon_id: abs((session.start - manager.start).total_seconds())
        for session in sessions
        if session.uid == manager.uid and not (session.is_foreign or is_user_manager(session))
        if session.start and manager.start
    }
    nearest_id = min(differences, key=differences.__getitem__, default=None)
    if nearest_id is None or differences[nearest_id] > MAX_START_DIFFERENCE:
        return None
    return next(session for session in sessions if session.logon_id == nearest_id)


def user_text(session: LogonSession) -> str:
    """Return the user who logged in, by account name or uid; "System" for the System session.

    If the uid is not one of this host (``is_foreign``), the text also names the container or root directory.
    """
    if session.logon_type == 0:
        return "System"
    if session.is_foreign:
        container = short_container_id(session) if session.container_id else "another root directory"
        return f"{_uid_text(session)} in {container}"
    return session.user or _uid_text(session)


def _uid_text(session: LogonSession) -> str:
    return "?" if session.uid is None else f"uid {session.uid}"


def origin_text(session: LogonSession) -> str:
    """Return where a login came from: the remote host of its record, the remote address, or the seat."""
    return session.remote_host or session.remote_address or session.seat or "-"


def start_text(session: LogonSession) -> str:
    """Return the start of a logon session, after "~" if it is approximate."""
    return ("~" if is_approximate(session) else "") + format_time(session.start)


def selecting_word(session: "LogonSession | PastLogin") -> str:
    """Return the shortest word that selects a logon session: "system", an id of logind such as "c1", or its LogonId."""
    if session.logon_type == 0:
        return "system"
    # logind names a session c1, c2, ... if the session has no audit session id of its own; its LogonId is then long
    login_id = session.login or ""
    return login_id if login_id[:1] == "c" and login_id[1:].isdecimal() else session.logon_id


def type_text(session: LogonSession, cells: int | None = None) -> str:
    """Return the name and the number of the LogonType; with fewer cells only the name is cut."""
    if session.logon_type is None:
        return "-"
    # the number identifies the LogonType, and is therefore never cut
    number = f" ({session.logon_type})"
    return crop(session.logon_type_name or "?", None if cells is None else cells - len(number)) + number


def is_logged_out(session: LogonSession) -> bool:
    """Return whether a logon session is logged out, so that its processes are leftovers."""
    return session.state == LOGGED_OUT


def container_label(row: SessionProcess | LogonSession) -> str:
    """Return the container of a process or of a logon session, such as "container 3f9a1c0b2d4e (docker)"."""
    return f"container {short_container_id(row)} ({row.container_runtime})"


def short_container_id(row: SessionProcess | LogonSession) -> str:
    """Return the id of a container as engines show it: the first 12 of 64 digits; a name unchanged."""
    container_id = row.container_id or ""
    return container_id[:12] if re.fullmatch(_LONG_ID, container_id) else container_id


def is_user_manager(session: LogonSession) -> bool:
    """Return whether a logon session is a user manager, which all logins of its user share."""
    return (session.login_class or "").startswith("manager") or session.logon_type == USER_MANAGER_TYPE


def is_approximate(session: LogonSession) -> bool:
    """Return whether the start of a logon session is approximate."""
    return session.start is not None and session.sources.get("start", "").startswith("approx")


def user_change_mark(process: SessionProcess, parent: SessionProcess | None, session: LogonSession) -> str:
    """Return the mark of a change of user, such as "[as root by sudo]"; "": there is nothing to mark.

    The change by the login program, from root to the user who logs in, is not marked.
    """
    # the System session has no user: it begins with init, which is root's
    previous_uid = parent.uid if parent else 0 if session.logon_type == 0 else session.uid
    if process.uid is None or process.uid == previous_uid:
        return ""
    # any user can give a program one of these names, but the real programs run as root
    switcher = next(
        (link.name for link in (process, parent) if link and link.name in SWITCHERS and link.uid in {0, None}), None
    )
    # the login program starts as root and becomes the user who logs in
    is_login_program = process.pid == session.leader or (previous_uid != session.uid and process.uid == session.uid)
    if is_login_program and (switcher is None or parent is None):
        return ""
    return f"[as {process.user or process.uid}{f' by {switcher}' if switcher else ''}]"
