"""The whose operation: finds the login that a process comes from.

If the logon session of a pid has a record (the System session counts as recorded), only the process, its parents and
the processes below the leader are read, whatever the size of the host. Without a record, or for the detail "usage", all
processes of the logon session are read. To find these, one small file of every process on the host is read.
"""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.answers.session_process import SessionOf
from logonscope.answers.whose import OuterLogin, Whose
from logonscope.broker.access import Visibility
from logonscope.broker.logon_of_process import describe, logon_of, read_masked_parents
from logonscope.broker.request import ProcessWithOwner, Request
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.broker.session_selector import MAX_DIGITS
from logonscope.errors import AccessDeniedError, Hint, HintCode, LogonscopeError, NotFoundError
from logonscope.facts import Process, Socket
from logonscope.machine import Facts, Owner
from logonscope.providers.helpers.text import clean

if TYPE_CHECKING:
    from logonscope.answers.whose_target import WhoseTarget


class Candidate(NamedTuple):
    """A process that a target may mean. ``start`` excludes a later process with the same pid; None: it is not known."""

    pid: int
    start: int | None = None
    sockets: tuple[Socket, ...] = ()


def whose(request: Request, target: str, details: Details = NO_DETAILS, *, all_namespaces: bool = False) -> list[Whose]:
    """Return the login of each process that a target means.

    If the record of a login has no remote address, the address is read from the socket of its leader, even if
    ``details`` does not name "origin".

    Args:
        request: the caller and the source.
        target: a pid, a name, a port, an executable, a unix socket or an account.
        details: what else is read of the logon sessions.
        all_namespaces: look for a port or a unix socket in every network namespace, not only in that of the process
            that reads.

    Raises:
        NotFoundError: there is no such process, or no process holds that socket.
        AccessDeniedError: the caller is not authenticated, or may not see the logon session of the process, or may not
            know whether the process exists; or the open files of the processes that may hold a socket cannot be read.
        InvalidParameterError: the target is invalid, or means different processes as a name and as an account.
        NotSupportedError: the target is a socket, and no sockets can be read on this host.
    """
    answers: list[Whose] = []
    failure: LogonscopeError | None = None
    for candidate in _find_candidates(request, target, all_namespaces=all_namespaces):
        try:
            answers.append(_build_answer(request, target, candidate, details))
        except (AccessDeniedError, NotFoundError) as error:
            # if several candidates fail, a denied access says more than a process that ended in the meantime
            failure = error if failure is None or isinstance(error, AccessDeniedError) else failure
    if not answers and failure:
        raise failure
    return answers


def session_of(request: Request, pid: int) -> SessionOf:
    """Return the logon session of a process and the evidence for it.

    Raises:
        NotFoundError: there is no such process.
        AccessDeniedError: the caller is not authenticated, or may not see the logon session of the process, or may not
            know whether the process exists.
    """
    described = _describe_candidate(request, Candidate(pid), NO_DETAILS)
    return SessionOf(described.session, described.owner.evidence)


class DescribedProcess(NamedTuple):
    """A process that the caller may see, and its logon session.

    Attributes:
        process: the process, not masked: what an answer shows of it must be masked first.
        owner: the logon session that it belongs to.
        session: the description of that logon session.
        chain: the parents of the process and itself, masked, each with its owner.
        is_own: the caller sees the process only because it runs as the caller: it is in the System session, which is
            hidden from the caller.
        facts: the facts that a row needs, and those that determine and describe the logon session.
        outer_logins: the logon sessions that the login began in, if the caller may see them.
    """

    process: Process
    owner: Owner
    session: LogonSession
    chain: list[ProcessWithOwner]
    is_own: bool
    facts: Facts
    outer_logins: tuple[OuterLogin, ...] = ()


def _describe_candidate(request: Request, candidate: Candidate, details: Details) -> DescribedProcess:
    """Read the process of a candidate, and describe its logon session.

    Raises:
        NotFoundError, AccessDeniedError: as ``session_of``.
    """
    visibility = request.visibility
    facts = row_facts(request) | request.ownership.owner_facts | request.ownership.description_facts
    process = _read_process(request, facts | {"tgid"}, candidate)
    logon_index = request.index_for(process)
    owner = logon_index.owner(process)
    if owner.logon_id is None:
        _raise_if_processes_hidden(request, process.pid)
        raise _unreadable_owner_error(process, visibility)
    is_own, outer_logins = False, tuple[OuterLogin, ...]()
    if visibility.sees_session(process, owner):
        session, unmasked_chain, outer_parents = logon_of(
            request, process, owner, logon_index, facts - {"cmdline", "exe"}, details=details, read_missing_origin=True
        )
        chain = [(visibility.masked(link, facts, link_owner), link_owner) for link, link_owner in unmasked_chain]
        outer_logins = tuple(filter(None, [_describe_outer_login(request, parent) for parent in outer_parents]))
    elif is_own := visibility.owns_in_system_session(process, owner):
        session = describe(request, owner, [process], members_are_complete=False)
        chain = [*read_masked_parents(request, process, logon_index, facts - {"cmdline", "exe"})]
        chain.append((visibility.masked(process, facts, owner), owner))
    else:
        raise _hidden_session_error(process.pid, runs_as_caller=visibility.runs_as_caller(process, owner, wholly=True))
    return DescribedProcess(process, owner, session, chain, is_own, facts, outer_logins)


def _describe_outer_login(request: Request, parent: Process) -> OuterLogin | None:
    """Return the logon session of a process that started a login; None if it is unknown or hidden from the caller."""
    # a new index is made: the index for the started login can lack the records that decide the owner of this parent
    owner = request.index_for(parent).owner(parent)
    if owner.logon_id is None or not request.visibility.sees_session(parent, owner):
        return None
    uid = request.ownership.login_uid(owner, (parent,))
    is_foreign = request.foreign.is_foreign_session(parent, owner)
    user = None if is_foreign else request.accounts.login_name(uid, owner.login)
    return OuterLogin(owner.logon_id, clean(user), uid, parent.pid, clean(parent.comm))


def _build_answer(request: Request, target: str, candidate: Candidate, details: Details = NO_DETAILS) -> Whose:
    process, owner, session, chain, is_own, facts, outer_logins = _describe_candidate(request, candidate, details)
    service, service_start, read_command = None, None, None
    if owner.logon_id == request.ownership.system_owner.logon_id:
        from logonscope.broker.services import find_service, read_service_command  # noqa: PLC0415 -- only for the System session

        service, service_start = find_service(request, process)
        read_command = partial(read_service_command, request, process)
    return Whose(
        target=target,
        pid=process.pid,
        logon_id=session.logon_id,
        evidence=owner.evidence,
        session=session,
        process=process_row(request, request.visibility.masked(process, facts, owner), owner),
        chain=tuple(process_row(request, link, link_owner) for link, link_owner in chain),
        sockets=candidate.sockets,
        # from the masked chain: the answer must contain nothing that the caller may not see
        unseen_logins=request.ownership.unseen_logins(
            owner, [link for link, _ in chain], request.machine, read_command
        ),
        is_own=is_own,
        service=service,
        service_start=service_start,
        outer_logins=outer_logins,
    )


def _hidden_session_error(pid: int, *, runs_as_caller: bool) -> AccessDeniedError:
    """Return the error for a process whose logon session is hidden: the same for the System session and for others."""
    relation = "runs as you, but is" if runs_as_caller else "is"
    return AccessDeniedError(f"process {pid} {relation} not in one of your logon sessions", Hint(HintCode.SEE_OTHERS))


def _unreadable_owner_error(process: Process, visibility: Visibility) -> AccessDeniedError:
    """Return the error for a process whose logon session cannot be read, for example if a security module denies it.

    Callers that do not see everything get no reason: the reason would distinguish processes of other users.
    """
    if not visibility.may_see_everything:
        return _hidden_session_error(process.pid, runs_as_caller=False)
    reason = ", ".join(sorted(set((process.unread or {"": "hidden"}).values())))
    return AccessDeniedError(f"cannot read process {process.pid}: {reason}", Hint(HintCode.CHECK_ACCESS))


def _read_process(request: Request, facts: Facts, candidate: Candidate) -> Process:
    """Read the process of a candidate; for the id of a thread, the process that the thread belongs to."""
    pid = candidate.pid
    process = request.read_process(pid, facts)
    if process is not None and process.tgid is not None and process.tgid != pid:
        process = request.read_process(process.tgid, facts)
    # a name or port was resolved to a pid before; a later process may have the pid now
    if process is None or (candidate.start is not None and process.start != candidate.start):
        _raise_if_processes_hidden(request, pid)
        raise NotFoundError(f"no process {pid}", Hint(HintCode.FIND_PROCESS, {"pid": str(pid)}))
    return process


def _raise_if_processes_hidden(request: Request, pid: int) -> None:
    """Raise an error if /proc hides processes of other users from the reading process: ``pid`` may be one of them.

    Raises:
        AccessDeniedError: processes are hidden.
    """
    reason = request.source.hiding_reason()
    if reason is not None:
        hint = Hint(HintCode.RUN_AS_ROOT, also=", or join the group of the mount option gid=")
        raise AccessDeniedError(f"process {pid} cannot be seen: {reason}", hint)


def _find_candidates(request: Request, target: str, *, all_namespaces: bool) -> list[Candidate]:
    if target.isascii() and target.isdecimal() and len(target) <= MAX_DIGITS:
        return [Candidate(int(target))]
    from logonscope.answers.whose_target import parse_target  # noqa: PLC0415 -- most targets are pids
    from logonscope.broker import whose_candidates  # noqa: PLC0415 -- most targets are pids

    parsed_target = parse_target(target)
    if parsed_target.kind in {"port", "unix"}:
        return _find_holders(request, parsed_target, all_namespaces=all_namespaces)
    if parsed_target.kind == "path":
        # most paths are those of programs, and a search for a program costs less than a search for a socket's holders
        matches = whose_candidates.find_by_executable(request, parsed_target.text)
        if not matches:
            return _find_holders(request, parsed_target, all_namespaces=all_namespaces)
    elif parsed_target.kind == "word":
        matches = whose_candidates.find_by_word(request, parsed_target.text)
    elif parsed_target.kind == "name":
        matches = whose_candidates.find_by_name(request, parsed_target.text)
    else:
        matches = whose_candidates.find_by_account(request, parsed_target.text)
    if not matches:
        # for a word, find_by_word has raised the error itself
        if parsed_target.kind == "name":  # every user sees the names of all processes
            raise NotFoundError(f"no process is named {parsed_target.text!r}", Hint(HintCode.LIST_PROCESSES))
        raise whose_candidates.no_process_of_account_error(request, parsed_target.text)
    return [Candidate(pid, start) for pid, start in matches]


def _find_holders(request: Request, target: "WhoseTarget", *, all_namespaces: bool) -> list[Candidate]:
    from logonscope.broker.socket_holders import find_holders  # noqa: PLC0415 -- most targets are pids

    return [Candidate(*holder) for holder in find_holders(request, target, all_namespaces=all_namespaces)]
