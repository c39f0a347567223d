"""The sentences of an answer to ``whose``. Pure functions of the answer."""

from collections.abc import Iterable, Iterator, Sequence

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import UNIX, Socket, Whose
from logonscope.faces.cli.session_text import container_label, is_approximate, is_user_manager, user_change_mark
from logonscope.faces.cli.text import format_time
from logonscope.faces.cli.whose_groups import is_connection

LOGGED_OUT = "logged out"
UNKNOWN_LOGIN = "no login is known to the kernel"
NO_RECORD = "no login service has a record of it: state and origin are not known; the journal may have them"
NO_STATE = "no login service has a record of it: state is not known, and the address is that of the leader's socket"
RECORD_IS_GONE = (
    "no login service has a record of it any more: type, state and origin are not known; the journal may have them,"
    " or a recording (`logonscope record`) that was made before"
)

OTHER_ROOT = "another root directory (with its own pid namespace)"

_MOMENT = "%Y-%m-%d %H:%M:%S %z"
_CONTAINER_COMMANDS = {
    "docker": "docker inspect",
    "podman": "podman inspect",
    "lxc": "lxc-info -n",
    "nspawn": "machinectl status",
}
"""The command that shows a container, by engine; ``_container_command`` has the rules for the other engines."""

_MAX_COMMAND_CHARACTERS = 60
_MAX_SOCKETS = 3
_MAX_NAMES = 3
_MAX_PROCESSES = 20
_BOOT_SECONDS = 120
"""A service that was started within so many seconds after the boot counts as started at boot."""


def headline(answer: Whose) -> str:
    """Return the sentence that names the logon session of the process."""
    process, session = answer.process, answer.session
    subject = f"{process.pid} ({_shorten_command(process.command_line or process.name or '?')})"
    # if the target was the id of a thread, the answer has the pid of the process of the thread
    if answer.target.isdecimal() and int(answer.target) != answer.pid:
        subject = f"{answer.target} is a thread of {subject}, which"
    if process.container_id:
        subject += f" in {container_label(process)}"
    if process.tty:
        subject += f" on {process.tty}"
    if answer.sockets:
        subject += f", which {_describe_sockets(answer.sockets)},"
    if answer.is_own:
        return f"{subject} is yours: it runs as {_runs_as(process)}, and {UNKNOWN_LOGIN}."
    if session.logon_type == 0:
        return (
            f"{subject} belongs to {_describe_service(answer)}the System session: {_describe_system_process(answer)}."
        )
    return f"{subject} belongs to {_describe_session(session)}."


def group_headline(answers: Sequence[Whose]) -> str:
    """Return the sentence that names the logon session of several processes that hold the same sockets."""
    names = [*dict.fromkeys(answer.process.name or "?" for answer in answers)]
    more = f" and {len(names) - _MAX_NAMES} others" if len(names) > _MAX_NAMES else ""
    sockets = [socket for answer in answers for socket in answer.sockets]
    subject = (
        f"{len(answers)} processes of {', '.join(names[:_MAX_NAMES])}{more},"
        f" which {_describe_sockets(sockets, plural=True)},"
    )
    if all(answer.is_own for answer in answers):
        return f"{subject} are yours: they run as {_runs_as(answers[0].process)}, and {UNKNOWN_LOGIN}."
    if answers[0].session.logon_type == 0:
        has_no_login = all(answer.unseen_logins == () for answer in answers)
        login = "no login started them" if has_no_login else UNKNOWN_LOGIN
        return f"{subject} belong to the System session: {login}."
    return f"{subject} belong to {_describe_session(answers[0].session)}."


def describe_processes(answers: Sequence[Whose]) -> str:
    """Return a list of processes with the users that they run as."""
    from logonscope.faces.cli.process_text import user_text  # noqa: PLC0415 -- most answers are about one process

    rows = [answer.process for answer in answers[:_MAX_PROCESSES]]
    texts = [f"{row.name or '?'} {row.pid} as {user_text(row, 'an unknown user')}" for row in rows]
    more = f" and {len(answers) - len(rows)} more" if len(answers) > len(rows) else ""
    return ", ".join(texts) + more


def _describe_session(session: LogonSession) -> str:
    if is_user_manager(session):
        return f"the user manager of {user_label(session)}: shared by all logins of that user"
    return f"logon session {session.logon_id}: {_describe_origin(session)}"


def _describe_service(answer: Whose) -> str:
    """Return the name and the start of the service of a process, with "in" after them; "" if it has no service."""
    if answer.service is None:
        return ""
    start, boot = answer.service_start, answer.session.start
    if start is None:
        return f"{answer.service}, in "
    after_boot = None if boot is None else round((start - boot).total_seconds())
    if after_boot is not None and 0 <= after_boot < _BOOT_SECONDS:
        return f"{answer.service}, started at boot ({after_boot} s after it), in "
    return f"{answer.service}, started at {format_time(start, _MOMENT)}, in "


def describe_login(session: LogonSession) -> str:
    """Return the LogonType with its source, and the state of the login; for the System session, its type and start."""
    type_name = (
        "LogonType not known" if session.logon_type is None else f"{session.logon_type_name} ({session.logon_type})"
    )
    # the System session is no login: it has no state. Its type follows from the evidence, which has its own line
    if session.logon_type == 0:
        return f"{type_name}; since the machine started, {format_time(session.start, _MOMENT)}"
    logon_type = f"{type_name}: {session.sources['logon_type']}"
    # without a record, a unit in which no login program runs any more shows that the login has ended
    if session.recorded_by is None and session.state == LOGGED_OUT:
        return f"{logon_type}; logged out: {session.sources['state']}; the process is a leftover"
    if session.recorded_by is None:
        if session.remote_address:
            return f"{logon_type}; {NO_STATE}"
        return f"{logon_type}; {RECORD_IS_GONE if session.login else NO_RECORD}"
    record = "unit" if is_user_manager(session) else "session"
    state = f"{session.state or 'state not known'} ({session.recorded_by} {record} {session.login})"
    if session.state == LOGGED_OUT:
        state += f": its leader {session.leader} is gone, the process is a leftover"
    return f"{logon_type}; {state}"


def describe_authentication(session: LogonSession) -> str:
    """Return how the login authenticated, for a logon session that was read with the detail "authentication"."""
    if session.authentication_method is None:
        type_reason = session.sources.get("logon_type") or ""
        if session.service == "dropbear" or type_reason.startswith("dropbear"):
            return "not known: only the log of sshd is read, not that of dropbear"
        if session.service == "sshd" or type_reason.startswith("sshd"):
            return "not known: sshd's log has no line about it, or cannot be read (`logonscope doctor` says which)"
        if session.service is None and session.logon_type is None:  # it may have been an ssh login
            return "not known: the login program is not known"
        package = session.authentication_package
        return f"{package}, {session.sources['authentication_package']}" if package else "not known: no ssh login"
    words = [session.authentication_method]
    if session.key_fingerprint:
        words.append(f"{session.key_type} {session.key_fingerprint}")
    if session.certificate_authority:
        words.append(f"certificate {session.certificate_id!r} (serial {session.certificate_serial})")
        words.append(f"signed by {session.certificate_authority}")
    return f"{', '.join(words)}; as logged by sshd ({session.authentication_source})"


def describe_evidence(answer: Whose) -> str:
    """Return the rule that found the logon session, and the facts that it used."""
    process, session = answer.process, answer.session
    sessionid = f"/proc/{process.pid}/sessionid"
    login = f"{session.recorded_by}'s session" if session.recorded_by else "a login whose record is gone,"
    return {
        "scope": f"scope: its cgroup is that of {login} {session.login};"
        " its kernel id is unset, or this login inherited it from an earlier one",
        "audit": f"audit: the kernel's audit session id {session.logon_id} ({sessionid}), set at login and inherited"
        + _JOIN_TEXTS.get(session.join_evidence or "", ""),
        "manager": f"manager: its cgroup is below {session.scope or 'user@UID.service'};"
        " its kernel id is unset, or this user manager inherited it from a login",
        "none": f"none: the kernel's audit session id is unset ({sessionid}), and its cgroup is no login's",
    }.get(answer.evidence, answer.evidence)


_JOIN_TEXTS = {
    "leader": "; the login's record was found by its leader, which has this id",
    "scope": "; the login's record was found by its scope, whose processes have this id",
    "remembered": "; the login's record was found by this id in an earlier request",
}
"""How the login record was found, by ``join_evidence``, if the record does not contain the kernel id."""


def describe_parents(answer: Whose) -> str:
    """Return the chain of parents from the login to the process, with changes of user."""
    links, parent = [], None
    changed_pids = {sign.pid for sign in answer.unseen_logins or () if sign.kind == "user change"}
    for link in answer.chain:
        change = user_change_mark(link, parent, answer.session)
        if link.pid in changed_pids:
            change = f"[as {link.user or link.uid}, without su or sudo]"
        links.append(f"{link.name} {link.pid} {change}".rstrip())
        parent = link
    chain = " > ".join(links)
    first_link = answer.chain[0]
    # the kernel gives init as parent to a process whose parent has ended
    if answer.session.logon_type != 0 and len(answer.chain) == 1 and first_link.pid != answer.session.leader:
        return f"{chain} (its parents in this login have ended)" if first_link.ppid == 1 else chain
    return chain


def describe_notes(answer: Whose) -> list[str]:
    """Return a sentence for each logon session that the login began in, and for each sign of an unseen login."""
    return [*describe_outer_logins(answer), *describe_unseen_logins(answer)]


def describe_outer_logins(answer: Whose) -> Iterator[str]:
    """Yield a sentence for each logon session that the login began in, the nearest first."""
    for number, outer in enumerate(answer.outer_logins):
        login = "that" if number else "this"
        user = f"uid {outer.uid}" if outer.user is None else f"{outer.user} (uid {outer.uid})"
        yield f"{login} login began in logon session {outer.logon_id} of {user}: {outer.name} {outer.pid} started it"


def describe_unseen_logins(answer: Whose) -> Iterator[str]:
    """Yield a sentence for each sign that a user logged in without the kernel's knowledge."""
    by_pid = {link.pid: link for link in answer.chain}
    for sign in answer.unseen_logins or ():
        process, link = f"{sign.name} {sign.pid}", by_pid.get(sign.pid, answer.process)
        user, parent = _runs_as(link), by_pid.get(link.ppid or 0)
        starter = f"{parent.name} {parent.pid}" if parent else "root"
        yield {
            "daemon": f"{process}, one of its parents, can let users in without the kernel's knowledge",
            "unit": f"it is in the unit {sign.name}, which can let users in without the kernel's knowledge",
            "user change": f"{starter} (root) started {process} as {user} without su or sudo, as for a login",
            "orphan": f"the parents of {process}, which runs as {user}, have ended: what started it is not known",
            "outside": f"what started {process} is outside of what can be seen here",
        }.get(sign.kind, sign.kind)


def lookup_commands(answer: Whose) -> Iterator[str]:
    """Yield shell commands that show more about the container, if there is one, and about the logon session."""
    process, session = answer.process, answer.session
    if process.container_id:
        import shlex  # noqa: PLC0415 -- only a container id needs it

        yield f"{_container_command(process)} {shlex.quote(process.container_id)}"
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
        yield status if session.recorded_by else f"journalctl -t systemd-logind --grep 'session {session.login} '"
    yield f"logonscope tree {session.logon_id}"


def _container_command(process: SessionProcess) -> str:
    """Return the engine's command that shows a container, without the id of the container."""
    # nerdctl and Kubernetes use containerd side by side; only Kubernetes has pods
    if process.container_runtime == "containerd" and process.pod_uid is None:
        return "nerdctl inspect"
    return _CONTAINER_COMMANDS.get(process.container_runtime or "", "crictl inspect")


def user_label(session: LogonSession) -> str:
    """Return the user who logged in, such as "alice (uid 1000)"."""
    if session.is_foreign:
        user = "an unknown user" if session.uid is None else f"uid {session.uid}"
        return f"{user} of {container_label(session) if session.container_id else OTHER_ROOT}"
    if session.uid is None:
        return session.user or "an unknown user"
    return f"{session.user} (uid {session.uid})" if session.user else f"uid {session.uid}"


def _describe_system_process(answer: Whose) -> str:
    """Return whether a login may have started a process of the System session, and the user that it runs as."""
    login = "no login started it" if answer.unseen_logins == () else UNKNOWN_LOGIN
    # root is mentioned only if a user may have logged in as root
    if answer.process.uid is None or (answer.process.uid == 0 and not answer.unseen_logins):
        return login
    return f"{login}; it runs as {_runs_as(answer.process)}"


def _runs_as(process: SessionProcess) -> str:
    """Return the user that a process runs as, such as "alice (uid 1000)"."""
    if process.uid is None:
        return process.user or "an unknown user"
    return f"{process.user} (uid {process.uid})" if process.user else f"uid {process.uid}"


def _describe_origin(session: LogonSession) -> str:
    """Return who logged in, from where, through which service and when."""
    host = session.remote_host or session.remote_address
    port = f" port {session.remote_port}" if session.remote_port else ""
    origin = f" from {host}{port}" if host else f" at {session.seat}" if session.seat else ""
    through = f" through {session.service}" if session.service else ""
    if session.remote_user and host:
        origin += f" (there {session.remote_user})"
    elif session.remote_user:  # without a host, it is the user of this host who called su
        through += f" (called by {session.remote_user})"
    bound = "not later than" if is_approximate(session) else "at"
    moment = f" {bound} {format_time(session.start, _MOMENT)}" if session.start else ""
    return f"{user_label(session)} logged in{origin}{through}{moment}"


def _describe_sockets(sockets: Iterable[Socket], *, plural: bool = False) -> str:
    # listening sockets first; a socket that several file descriptors or processes share is listed once
    ordered = sorted(sockets, key=is_connection)
    descriptions = list(dict.fromkeys(_describe_socket(socket, plural=plural) for socket in ordered))
    rest = f" and {len(descriptions) - _MAX_SOCKETS} more" if len(descriptions) > _MAX_SOCKETS else ""
    return " and ".join(descriptions[:_MAX_SOCKETS]) + rest


def _describe_socket(socket: Socket, *, plural: bool) -> str:
    verb = "hold" if is_connection(socket) else "listen"
    if not plural:
        verb += "s"
    local_end = f"{socket.protocol} {socket.local_end}"
    if not is_connection(socket):
        text = f"{verb} on {local_end}"
    elif socket.protocol == UNIX:
        text = f"{verb} a connection to {local_end}"
    else:
        text = f"{verb} the {socket.protocol} connection {socket.local_end} with {socket.remote_end}"
    return text if socket.namespace_pid is None else f"{text} in {_describe_namespace(socket)}"


def _describe_namespace(socket: Socket) -> str:
    return f"another network namespace (net:[{socket.namespace}], that of process {socket.namespace_pid})"


def _shorten_command(text: str) -> str:
    return text if len(text) <= _MAX_COMMAND_CHARACTERS else text[: _MAX_COMMAND_CHARACTERS - 1] + "…"
