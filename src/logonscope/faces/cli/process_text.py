"""Processes as text, for several commands."""

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SWITCHERS, SessionProcess


def command_text(row: SessionProcess) -> str:
    """Return the command line of a process, else its name in brackets, as ps(1) does."""
    return row.command_line or f"[{row.name or '?'}]{' <defunct>' if row.state == 'Z' else ''}"


def user_change_mark(process: SessionProcess, parent: SessionProcess | None, session: LogonSession) -> str:
    """Return the mark of a change of user, as "[as root by sudo]"; "": the user is that of the parent or the login."""
    # the System session has no user: it begins with init, which is root's
    previous_uid = parent.uid if parent else 0 if session.logon_type == 0 else session.uid
    if process.uid is None or process.uid == previous_uid:
        return ""
    # any user can choose a name, but these programs run as root
    switcher = next(
        (link.name for link in (process, parent) if link and link.name in SWITCHERS and link.uid in {0, None}), None
    )
    # the login program starts as root and becomes the user who logs in
    is_login_program = process.pid == session.leader or (previous_uid != session.uid and process.uid == session.uid)
    if is_login_program and (switcher is None or parent is None):
        return ""
    return f"[as {process.user or process.uid}{f' by {switcher}' if switcher else ''}]"
