"""The sentences of an answer to ``whose``. Pure functions of the answer."""

from collections.abc import Iterator

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import Socket, Whose
from logonscope.faces.cli.output import is_approximate
from logonscope.faces.cli.text import format_time

SERVICE = 5
"""The LogonType of user managers; nothing else has it on Linux."""

LOGGED_OUT = "logged out"
NO_RECORD = "no login service has a record of it: state and origin are not known; the journal may have them"
FORGOTTEN = (
    "no login service has a record of it any more: type, state and origin are not known; the journal may have them,"
    " or a recording (`logonscope record`) that was made before"
)

_MOMENT = "%Y-%m-%d %H:%M:%S %z"
_SWITCHERS = {"sudo", "su", "runuser", "doas", "pkexec", "run0", "sudo-rs", "su-rs", "calife", "super"}
"""Names of programs that run commands as another user."""

_AT_BOOT = 120
"""Seconds after the boot: a service that was started before this counts as started at boot."""

_MOST_OF_A_COMMAND = 60
_MOST_SOCKETS = 3


def headline(answer: Whose) -> str:
    """Return the sentence that names the logon session of the process."""
    process, session = answer.process, answer.session
    subject = f"{process.pid} ({_shorten_command(process.command_line or process.name or '?')})"
    # the target was the id of a thread; the answer has the pid of its process
    if answer.target.isdecimal() and int(answer.target) != answer.pid:
        subject = f"{answer.target} is a thread of {subject}, which"
    if process.tty:
        subject += f" on {process.tty}"
    if answer.sockets:
        subject += f", which {_describe_sockets(answer)},"
    if session.logon_type == 0:
        return f"{subject} belongs to {_describe_service(answer)}the System session: no login started it."
    if is_user_manager(session):
        return f"{subject} belongs to the user manager of {user_label(session)}: shared by all logins of that user."
    return f"{subject} belongs to logon session {session.logon_id}: {_describe_origin(session)}."


def _describe_service(answer: Whose) -> str:
    """Return the service of a process, with its start, and the words that lead over to its logon session."""
    if answer.service is None:
        return ""
    start, boot = answer.service_start, answer.session.start
    if start is None:
        return f"{answer.service}, in "
    after_boot = None if boot is None else round((start - boot).total_seconds())
    if after_boot is not None and 0 <= after_boot < _AT_BOOT:
        return f"{answer.service}, started at boot ({after_boot} s after it), in "
    return f"{answer.service}, started at {format_time(start, _MOMENT)}, in "


def describe_login(session: LogonSession) -> str:
    """Return the LogonType of the login with its source, and the state of the login."""
    name = "LogonType not known" if session.logon_type is None else f"{session.logon_type_name} ({session.logon_type})"
    kind = f"{name}: {session.sources['logon_type']}"
    if session.logon_type == 0:
        return f"{kind}; since the machine started, {format_time(session.start, _MOMENT)}"
    # without a record, an empty unit can still show that the login is logged out
    if session.vouched_by is None and session.state == LOGGED_OUT:
        return f"{kind}; logged out: {session.sources['state']}; the process is a leftover"
    if session.vouched_by is None:
        return f"{kind}; {FORGOTTEN if session.login else NO_RECORD}"
    state = f"{session.state or 'state not known'}, as {session.vouched_by}'s {session.login}"
    if session.state == LOGGED_OUT:
        state += f": its leader {session.leader} is gone, the process is a leftover"
    return f"{kind}; {state}"


def describe_evidence(answer: Whose) -> str:
    """Return the rule that found the logon session, and the file that shows it."""
    process, session = answer.process, answer.session
    sessionid = f"/proc/{process.pid}/sessionid"
    service = f"{session.vouched_by}'s session" if session.vouched_by else "a login whose record is gone,"
    return {
        "scope": f"scope: its cgroup is that of {service} {session.login}, and it has no kernel id",
        "audit": f"audit: the kernel's audit session id {session.logon_id} ({sessionid}), set at login and inherited"
        + _JOINED.get(session.join_evidence or "", ""),
        "manager": f"manager: no kernel id, and its cgroup is below {session.scope or 'user@UID.service'}",
        "none": f"none: the kernel's audit session id is unset ({sessionid}), and its cgroup is no login's",
    }.get(answer.evidence, answer.evidence)


_JOINED = {
    "leader": "; the login's record was found by its leader, which has this id",
    "scope": "; the login's record was found by its scope, whose processes have this id",
    "remembered": "; the login's record was found by this id in an earlier request",
}
"""How the login record was found, where the record itself does not have the audit session id."""


def describe_parents(answer: Whose) -> str:
    """Return the chain of parents from the login to the process, with changes of user."""
    links, parent = [], None
    for link in answer.chain:
        change = user_change_mark(link, parent, answer.session)
        links.append(f"{link.name} {link.pid} {change}".rstrip())
        parent = link
    chain = " > ".join(links)
    first = answer.chain[0]
    # the kernel gives init as parent to a process whose parent has ended
    if answer.session.logon_type != 0 and len(answer.chain) == 1 and first.pid != answer.session.leader:
        return f"{chain} (its parents in this login have ended)" if first.ppid == 1 else chain
    return chain


def lookup_commands(answer: Whose) -> Iterator[str]:
    """Yield shell commands that show the logon session in other sources."""
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
        status = f"loginctl session-status {session.login}"
        yield status if session.vouched_by else f"journalctl -t systemd-logind --grep 'session {session.login} '"
    yield f"logonscope tree {session.logon_id}"


def user_change_mark(process: SessionProcess, parent: SessionProcess | None, session: LogonSession) -> str:
    """Return the mark of a change of user, as "[as root by sudo]"; "": the user is that of the parent or the login."""
    previous_uid = parent.uid if parent else session.uid
    if process.uid is None or process.uid == previous_uid or session.logon_type == 0:
        return ""
    switcher = next((link.name for link in (process, parent) if link and link.name in _SWITCHERS), None)
    # the login program starts as root and becomes the user who logs in
    is_login_program = process.pid == session.leader or (previous_uid != session.uid and process.uid == session.uid)
    if is_login_program and (switcher is None or parent is None):
        return ""
    return f"[as {process.user or process.uid}{f' by {switcher}' if switcher else ''}]"


def is_user_manager(session: LogonSession) -> bool:
    """Return whether a logon session is a user manager, which all logins of its user share."""
    return (session.login_class or "").startswith("manager") or session.logon_type == SERVICE


def user_label(session: LogonSession) -> str:
    """Return the user who logged in, as "alice (uid 1000)"."""
    if session.uid is None:
        return session.user or "an unknown user"
    return f"{session.user} (uid {session.uid})" if session.user else f"uid {session.uid}"


def _describe_origin(session: LogonSession) -> str:
    """Return who logged in, from where, through which service and when."""
    origin = f" from {session.remote_host}" if session.remote_host else f" at {session.seat}" if session.seat else ""
    if session.remote_user:
        origin += f" (there {session.remote_user})"
    through = f" through {session.service}" if session.service else ""
    bound = "not later than" if is_approximate(session) else "at"
    moment = f" {bound} {format_time(session.start, _MOMENT)}" if session.start else ""
    return f"{user_label(session)} logged in{origin}{through}{moment}"


def _describe_sockets(answer: Whose) -> str:
    # a socket that several file descriptors or processes share is listed once
    descriptions = list(dict.fromkeys(map(_describe_socket, answer.sockets)))
    rest = f" and {len(descriptions) - _MOST_SOCKETS} more" if len(descriptions) > _MOST_SOCKETS else ""
    return " and ".join(descriptions[:_MOST_SOCKETS]) + rest


def _describe_socket(socket: Socket) -> str:
    local_end = _endpoint_text(socket.address, socket.port)
    # a UDP socket that is not connected has no state
    if socket.state in {"LISTEN", ""}:
        return f"listens on {socket.protocol} {local_end}"
    remote_end = _endpoint_text(socket.remote_address, socket.remote_port)
    return f"holds the {socket.protocol} connection {local_end} with {remote_end}"


def _endpoint_text(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _shorten_command(text: str) -> str:
    return text if len(text) <= _MOST_OF_A_COMMAND else text[: _MOST_OF_A_COMMAND - 1] + "…"
