"""The processes that a target of ``whose`` may mean: by name, by executable, by account."""

from logonscope.broker.request import Request
from logonscope.errors import Hint, HintCode, InvalidParameterError, NotFoundError
from logonscope.facts import Process, Socket
from logonscope.machine import AccountQuery, Owner, ProcessQuery

DELETED = " (deleted)"
"""What the kernel writes behind the path of an executable that is no longer there (proc(5), /proc/PID/exe)."""

ANYWHERE = {"0.0.0.0": (".",), "::": (".", ":")}  # noqa: S104 -- addresses that were read
"""The address of a socket that listens on every address, and what marks the addresses that it stands for."""


Found = tuple[int, int | None]
"""A pid and the start that tells the process from a later one with that pid."""


def named(request: Request, name: str) -> list[Found]:
    """Find processes by name; of somebody else's only by the name that the kernel keeps, which is everybody's."""
    processes = request.read_masked(ProcessQuery(frozenset({"name", "comm", "start"}), names=frozenset({name})))
    return sorted((one.pid, one.start) for one in processes if name in {one.name, one.comm})


def running(request: Request, path: str) -> list[Found]:
    """Find the processes whose executable is this file, or was it before it was replaced.

    Raises:
        NotFoundError: there is none that the caller may see.
    """
    processes = request.read_masked(ProcessQuery(frozenset({"exe", "start"})))
    found = [(one.pid, one.start) for one in processes if one.exe in {path, path + DELETED}]
    if not found:
        also = "; give the path that links lead to, as `readlink -f` prints it"
        raise NotFoundError(f"no process runs {path!r}", Hint(HintCode.LIST_PROCESSES, also=also))
    return sorted(found)


def of_account(request: Request, name: str) -> list[Found]:
    """Find the processes of an account: in the logon sessions of its logins, and whatever runs as it."""
    account = _AccountFilter(request, name, _uids(request, name))
    pairs = request.read(ProcessQuery(frozenset({"uids", "start"}) | request.ownership.deciding_access)).pairs
    return sorted((process.pid, process.start) for process, owner in pairs if account.keeps(process, owner))


def of_word(request: Request, word: str) -> list[Found]:
    """Find the processes of that name, else those of the account of that name.

    Raises:
        InvalidParameterError: there are both, and not the same.
        NotFoundError: there is neither.
    """
    by_name = named(request, word)
    if by_name and not _uids(request, word):
        return by_name  # no need to look at every process for an account that is none
    by_account = of_account(request, word)
    if by_name and by_account and by_name != by_account:
        raise InvalidParameterError(
            f"{word!r} is ambiguous: it is the name of {len(by_name)} processes, and an account with {len(by_account)}",
            f"give name:{word} or user:{word}",
        )
    if not by_name and not by_account:
        also = "; give a pid, the exact name, :PORT, /PATH of a program, or an account"
        raise NotFoundError(
            f"no process is named {word!r}, and no process belongs to an account of that name",
            Hint(HintCode.LIST_PROCESSES, also=also),
        )
    return by_name or by_account


def bound_to(sockets: list[Socket], address: str | None) -> list[Socket]:
    """Return the sockets at an address; where there is none, those that listen on every address."""
    if address is None:
        return sockets
    exact = [socket for socket in sockets if socket.address == address]
    return exact or [socket for socket in sockets if any(mark in address for mark in ANYWHERE.get(socket.address, ()))]


def _uids(request: Request, name: str) -> frozenset[int]:
    """Return the uids of the accounts of a name."""
    users, _ = request.source.accounts(request.look, AccountQuery(users=frozenset({name})))
    return frozenset(user.uid for user in users if user.name == name)


class _AccountFilter:
    """A filter on processes by an account: who logged in, or whom the process runs as."""

    def __init__(self, request: Request, name: str, uids: frozenset[int]) -> None:
        self._ownership, self._name, self._uids = request.ownership, name, uids

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether a process belongs to the account."""
        if process.uids and process.uids[1] in self._uids:
            return True
        if owner.logon is None:
            return False
        login_uid = self._ownership.login_uid(owner, (process,))
        if login_uid is not None and login_uid in self._uids:
            return True
        return not self._uids and owner.login is not None and owner.login.user == self._name
