"""On which sockets do clients arrive? On those that systemd passes (sd_listen_fds(3)), else on those of the settings.

A service that systemd made the sockets for has them at descriptor 3 and up. The one of that port, or that is named so
(FileDescriptorName=https), speaks TLS.
"""

import contextlib
import errno
import ipaddress
import logging
import os
import socket
import stat
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.server.configuration import Listener
from logonscope.wire.wsman.names import PORTS

BACKLOG = 1024
"""Connections that wait to be accepted; one that finds no place comes again a second later, then two, then four."""

FIRST = 3
"""SD_LISTEN_FDS_START."""

_ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A socket that listens, and what was asked for; ``ours``: we made it, so we remove its path."""

    listener: Listener
    socket: socket.socket
    ours: bool


def sockets(listeners: Sequence[Listener]) -> list[Opened]:
    """Return the sockets that systemd passed; where it passed none, open these.

    Raises:
        AccessDeniedError: we have no right to one.
        InvalidParameterError: one is taken, or is none.
    """
    return passed() or opened(listeners)


def opened(listeners: Sequence[Listener]) -> list[Opened]:
    """Open a socket for each; the loopback address of a family that this machine lacks is left out.

    Raises:
        AccessDeniedError, InvalidParameterError: as ``sockets``.
    """
    done: list[Opened] = []
    try:
        for listener in listeners:
            try:
                done.append(Opened(listener, _unix(listener) if listener.path else _tcp(listener), ours=True))
            except OSError as error:
                if not _is_left_out(listener, error, listeners):
                    raise _refusal(listener, error) from None
                _log.info("%s is left out: this machine has no such address", listener)
    except BaseException:
        close(done)
        raise
    return done


def tried(listeners: Sequence[Listener], made: Sequence[str] = ()) -> list[str]:
    """Bind each for a moment, and never listen; return what is to be known of some: taken, or left out.

    Args:
        listeners: as in ``opened``.
        made: folders for unix sockets that somebody makes in time.

    Raises:
        AccessDeniedError, InvalidParameterError: as ``sockets``; not where one is taken, perhaps by this very server.
    """
    said = []
    for listener in listeners:
        try:
            _try(listener, made)
        except OSError as error:
            if error.errno != errno.EADDRINUSE and not _is_left_out(listener, error, listeners):
                raise _refusal(listener, error) from None
            said.append(
                f"{listener} is {'taken now' if error.errno == errno.EADDRINUSE else 'left out: no address here'}"
            )
    return said


def _try(listener: Listener, made: Sequence[str]) -> None:
    if not listener.path:
        _bound(listener).close()
        return
    folder = os.path.dirname(listener.path)
    if folder in made and not os.path.exists(folder):
        return
    os.stat(folder)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise PermissionError


def _is_left_out(listener: Listener, error: OSError, listeners: Sequence[Listener]) -> bool:
    return listener.loopback and error.errno in _ABSENT and len(listeners) > 1


def passed() -> list[Opened]:
    """Return the sockets that systemd passed to this process, once.

    Raises:
        InvalidParameterError: one of them does not listen for connections.
    """
    told = {name: os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    if told["LISTEN_PID"] != str(os.getpid()) or not told["LISTEN_FDS"].isdecimal():
        return []
    count = int(told["LISTEN_FDS"])
    names = [*told["LISTEN_FDNAMES"].split(":"), *[""] * count]
    return [_passed(FIRST + number, names[number]) for number in range(count)]


def close(done: Iterable[Opened]) -> None:
    """Take no more connections; what waits to be accepted on a socket of systemd's waits for whoever comes next."""
    for one in done:
        if one.ours and one.listener.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(one.listener.path)
        one.socket.close()


def _passed(descriptor: int, name: str) -> Opened:
    os.set_inheritable(descriptor, False)
    try:
        there = socket.socket(fileno=descriptor)
        listens = there.type == socket.SOCK_STREAM and there.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = 0
    if not listens:
        raise InvalidParameterError(
            f"descriptor {descriptor} ({name or 'unnamed'}) from systemd does not listen for connections",
            "use ListenStream= and Accept=no in the .socket unit",
        )
    return Opened(_listener(there, name), _prompt(there), ours=False)


def _listener(there: socket.socket, name: str) -> Listener:
    address = there.getsockname()
    if there.family == socket.AF_UNIX:
        path = os.fsdecode(address)
        return Listener("unix", "", 0, path, tls=False, loopback=True)
    host, port = address[:2]
    scheme = name if name in PORTS else "https" if port == PORTS["https"] else "http"
    return Listener(scheme, host, port, "", scheme == "https", ipaddress.ip_address(host).is_loopback)


def _prompt(there: socket.socket) -> socket.socket:
    """Let connections of this socket not wait for a client's delayed acknowledgement (tcp(7), TCP_NODELAY).

    asyncio sets it too, but only on sockets whose protocol number is written out; an accepted one inherits it.
    """
    if there.family in {socket.AF_INET, socket.AF_INET6}:
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return there


def _tcp(listener: Listener) -> socket.socket:
    made = _bound(listener)
    try:
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return _prompt(made)


def _bound(listener: Listener) -> socket.socket:
    where = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = where[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past connections that still linger
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # so that [::] and 0.0.0.0 go together
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _unix(listener: Listener) -> socket.socket:
    """Open the socket for everybody: who a client is, its credentials tell (unix(7), SO_PEERCRED)."""
    _remove_stale(listener.path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o111)  # the mode is right from the start: chmod would follow whatever is there by then
    try:
        made.bind(listener.path)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


def _remove_stale(path: str) -> None:
    """Remove a socket that nobody listens on any more; anything else stays, and binding fails."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        if client.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)


def _refusal(listener: Listener, error: OSError) -> AccessDeniedError | InvalidParameterError:
    if isinstance(error, PermissionError):
        what = "directory" if listener.path else "port"
        return AccessDeniedError(f"cannot listen on {listener}: no right", f"use sudo, or another {what}: --listen")
    if error.errno == errno.EADDRINUSE:
        by_whom = f"`ls -l {listener.path}`, `ss -xlp`" if listener.path else f"`logonscope whose :{listener.port}`"
        return InvalidParameterError(f"cannot listen on {listener}: it is taken", f"see by whom: {by_whom}")
    why = error.strerror or str(error)
    return InvalidParameterError(f"cannot listen on {listener}: {why}", "listen elsewhere: --listen")
