"""The processes that hold a port or a unix socket, and the error that says why there is none."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.answers.whose_target import WhoseTarget
from logonscope.broker.request import Request
from logonscope.errors import AccessDeniedError, Hint, HintCode, LogonscopeError, NotFoundError, NotSupportedError
from logonscope.facts import UNIX, Socket
from logonscope.machine import SOCKETS, ProcessQuery, SocketQuery
from logonscope.providers.helpers.text import clean

ANYWHERE = {"0.0.0.0": (".",), "::": (".", ":")}  # noqa: S104 -- addresses that were read
"""By local address of a socket that listens on every address: the characters that show which families it covers.

An IPv4 address contains a dot, an IPv6 address a colon.
"""

HOLDER_FACTS = ("sockets", "thread_sockets")
"""The facts that have the inodes of sockets. The second is read only if the first lacks a requested socket."""

_RUN_FOLDERS = ("/run/", "/var/run/")
"""Two paths of one folder (hier(7)). The path of a socket begins with the one that its process used."""


class Holder(NamedTuple):
    """A process that holds some of the requested sockets."""

    pid: int
    start: int | None
    sockets: tuple[Socket, ...]


class Holders(NamedTuple):
    """The processes that hold some requested sockets, and the number of processes whose sockets could not be read."""

    holders: list[Holder]
    unread_count: int


def find_holders(request: Request, target: WhoseTarget, *, all_namespaces: bool) -> list[Holder]:
    """Find the processes that hold a port or a unix socket, without those whose details the caller may not see.

    Raises:
        NotFoundError: there are none, or none that the caller may see.
        AccessDeniedError: the open files of some processes cannot be read; or the caller is not authenticated.
        NotSupportedError: no sockets can be read on this host.
    """
    request.admit()
    sockets = _read_sockets(request, target, all_namespaces)
    sockets_by_inode = {socket.inode: socket for socket in sockets if socket.inode}
    holders, unread_count = _read_holders(request, sockets_by_inode) if sockets_by_inode else Holders([], 0)
    if not holders:
        raise _not_found_error(request, target, sockets_by_inode, unread_count, all_namespaces=all_namespaces)
    return sorted(holders)


def sockets_at_address(sockets: list[Socket], address: str | None) -> list[Socket]:
    """Return the sockets at an address (None: all sockets); if there are none, those that listen on every address."""
    if address is None:
        return sockets
    exact_sockets = [socket for socket in sockets if socket.address == address]
    if exact_sockets:
        return exact_sockets
    return [socket for socket in sockets if any(sign in address for sign in ANYWHERE.get(socket.address, ()))]


def _read_sockets(request: Request, target: WhoseTarget, all_namespaces: bool) -> Iterable[Socket]:  # noqa: FBT001 -- private
    if target.kind == "port":
        query = SocketQuery(ports=frozenset({target.port}), all_namespaces=all_namespaces)
        # a source may return more sockets than those of this port
        sockets = [socket for socket in request.source.sockets(request.look, query) if socket.port == target.port]
        return sockets_at_address(sockets, target.address)
    paths = _names_of_path(target.text)
    query = SocketQuery(family="unix", paths=paths, all_namespaces=all_namespaces)
    # The paths are not compared again: the source compares files, so a socket can have been bound by another path.
    unix_sockets = [socket for socket in request.source.sockets(request.look, query) if socket.protocol == UNIX]
    return [socket._replace(path=clean(socket.path)) for socket in unix_sockets]


def _names_of_path(path: str) -> frozenset[str]:
    """Return the paths by which a process may have bound a unix socket."""
    rest = next((path.removeprefix(folder) for folder in _RUN_FOLDERS if path.startswith(folder)), None)
    return frozenset({path}) if rest is None else frozenset(folder + rest for folder in _RUN_FOLDERS)


def _read_holders(request: Request, sockets_by_inode: Mapping[int, Socket]) -> Holders:
    sockets_by_process: dict[tuple[int, int | None], tuple[Socket, ...]] = {}
    missing_inodes, unread_count = set(sockets_by_inode), 0
    for fact in HOLDER_FACTS:
        if not missing_inodes:
            break
        fact_unread_count = 0  # the number of processes whose ``fact`` could not be read
        for process in request.read_masked(ProcessQuery(frozenset({fact, "comm", "start"}))):
            fact_unread_count += fact in (process.unread or ())
            inodes = process.sockets if fact == "sockets" else process.thread_sockets
            process_sockets = tuple(sockets_by_inode[inode] for inode in inodes or () if inode in sockets_by_inode)
            if process_sockets:
                key = process.pid, process.start
                # both facts of a process can have the same socket
                sockets_by_process[key] = tuple(dict.fromkeys((*sockets_by_process.get(key, ()), *process_sockets)))
                missing_inodes.difference_update(socket.inode for socket in process_sockets)
        unread_count = max(unread_count, fact_unread_count)
    return Holders([Holder(*key, sockets) for key, sockets in sockets_by_process.items()], unread_count)


def _not_found_error(
    request: Request,
    target: WhoseTarget,
    sockets_by_inode: Mapping[int, Socket],
    unread_count: int,
    *,
    all_namespaces: bool,
) -> LogonscopeError:
    """Return the error that says why no process was found."""
    socket_text = _describe_target(target)
    trouble = next((trouble for trouble in request.look.troubles if trouble.subject == SOCKETS), None)
    if not sockets_by_inode and trouble is not None:
        return NotSupportedError(f"sockets cannot be read here ({trouble.reason})", trouble.advice)
    if not request.visibility.may_see_everything:
        hint = Hint(HintCode.GET_RIGHTS, also=" to include other users' processes")
        if target.kind == "path":
            return NotFoundError(f"no process of yours runs {target.text!r}, or holds a unix socket of that path", hint)
        return NotFoundError(f"no process of yours holds {socket_text}", hint)
    if sockets_by_inode and unread_count:
        reason = f"cannot find the holder of {socket_text}: the open files of {unread_count} processes cannot be read"
        return AccessDeniedError(reason, Hint(HintCode.RUN_AS_ROOT, also="; root needs CAP_SYS_PTRACE"))
    if sockets_by_inode:
        return NotFoundError(
            f"no process holds {socket_text}: its socket is the kernel's, or just being passed on", "try again"
        )
    if target.kind == "path":
        also = "; give the path without symbolic links, as `readlink -f` prints it"
        return NotFoundError(
            f"no process runs {target.text!r}, or holds a unix socket of that path",
            Hint(HintCode.LIST_PROCESSES, also=also),
        )
    return _no_socket_error(request, target, socket_text, all_namespaces=all_namespaces)


def _no_socket_error(request: Request, target: WhoseTarget, socket_text: str, *, all_namespaces: bool) -> NotFoundError:
    """Return the error for a socket that does not exist where it was looked for."""
    message = f"no socket listens on {socket_text} or is connected through it"
    if target.kind == "unix":
        message = f"no unix socket is bound to {target.text!r}"
    other_count = _count_namespaces(request) - 1
    if all_namespaces:
        return NotFoundError(f"{message}, in any of {other_count + 1} network namespaces", "see `ss -tulpn`")
    if other_count > 0:
        namespaces = "1 other was" if other_count == 1 else f"{other_count} others were"
        message += f" in this network namespace; {namespaces} not looked at"
        return NotFoundError(message, Hint(HintCode.LOOK_INTO_NAMESPACES))
    return NotFoundError(message, "see `ss -xlp`" if target.kind == "unix" else "see `ss -tulpn`")


def _count_namespaces(request: Request) -> int:
    """Return the number of network namespaces of the processes that the caller may see; at least 1."""
    processes = request.read_masked(ProcessQuery(frozenset({"net_namespace"})))
    return max(1, len({process.net_namespace for process in processes} - {None}))


def _describe_target(target: WhoseTarget) -> str:
    if target.kind != "port":
        return f"the unix socket {target.text!r}"
    return f"port {target.port}" if target.address is None else f"port {target.port} of {target.address}"
