"""The doctor operation: checks what can be read on this host, with which rights, and what would help."""

from collections import deque
from collections.abc import Iterator, Sequence

from logonscope.answers.check import Check
from logonscope.answers.logon_session import LogonSession
from logonscope.broker.access import NOT_YOUR_PROCESS, NOT_YOUR_SESSION, Caller
from logonscope.broker.request import Request
from logonscope.broker.sessions import describe_sessions
from logonscope.errors import LogonscopeError
from logonscope.facts import FILE_OF_FACT, Process
from logonscope.machine import Facts, LogonIndex, ProcessQuery, ServiceQuery, SocketQuery
from logonscope.machine.trouble import NO_ANSWER_WITHIN, NOT_KEPT, NOT_TRIED

_BATCH = 4
"""The LogonType of jobs of cron and at."""

_MAX_LISTED = 10
_MAX_EXAMPLES = 2
_OF_ALL_USERS = {"live events", "failed logons"}
"""Checks of the source that count what all users do: only callers who may see everything get them."""

_LOGIN_SERVICES = frozenset({"systemd-logind", "elogind-daemon", "elogind"})
"""Kernel names of login services."""

_EXPECTED_REASONS = {"No such file or directory", NOT_YOUR_SESSION, NOT_YOUR_PROCESS, NOT_KEPT}
"""Reasons for missing facts of a process that are no fault of the host."""


def doctor(request: Request) -> list[Check]:
    """Return the checks of the host, most of them made by one full reading of its processes and logins."""
    facts = request.ownership.description_facts | {"comm", "uids", "cmdline", "exe", "fds"}
    read_result = request.read(ProcessQuery(facts), read_order="processes first")
    pairs = list(read_result.pairs)
    # a trouble is a note of the request's Look that something could not be read
    request.accounts.get(request.caller.uid or 0)  # adds a trouble if the name service does not answer
    processes = [process for process, _ in pairs]
    # adds a trouble if the log of authentications cannot be read
    sessions = [session for session, _ in describe_sessions(request, pairs, frozenset({"authentication"}))]
    _collect_troubles(request)
    # sees_all decides access. request.sees_whole_host depends also on the source, and changes only findings and advice.
    sees_all = request.visibility.may_see_everything
    login_service = _login_service(processes)
    return [
        _check_rights(request.caller),
        *request.ownership.checks(request.machine),
        *(check for check in request.source.checks(request.look) if sees_all or check.subject not in _OF_ALL_USERS),
        *_check_history(request),
        *(check for checks in request.source.service_checks if sees_all for check in checks()),
        _check_listing(request, processes),
        *_check_facts(request, processes, facts | request.ownership.owner_facts),
        *_check_logins(request, read_result.logon_index, sessions, login_service),
        *_check_unrecorded(sessions, login_service),
        *_check_troubles(request),
    ]


def _collect_troubles(request: Request) -> None:
    """Make queries whose rows no check needs: what these queries cannot read becomes a trouble.

    Queries whose cost has no small limit are left out: those for all accounts and groups, and for the sockets of other
    network namespaces.
    """
    source, look = request.source, request.look
    # no port can match: the files are read, but their lines are not parsed
    sockets = source.sockets(look, SocketQuery(ports=frozenset()))
    services = source.services(look, ServiceQuery())
    for rows in (services, source.login_history(look), source.unit_requests(look), sockets):
        deque(rows, maxlen=0)


def _check_troubles(request: Request) -> Iterator[Check]:
    for trouble in request.look.troubles:
        # no check: nothing can be done about facts that a history does not keep
        if trouble.reason != NOT_KEPT:
            yield Check(trouble.subject, False, trouble.reason, trouble.advice)


def _check_history(request: Request) -> Iterator[Check]:
    if request.source.history is None:
        return
    # only callers who see everything get the checks of the history, because these count what all users do
    if not request.visibility.may_see_everything:
        yield Check("history", True, "kept", "")
        return
    try:
        yield from request.source.history.checks()
    except LogonscopeError as error:
        yield Check("history", False, error.message, error.hint)


def _check_rights(caller: Caller) -> Check:
    if caller.administrator:
        return Check("rights", True, f"{caller.name} may see every logon session", "")
    return Check("rights", None, f"{caller.name} may see only its own logon sessions", "run it as root to see all")


def _check_listing(request: Request, processes: Sequence[Process]) -> Check:
    hiding_reason, reads_all = request.source.hiding_reason(), request.sees_whole_host
    if hiding_reason is not None:
        return Check(
            "/proc", False, f"processes of other users cannot be seen: {hiding_reason}",
            "run it as root with CAP_SYS_PTRACE, or in the group of the mount option gid=",
        )  # fmt: skip
    if reads_all and not any(process.pid == 1 for process in processes):
        return Check(
            "/proc", False, "process 1 is not visible: mount option hidepid, or a /proc of another pid namespace",
            "run it as root outside the container, or in the group of the mount option gid=",
        )  # fmt: skip
    if reads_all:
        return Check("/proc", True, f"{len(processes)} processes", "")
    # every user may see how many processes there are
    count = sum(1 for _ in request.read_masked(ProcessQuery(frozenset({"start"}))))
    return Check("/proc", True, f"{count} processes, of which you may see {len(processes)}", "")


def _check_facts(request: Request, processes: Sequence[Process], facts: Facts) -> Iterator[Check]:
    checked_facts = _one_fact_a_file(facts)
    unreadable_pids: dict[tuple[str, str], list[int]] = {}
    for process in processes:
        for fact, reason in (process.unread or {}).items():
            # Expected reasons are left out: kernel threads and zombies have no executable, access rules hide facts that
            # could be read, and a history does not keep all facts.
            if fact in checked_facts and reason not in _EXPECTED_REASONS:
                unreadable_pids.setdefault((fact, reason), []).append(process.pid)
    for (fact, reason), pids in sorted(unreadable_pids.items()):
        examples = ", ".join(map(str, pids[:_MAX_EXAMPLES])) + (", ..." if len(pids) > _MAX_EXAMPLES else "")
        # only callers who see everything may learn which processes of other users cannot be read
        pid_list = f" (pid {examples})" if request.visibility.may_see_everything else ""
        yield Check(
            f"fact {fact}", None, f"not readable for {len(pids)} of {len(processes)} processes{pid_list}: {reason}",
            _reading_advice(reason, request),
        )  # fmt: skip


def _reading_advice(reason: str, request: Request) -> str:
    """Return the advice for a fact that cannot be read for this reason."""
    # more rights do not help against a read that hangs
    if reason.startswith((NO_ANSWER_WITHIN, NOT_TRIED)):
        return "the processes wait for something, often a dead FUSE or NFS mount; see /proc/PID/wchan"
    if not request.sees_whole_host:
        return "run it as root"
    if request.caller.uid == 0:
        return "a security module (SELinux, AppArmor) denies it, or the container or service lacks CAP_SYS_PTRACE"
    return "a security module (SELinux, AppArmor) denies it, or logonscope lacks CAP_SYS_PTRACE: run it as root"


def _one_fact_a_file(facts: Facts) -> frozenset[str]:
    """Return one fact of each file: all facts of a file can be read, or none."""
    # Of several facts of one file, the dict keeps the last one: in reversed order, the first field of Process.
    in_order = sorted(facts, key=Process._fields.index, reverse=True)
    return frozenset({FILE_OF_FACT[fact]: fact for fact in in_order}.values())


def _check_logins(
    request: Request, logon_index: LogonIndex, sessions: Sequence[LogonSession], login_service: str | None
) -> Iterator[Check]:
    recorded = {logon_id: login for logon_id, login in logon_index.logins.items() if login.recorded}
    logins = {logon_id: login for logon_id, login in recorded.items() if request.visibility.sees_login(login)}
    if logins:
        yield Check("login service", True, f"{len(logins)} login records", "")
    elif not request.sees_whole_host:
        yield Check(
            "login service", None, "no login that you may see has a record", "run it as root to check the others"
        )
    elif all(session.logon_type == 0 for session in sessions):
        yield Check(
            "login service", None, "there is no login now: whether logins get a record cannot be checked",
            "repeat the check while a user is logged in",
        )  # fmt: skip
    else:
        yield Check(
            "login service", None,
            "no login has a record: remote host and service are unknown,"
            " and leftovers are found only of ssh, cron, at and console logins",
            _record_advice(login_service),
        )  # fmt: skip
    # a daemon started from inside a login inherits the login's kernel id, and passes it on to the logins that it starts
    for kernel_id, sharers in sorted(logon_index.shared_kernel_ids.items()):
        sharer_ids = sorted(login.id for logon_id, login in logins.items() if logon_id in sharers)
        if sharer_ids:
            yield Check(
                f"{request.ownership.kernel_id_noun} {kernel_id}", None,
                f"shared by logins that do not own it: {_list_ids(sharer_ids)}",
                "a login daemon was restarted from inside a login: restart it with `systemctl restart`",
            )  # fmt: skip
    ids_with_process = {session.logon_id for session in sessions}
    if leaked := sorted(login.id for logon_id, login in logins.items() if logon_id not in ids_with_process):
        yield Check(
            "login records", None, f"{len(leaked)} without a process: {_list_ids(leaked)}",
            "the login service did not remove them: run `loginctl terminate-session ID`",
        )  # fmt: skip


def _login_service(processes: Sequence[Process]) -> str | None:
    """Return the name of the login service that runs; None where no login service runs, or where it cannot be seen."""
    # the name alone proves nothing: any user can give it to a process
    runs_as_root = (process for process in processes if process.uids and process.uids[1] == 0)
    return next((process.comm for process in runs_as_root if process.comm in _LOGIN_SERVICES), None)


def _pam_module(service: str | None) -> str:
    return "pam_systemd" if service in {None, "systemd-logind"} else "pam_elogind"


def _record_advice(service: str | None) -> str:
    """Return the advice for a host on which no login has a record."""
    if service is None:
        return "to get them, run systemd-logind or elogind, and pam_systemd or pam_elogind in the PAM stack"
    module = _pam_module(service)
    return (
        f"{service} runs: it has dropped its records of these logins, or their PAM stack lacks {module};"
        f" with {module} in the PAM stack, the next login gets a record"
    )


def _check_unrecorded(sessions: Sequence[LogonSession], service: str | None) -> Iterator[Check]:
    unrecorded = [session for session in sessions if session.recorded_by is None and session.logon_type != 0]
    if unrecorded:
        names = [f"{session.logon_id} ({_describe_user(session)})" for session in unrecorded]
        logon_ids = [session.logon_id for session in unrecorded if session.logon_type != _BATCH]
        finding = f"{len(names)} without a login record: {_list_ids(names)}"
        if not logon_ids:
            yield Check("logon sessions", True, f"{finding}, as is usual for jobs of cron and at", "")
            return
        module = _pam_module(service)
        advice = (
            f"with {module} in the PAM stack, logins such as {_list_ids(logon_ids)} get one: it shows where they came"
            " from, and what is left over"
        )
        if service is not None:
            advice = f"{service} has dropped the record, or the PAM stack lacks {module}; {advice}"
        # elogind keeps no record of a login whose processes are left over
        if module == "pam_elogind":
            advice += "; elogind removes it when the login ends, although processes are left over"
        yield Check("logon sessions", None, finding, advice)


def _describe_user(session: LogonSession) -> str:
    """Return the user of a logon session, and the service if it is known."""
    user = session.user or ("user not known" if session.uid is None else f"uid {session.uid}")
    return f"{user}, {session.service}" if session.service else user


def _list_ids(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MAX_LISTED]) + (", ..." if len(ids) > _MAX_LISTED else "")
