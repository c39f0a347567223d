"""How is an answer said in words? Pure functions from an answer to sentences that a person can act on."""

from collections.abc import Iterator

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import Socket, Whose
from logonscope.faces.cli.output import is_approximate
from logonscope.faces.cli.text import format_time

SERVICE = 5
"""LogonType of user managers, and of nothing else here."""

LOGGED_OUT = "logged out"
NO_RECORD = "no login service has a record of it: state and origin are not known; the journal may have them"
FORGOTTEN = (
    "no login service has a record of it any more: type, state and origin are not known; the journal may have them,"
    " or a recording (`logonscope record`) that was made before"
)

_MOMENT = "%Y-%m-%d %H:%M:%S %z"
_SWITCHERS = {"sudo", "su", "runuser", "doas", "pkexec", "run0", "sudo-rs", "su-rs", "calife", "super"}
_MOST_OF_A_COMMAND = 60
_MOST_SOCKETS = 3


def headline(answer: Whose) -> str:
    """Say whose the process is, in one sentence."""
    process, session = answer.process, answer.session
    what = f"{process.pid} ({_shorten_command(process.command_line or process.name or '?')})"
    if answer.target.isdecimal() and int(answer.target) != answer.pid:
        what = f"{answer.target} is a thread of {what}, which"
    if process.tty:
        what += f" on {process.tty}"
    if answer.sockets:
        what += f", which {_describe_sockets(answer)},"
    if session.logon_type == 0:
        return f"{what} belongs to the System session: no login started it."
    if is_user_manager(session):
        return f"{what} belongs to the user manager of {user_label(session)}: shared by all logins of that user."
    return f"{what} belongs to logon session {session.logon_id}: {_describe_origin(session)}."


def describe_login(session: LogonSession) -> str:
    """Say what kind of login it was, and how it stands."""
    name = "LogonType not known" if session.logon_type is None else f"{session.logon_type_name} ({session.logon_type})"
    kind = f"{name}: {session.sources['logon_type']}"
    if session.logon_type == 0:
        return f"{kind}; since the machine started, {format_time(session.start, _MOMENT)}"
    if session.vouched_by is None and session.state == LOGGED_OUT:
        return f"{kind}; logged out: {session.sources['state']}; the process is a leftover"
    if session.vouched_by is None:
        return f"{kind}; {FORGOTTEN if session.login else NO_RECORD}"
    state = f"{session.state or 'state not known'}, as {session.vouched_by}'s {session.login}"
    if session.state == LOGGED_OUT:
        state += f": its leader {session.leader} is gone, the process is a leftover"
    return f"{kind}; {state}"


def describe_evidence(answer: Whose) -> str:
    """Say which rule decided, and where it can be checked."""
    process, session = answer.process, answer.session
    sessionid = f"/proc/{process.pid}/sessionid"
    service = f"{session.vouched_by}'s session" if session.vouched_by else "a login that no record is left of,"
    return {
        "scope": f"scope: its cgroup is that of {service} {session.login}, and it has no kernel id of its own",
        "audit": f"audit: the kernel's audit session id {session.logon_id} ({sessionid}), given at login and inherited"
        + _JOINED.get(session.join_evidence or "", ""),
        "manager": f"manager: no kernel id, and its cgroup lies below {session.scope or 'user@UID.service'}",
        "none": f"none: the kernel's audit session id is unset ({sessionid}), and its cgroup is no login's",
    }.get(answer.evidence, answer.evidence)


_JOINED = {
    "leader": "; the login's record is found by its leader, which carries it",
    "scope": "; the login's record is found by its scope, whose processes carry it",
    "remembered": "; the login's record was found by it at an earlier look",
}


def describe_parents(answer: Whose) -> str:
    """Say how the login led to the process: the chain of parents, and where the user changed."""
    links, before = [], None
    for link in answer.chain:
        change = user_change_mark(link, before, answer.session)
        links.append(f"{link.name} {link.pid} {change}".rstrip())
        before = link
    chain = " > ".join(links)
    first = answer.chain[0]
    if answer.session.logon_type != 0 and len(answer.chain) == 1 and first.pid != answer.session.leader:
        return f"{chain} (its parents in this login have ended)" if first.ppid == 1 else chain
    return chain


def lookup_commands(answer: Whose) -> Iterator[str]:
    """Yield the commands that look the same thing up elsewhere."""
    process, session = answer.process, answer.session
    if session.logon_type == 0:
        yield f"systemctl status {process.pid}"
        yield f"journalctl _PID={process.pid}"
        return
    if answer.evidence == "audit":
        yield f"journalctl _AUDIT_SESSION={session.logon_id}"
        yield f"ausearch --session {session.logon_id}"
    if is_user_manager(session):
        yield f"loginctl user-status {session.uid}"
        yield f"journalctl _SYSTEMD_UNIT=user@{session.uid}.service"
    elif session.login:
        known = f"loginctl session-status {session.login}"
        yield known if session.vouched_by else f"journalctl -t systemd-logind --grep 'session {session.login} '"
    yield f"logonscope tree {session.logon_id}"


def user_change_mark(process: SessionProcess, parent: SessionProcess | None, session: LogonSession) -> str:
    """Mark a change of user: "[as root by sudo]"; "" where there is none, and while the login program logs in."""
    before = parent.uid if parent else session.uid
    if process.uid is None or process.uid == before or session.logon_type == 0:
        return ""
    by = next((link.name for link in (process, parent) if link and link.name in _SWITCHERS), None)
    logging_in = process.pid == session.leader or (before != session.uid and process.uid == session.uid)
    if logging_in and (by is None or parent is None):
        return ""
    return f"[as {process.user or process.uid}{f' by {by}' if by else ''}]"


def is_user_manager(session: LogonSession) -> bool:
    """Tell whether it is a user manager: shared by all logins of its user."""
    return (session.login_class or "").startswith("manager") or session.logon_type == SERVICE


def user_label(session: LogonSession) -> str:
    """Name who logged in."""
    if session.uid is None:
        return session.user or "somebody"
    return f"{session.user} (uid {session.uid})" if session.user else f"uid {session.uid}"


def _describe_origin(session: LogonSession) -> str:
    origin = f" from {session.remote_host}" if session.remote_host else f" at {session.seat}" if session.seat else ""
    if session.remote_user:
        origin += f" (there {session.remote_user})"
    through = f" through {session.service}" if session.service else ""
    bound = "not later than" if is_approximate(session) else "at"
    moment = f" {bound} {format_time(session.start, _MOMENT)}" if session.start else ""
    return f"{user_label(session)} logged in{origin}{through}{moment}"


def _describe_sockets(answer: Whose) -> str:
    said = list(dict.fromkeys(map(_describe_socket, answer.sockets)))
    more = f" and {len(said) - _MOST_SOCKETS} more" if len(said) > _MOST_SOCKETS else ""
    return " and ".join(said[:_MOST_SOCKETS]) + more


def _describe_socket(socket: Socket) -> str:
    here = _endpoint_text(socket.address, socket.port)
    if socket.state in {"LISTEN", ""}:
        return f"listens on {socket.protocol} {here}"
    return f"holds the {socket.protocol} connection {here} with {_endpoint_text(socket.remote_address, socket.remote_port)}"


def _endpoint_text(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _shorten_command(text: str) -> str:
    return text if len(text) <= _MOST_OF_A_COMMAND else text[: _MOST_OF_A_COMMAND - 1] + "…"
