"""The listening sockets: systemd passes them (sd_listen_fds(3)), or the server opens them on the listen addresses.

systemd passes its sockets as descriptors 3 and up. FileDescriptorName=https or http decides whether a TCP socket of
systemd uses TLS. Without one of these names, only a socket on port 5986 uses TLS. Unix sockets have no TLS.
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

from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.server.configuration import Listener
from logonscope.wire.wsman.names import PORTS

BACKLOG = 1024
"""Maximum number of connections that wait to be accepted. Further clients try again after 1, 2, 4 seconds."""

FIRST_DESCRIPTOR = 3
"""The first descriptor that systemd passes (SD_LISTEN_FDS_START)."""

_NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

_log = logging.getLogger(__name__)


class OpenSocket(NamedTuple):
    """A listening socket with its listen address.

    ``is_opened_here``: the server opened the socket, not systemd. At its end, the server removes the paths of the unix
    sockets that it opened.
    """

    listener: Listener
    socket: socket.socket
    is_opened_here: bool


def listen_sockets(listeners: Sequence[Listener]) -> list[OpenSocket]:
    """Return the sockets that systemd passed; if it passed none, open sockets on these addresses.

    Raises:
        AccessDeniedError: this process may not open one of the addresses.
        InvalidParameterError: an address is in use or cannot be used, or a descriptor of systemd is not a listening
            stream socket.
    """
    return sockets_from_systemd() or open_sockets(listeners)


def open_sockets(listeners: Sequence[Listener]) -> list[OpenSocket]:
    """Open a socket on each address, but skip loopback addresses that this host does not have.

    Raises:
        AccessDeniedError, InvalidParameterError: as ``listen_sockets``; also if all addresses would be skipped.
    """
    new_sockets: list[OpenSocket] = []
    skipped: list[LogonscopeError] = []
    try:
        for listener in listeners:
            try:
                listening_socket = _open_unix(listener) if listener.path else _open_tcp(listener)
            except OSError as error:
                if not _may_skip(listener, error):
                    raise _listen_error(listener, error) from None
                _log.info("skipping %s: this host has no such address", listener)
                skipped.append(_listen_error(listener, error))
            else:
                new_sockets.append(OpenSocket(listener, listening_socket, is_opened_here=True))
    except BaseException:
        close_sockets(new_sockets)
        raise
    _check_skipped(skipped, listeners)
    return new_sockets


def check_listeners(listeners: Sequence[Listener], future_folders: Sequence[str] = ()) -> list[str]:
    """Check that each address can be opened, without listening on it; return remarks on those in use or skipped.

    Args:
        listeners: the addresses.
        future_folders: directories of unix sockets that will be created before the server starts.

    Raises:
        AccessDeniedError, InvalidParameterError: as ``listen_sockets``; but a port or a socket file in use is no
            error, since this server itself may use it.
    """
    remarks: list[str] = []
    skipped: list[LogonscopeError] = []
    for listener in listeners:
        try:
            _check(listener, future_folders)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and (not listener.path or _is_socket(listener.path)):
                remarks.append(f"{listener}: address already in use, perhaps by this server")
            elif _may_skip(listener, error):
                remarks.append(f"{listener}: skipped, this host has no such address")
                skipped.append(_listen_error(listener, error))
            else:
                raise _listen_error(listener, error) from None
    _check_skipped(skipped, listeners)
    return remarks


def _check(listener: Listener, future_folders: Sequence[str]) -> None:
    """Bind a TCP address for a moment; check the path of a unix socket, and the permissions in its directory.

    Raises:
        OSError: the server could not listen there.
    """
    if not listener.path:
        _bind(listener).close()
        return
    folder = os.path.dirname(listener.path)
    if folder in future_folders and not os.path.exists(folder):
        return
    os.stat(folder)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if not _is_stale(listener.path) and os.path.lexists(listener.path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _may_skip(listener: Listener, error: OSError) -> bool:
    """Return whether this error only means that the host lacks a loopback address.

    The default addresses are 127.0.0.1 and [::1]; a host without IPv6 lacks the second.
    """
    return listener.loopback and error.errno in _NO_SUCH_ADDRESS


def _check_skipped(skipped: Sequence[LogonscopeError], listeners: Sequence[Listener]) -> None:
    """Raise the first of these errors if all addresses were skipped: the server would listen on none."""
    if skipped and len(skipped) == len(listeners):
        raise skipped[0]


def sockets_from_systemd() -> list[OpenSocket]:
    """Return the sockets that systemd passed to this process; a second call returns none.

    Raises:
        InvalidParameterError: a descriptor is not a listening stream socket.
    """
    # The variables are removed from the environment, so that child processes do not use them as their own.
    variables = {name: os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    if variables["LISTEN_PID"] != str(os.getpid()) or not variables["LISTEN_FDS"].isdecimal():
        return []
    count = int(variables["LISTEN_FDS"])
    names = [*variables["LISTEN_FDNAMES"].split(":"), *[""] * count]
    return [_take_descriptor(FIRST_DESCRIPTOR + number, names[number]) for number in range(count)]


def close_sockets(open_sockets: Iterable[OpenSocket]) -> None:
    """Close the sockets, and remove the paths of unix sockets that were opened here.

    Connections that wait on a socket of systemd stay there for the next server.
    """
    for open_socket in open_sockets:
        if open_socket.is_opened_here and open_socket.listener.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(open_socket.listener.path)
        open_socket.socket.close()


def _take_descriptor(descriptor: int, name: str) -> OpenSocket:
    """Return the socket of a descriptor from systemd.

    Raises:
        InvalidParameterError: it is not a listening stream socket.
    """
    os.set_inheritable(descriptor, False)
    try:
        passed_socket = socket.socket(fileno=descriptor)
        is_stream = passed_socket.type == socket.SOCK_STREAM
        is_listening = is_stream and passed_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        is_listening = 0
    if not is_listening:
        raise InvalidParameterError(
            f"cannot use descriptor {descriptor} ({name or 'unnamed'}) of systemd: it is not a listening stream socket",
            "use ListenStream= and Accept=no in the .socket unit",
        )
    return OpenSocket(_listener_of(passed_socket, name), _without_delay(passed_socket), is_opened_here=False)


def _listener_of(passed_socket: socket.socket, name: str) -> Listener:
    address = passed_socket.getsockname()
    if passed_socket.family == socket.AF_UNIX:
        path = os.fsdecode(address)
        return Listener("unix", "", 0, path, tls=False, loopback=True)
    host, port = address[:2]
    scheme = name if name in PORTS else "https" if port == PORTS["https"] else "http"
    return Listener(scheme, host, port, "", scheme == "https", ipaddress.ip_address(host).is_loopback)


def _without_delay(listening_socket: socket.socket) -> socket.socket:
    """Set TCP_NODELAY (tcp(7)), so that a response does not wait for the client's delayed acknowledgement.

    Return the same socket. Accepted connections inherit the option. asyncio sets it as well, but only if the socket has
    an explicit protocol number.
    """
    if listening_socket.family in {socket.AF_INET, socket.AF_INET6}:
        listening_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening_socket


def _open_tcp(listener: Listener) -> socket.socket:
    bound_socket = _bind(listener)
    try:
        bound_socket.listen(BACKLOG)
    except OSError:
        bound_socket.close()
        raise
    return _without_delay(bound_socket)


def _bind(listener: Listener) -> socket.socket:
    """Return a socket that is bound to a TCP address, and does not listen yet."""
    # getaddrinfo also parses the zone of an IPv6 address (fe80::1%eth0).
    addresses = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
    )
    family, socket_type, protocol, _, address = addresses[0]
    bound_socket = socket.socket(family, socket_type, protocol)
    try:
        # Old connections in TIME_WAIT must not prevent a restart.
        bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Without this option, [::] would also take the port of 0.0.0.0, and the two could not be used together.
            bound_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound_socket.bind(address)
    except OSError:
        bound_socket.close()
        raise
    return bound_socket


def _open_unix(listener: Listener) -> socket.socket:
    """Open a unix socket that every user may connect to; the kernel authenticates the users (unix(7), SO_PEERCRED)."""
    if _is_stale(listener.path):
        os.unlink(listener.path)
    # if another file is at the path, or a process listens on it, bind fails
    unix_socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # umask rather than chmod after bind: the path could be replaced by a symbolic link in between.
    old_umask = os.umask(0o111)
    try:
        unix_socket.bind(listener.path)
        unix_socket.listen(BACKLOG)
    except OSError:
        unix_socket.close()
        raise
    finally:
        os.umask(old_umask)
    return unix_socket


def _is_stale(path: str) -> bool:
    """Return whether a path is a socket file on which no process listens.

    Raises:
        OSError: the path is too long for a socket.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        if client.connect_ex(path) != errno.ECONNREFUSED:
            return False
    return _is_socket(path)  # a file of another type refuses connections, too


def _is_socket(path: str) -> bool:
    """Return whether a path is a socket file, not a symbolic link to one."""
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _listen_error(listener: Listener, error: OSError) -> AccessDeniedError | InvalidParameterError:
    """Return the error of a socket that could not be opened, with a hint."""
    reason = f"cannot listen on {listener}: {error.strerror or error}"
    if isinstance(error, PermissionError):
        resource = "directory" if listener.path else "port"
        return AccessDeniedError(reason, f"use sudo, or another {resource}: --listen")
    if error.errno == errno.EADDRINUSE:
        commands = f"`ls -l {listener.path}`, `ss -xlp`" if listener.path else f"`logonscope whose :{listener.port}`"
        return InvalidParameterError(reason, f"see what uses it: {commands}")
    folder = os.path.dirname(listener.path)
    if listener.path and error.errno == errno.ENOENT:
        reason = f"cannot listen on {listener}: the directory {folder} does not exist"
        return InvalidParameterError(reason, "create it, or give another address: --listen")
    return InvalidParameterError(reason, "give another address: --listen")
