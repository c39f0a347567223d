"""Parser of the targets of ``whose``: pid, port, path, unix socket, name or account. It reads nothing of the host."""

import re
from typing import Literal, NamedTuple

from logonscope.errors import InvalidParameterError

Kind = Literal["pid", "port", "path", "unix", "name", "account", "word"]

TARGET_FORMS = "give a pid, a process name, :PORT, ADDRESS:PORT, /PATH of a program or a unix socket, or an account"

PREFIXES: dict[str, Kind] = {"name": "name", "user": "account"}
"""Prefixes that say whether a word is a process name or an account."""

UNIX_PREFIX = "unix:"
"""Prefix of a unix socket. It is optional: "@NAME" is always a unix socket, and a path can name one."""

MAX_PORT = 65_535

MAX_DIGITS_SHOWN = 20
"""Maximum number of digits of an invalid pid that a message shows."""

MAX_PID_DIGITS = 10
"""Maximum number of digits of a pid; the kernel's largest pid has 7."""

_SOCKET = re.compile(r"(\*|[0-9.]+|\[[^\]]*\])?:([0-9]+|[A-Za-z][\w.+-]*)")
_PROTOCOL_AND_PORT = re.compile("(?:tcp|udp|udplite|sctp|raw)[46]?:(.*)", re.IGNORECASE)
# Only one of the character classes has a colon: with two of them, to match a text of 65,536 colons would take minutes.
_BARE_IPV6 = re.compile("[0-9a-fA-F]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*")


class WhoseTarget(NamedTuple):
    """A parsed target: a pid, a process name, a port, a unix socket, an account, a path, or a word.

    A path is that of an executable or of a unix socket; a word is a process name or an account.

    Attributes:
        text: the pid, name, path, abstract name with its "@", account or word; for a port the whole target.
        address: local address of the socket; None: any.
    """

    kind: Kind
    text: str
    port: int = 0
    address: str | None = None


def parse_target(text: str) -> WhoseTarget:
    """Parse a target, in which a service name has been replaced by its port number (client/service_names.py).

    Raises:
        InvalidParameterError: the target is invalid.
    """
    if not text.strip():
        raise InvalidParameterError("invalid target: it is empty", TARGET_FORMS)
    if re.fullmatch("[0-9]+", text):
        if len(text) > MAX_PID_DIGITS:
            digits = text if len(text) <= MAX_DIGITS_SHOWN else f"{text[:MAX_DIGITS_SHOWN]}..."
            raise InvalidParameterError(f"invalid pid '{digits}': at most {MAX_PID_DIGITS} digits", TARGET_FORMS)
        return WhoseTarget("pid", text)
    if text.startswith("/"):
        return WhoseTarget("path", text)
    if text.startswith(("@", UNIX_PREFIX)):
        return _parse_unix(text)
    prefix, colon, rest = text.partition(":")
    if colon and rest and prefix in PREFIXES:
        return WhoseTarget(PREFIXES[prefix], rest)
    if _SOCKET.fullmatch(text):
        return _parse_socket(text)
    if match := _PROTOCOL_AND_PORT.fullmatch(text):
        raise InvalidParameterError(
            f"invalid target {text!r}: expected a port without a protocol",
            f"give :{match[1]}; the answer names the protocol",
        )
    if _BARE_IPV6.fullmatch(text):
        raise InvalidParameterError(f"invalid address {text!r}", "write IPv6 addresses in brackets, as in [::1]:8080")
    # a text such as ":" or ":0x50" is an invalid port: _parse_socket() raises the error
    return _parse_socket(text) if text.startswith(":") else WhoseTarget("word", text)


def service_name(text: str) -> str | None:
    """Return the service name in ":ssh" or "127.0.0.1:ssh"; None if a target has none."""
    match = _SOCKET.fullmatch(text)
    return None if match is None or match[2][0].isdecimal() else match[2]


def _parse_unix(text: str) -> WhoseTarget:
    name = text.removeprefix(UNIX_PREFIX)
    if not name.startswith(("/", "@")) or len(name) == 1 or "\0" in name:
        raise InvalidParameterError(
            f"invalid unix socket {text!r}",
            "give its absolute path, such as unix:/run/app.sock, or an abstract name, such as @app",
        )
    return WhoseTarget("unix", name)


def _parse_socket(text: str) -> WhoseTarget:
    match = _SOCKET.fullmatch(text)
    port = match[2] if match else ""
    if not port.isdecimal() or len(port) > 5 or not 0 < int(port) <= MAX_PORT:
        raise InvalidParameterError(
            f"invalid port {text!r}",
            "give :PORT with a number from 1 to 65535, such as :8080, or a service, such as :ssh",
        )
    address = match[1] if match else None
    return WhoseTarget("port", text, int(port), None if address in {None, "*"} else _parse_address(address or ""))


def _parse_address(text: str) -> str:
    """Return an address in the form that the addresses of sockets have."""
    import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

    try:
        return str(ipaddress.ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        raise InvalidParameterError(f"invalid address {text!r}", "write it as 127.0.0.1:8080 or [::1]:8080") from None
