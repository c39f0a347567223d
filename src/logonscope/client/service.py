"""The service of this machine: a Logonscope server on a unix socket, which reads the machine for local callers."""

from collections.abc import Callable
from functools import partial

from logonscope.client.host import Host
from logonscope.client.json_client import RESPONSE_SECONDS, JsonClient
from logonscope.client.json_host import JsonHost
from logonscope.client.unix_connection import UnixConnection
from logonscope.errors import LogonscopeError

PROBE_SECONDS = 2.0
"""Seconds to wait for the first response of the service."""


def connect_to_service(path: str, version: str, make_local_host: Callable[[], Host]) -> Host | None:
    """Return the service as a host; None if the service does not answer, rejects this user, or has another version.

    Args:
        path: the path of the socket.
        version: the version of this client, which the service must have too.
        make_local_host: returns a host that this process reads itself, for operations that need the rights of this
            process.
    """
    # A service that hangs must not hang every command: the first response has a short timeout, later ones a longer one.
    client = JsonClient(partial(UnixConnection, path), path, PROBE_SECONDS)
    host = JsonHost(client, make_local_host)
    try:
        is_same_version = host.identity.get("version") == version
    except LogonscopeError:
        is_same_version = False
    if not is_same_version:
        client.close()
        return None
    client.seconds = RESPONSE_SECONDS
    return host


def connect_to_socket(path: str, timeout: float | None, view_as: str | None = None) -> Host:
    """Return the server on a unix socket as a host; nothing is sent yet."""
    return JsonHost(JsonClient(partial(UnixConnection, path), path, timeout, view_as=view_as))
