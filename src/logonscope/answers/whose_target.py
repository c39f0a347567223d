"""Targets of ``whose``: what a word means before anything is read."""

import re
from typing import Literal, NamedTuple

from logonscope.errors import InvalidParameterError

Kind = Literal["pid", "port", "executable", "name", "account", "word"]

FORMS = "give a pid, a process name, :PORT, ADDRESS:PORT, /PATH of a program, or an account"

PREFIXES: dict[str, Kind] = {"name": "name", "user": "account"}
"""What stands before a colon where a word could be both."""

LAST_PORT = 65_535
MOST_DIGITS = 10
"""Of a pid; the kernel's largest has 7."""

_SOCKET = re.compile(r"(\*|[0-9.]+|\[[^\]]*\])?:([0-9]+|[A-Za-z][\w.+-]*)")
_BARE_IPV6 = re.compile("[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")


class Target(NamedTuple):
    """What is asked about: a process by its pid, its name or its executable, a port, an account, or a word."""

    kind: Kind
    text: str  # the pid, name, path, account or word; of a port the target as it was given
    port: int = 0
    address: str | None = None  # of the socket's own side; None: any


def parse_target(text: str) -> Target:
    """Return what a target means.

    Raises:
        InvalidParameterError: it has no meaning.
    """
    if not text.strip():
        raise InvalidParameterError("invalid target: it is empty", FORMS)
    if re.fullmatch("[0-9]+", text):
        if len(text) > MOST_DIGITS:
            raise InvalidParameterError(f"{text[:20]}... is no pid", FORMS)
        return Target("pid", text)
    if text.startswith("/"):
        return Target("executable", text)
    prefix, colon, rest = text.partition(":")
    if colon and rest and prefix in PREFIXES:
        return Target(PREFIXES[prefix], rest)
    if _SOCKET.fullmatch(text):
        return _socket(text)
    if _BARE_IPV6.fullmatch(text):
        raise InvalidParameterError(f"invalid address {text!r}", "write IPv6 between brackets, as [::1]:8080")
    return _socket(text) if text.startswith(":") else Target("word", text)


def service_of(text: str) -> str | None:
    """Return the name of the service in ":ssh" and "127.0.0.1:ssh"; None where a target has none."""
    found = _SOCKET.fullmatch(text)
    return None if found is None or found[2][0].isdecimal() else found[2]


def _socket(text: str) -> Target:
    found = _SOCKET.fullmatch(text)
    port = found[2] if found else ""
    if not port.isdecimal() or len(port) > 5 or not 0 < int(port) <= LAST_PORT:
        raise InvalidParameterError(
            f"{text} is no port", "give :PORT with a number from 1 to 65535, as :8080, or a service, as :ssh"
        )
    address = found[1] if found else None
    return Target("port", text, int(port), None if address in {None, "*"} else _address(address or ""))


def _address(text: str) -> str:
    """Return an address as sockets have it."""
    import ipaddress  # noqa: PLC0415 -- seldom asked for, and slow to import

    try:
        return str(ipaddress.ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        raise InvalidParameterError(f"invalid address {text!r}", "give one as 127.0.0.1:8080 or [::1]:8080") from None
