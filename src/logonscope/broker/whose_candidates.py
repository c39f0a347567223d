"""The processes that a target of ``whose`` may mean: by name, by executable, by account."""

from logonscope.broker.request import Request
from logonscope.errors import Hint, HintCode, InvalidParameterError, NotFoundError
from logonscope.facts import Process
from logonscope.machine import AccountQuery, Owner, ProcessQuery

DELETED = " (deleted)"
"""Suffix that the kernel adds to the path of a removed executable (proc(5), /proc/PID/exe)."""

Match = tuple[int, int | None]
"""A pid, and the start that distinguishes the process from a later one with that pid."""


def find_by_name(request: Request, name: str) -> list[Match]:
    """Find processes by name; those of other users by the kernel's name only, since their arguments are masked."""
    processes = request.read_masked(ProcessQuery(frozenset({"name", "comm", "start"}), names=frozenset({name})))
    return sorted((process.pid, process.start) for process in processes if name in {process.name, process.comm})


def find_by_executable(request: Request, path: str) -> list[Match]:
    """Find the processes whose executable is the file at this path, or was, until it was removed or replaced."""
    processes = request.read_masked(ProcessQuery(frozenset({"exe", "start"})))
    return sorted((process.pid, process.start) for process in processes if process.exe in {path, path + DELETED})


def find_by_account(request: Request, name: str) -> list[Match]:
    """Find the processes of an account: those in its logon sessions, and those that run as it."""
    account = _AccountFilter(request, name, account_uids(request, name))
    pairs = request.read(ProcessQuery(frozenset({"uids", "start"}) | request.ownership.access_facts)).pairs
    return sorted((process.pid, process.start) for process, owner in pairs if account.keeps(process, owner))


def find_by_word(request: Request, word: str) -> list[Match]:
    """Find the processes of this name, or those of the account of this name.

    Raises:
        InvalidParameterError: the word names both, and their processes differ.
        NotFoundError: it names no process, and no account with a process that the caller may see.
    """
    by_name = find_by_name(request, word)
    # The search for the processes of an account reads the owner of every process. It is left out if there are processes
    # of this name, and no account.
    if by_name and not account_uids(request, word):
        return by_name
    by_account = find_by_account(request, word)
    if by_name and by_account and by_name != by_account:
        raise InvalidParameterError(
            f"{word!r} is ambiguous: it names {len(by_name)} processes, and an account with {len(by_account)}",
            f"use name:{word} or user:{word}",
        )
    if not by_name and not by_account:
        raise _no_process_of_word(request, word)
    return by_name or by_account


def no_process_of_account_error(request: Request, name: str) -> NotFoundError:
    """Return the error for an account without a process that the caller may see."""
    if request.visibility.may_see_everything:
        return NotFoundError(f"no process belongs to an account {name!r}", Hint(HintCode.LIST_PROCESSES))
    reason = f"none of the processes that you may see belongs to an account {name!r}"
    return NotFoundError(reason, Hint(HintCode.SEE_OTHERS))


def _no_process_of_word(request: Request, word: str) -> NotFoundError:
    """Return the error for a word that names neither a process nor an account with a process.

    Every user sees the names of all processes, but only some see which account a process belongs to.
    """
    also = "; use a pid, the exact name, :PORT, /PATH of a program, or an account"
    if request.visibility.may_see_everything:
        reason = f"no process is named {word!r}, and no process belongs to an account of that name"
        return NotFoundError(reason, Hint(HintCode.LIST_PROCESSES, also=also))
    reason = f"no process is named {word!r}, and none of those that you may see belongs to an account of that name"
    return NotFoundError(reason, Hint(HintCode.SEE_OTHERS, also=also))


def account_uids(request: Request, name: str) -> frozenset[int]:
    """Return the uids of the accounts with this name."""
    users, _ = request.source.accounts(request.look, AccountQuery(users=frozenset({name})))
    return frozenset(user.uid for user in users if user.name == name)


class _AccountFilter:
    """A filter that keeps the processes of an account: those in its logon sessions, and those that run as it."""

    def __init__(self, request: Request, name: str, uids: frozenset[int]) -> None:
        self._ownership, self._name, self._uids = request.ownership, name, uids
        self._foreign = request.foreign

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether a process belongs to the account."""
        uid = process.uids[1] if process.uids else None
        if uid in self._uids and not self._foreign.is_foreign_uid(process, owner, uid):
            return True
        if owner.logon_id is None:
            return False
        login_uid = self._ownership.login_uid(owner, (process,))
        if login_uid is not None and login_uid in self._uids:
            return not self._foreign.is_foreign_session(process, owner)
        # no account has the name any more, but the login record can still have it
        return not self._uids and owner.login is not None and owner.login.user == self._name
