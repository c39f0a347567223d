r"""Parser of sshd's line about a successful authentication: a pure function of its text.

OpenSSH writes the line in auth_log() of auth.c, and the end of the line in format_method_key() of auth2.c:

    Accepted METHOD[/SUBMETHOD] for USER from ADDRESS port PORT ssh2[: KEY]

KEY is "TYPE FINGERPRINT", or "TYPE-CERT FINGERPRINT ID id (serial N) CA TYPE FINGERPRINT", or other words. An account
name and the id of a certificate can contain any text, also " from 192.0.2.1 port 5 ssh2". Therefore a line can have
several readings: all are returned.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.sources.linux.parse import unescape

MAX_LINE_LENGTH = 4096
"""Maximum characters of a line; sshd cuts a message at 1,024 bytes (MSGBUFSIZ), but escapes make it longer."""

MAX_READINGS = 64
"""Maximum number of positions that are tried as the end of the account name."""

_BEGINNING = re.compile(r"Accepted ([a-z0-9-]{1,64}(?:/[\x21-\x7e]{1,64})?) for (?=\S)")
_ENDPOINT = re.compile(r" from ([0-9A-Za-z.:%_-]{1,200}) port ([0-9]{1,5}) ssh2(?=: |$)")
_FINGERPRINT = r"(SHA256:[0-9A-Za-z+/]{43}|MD5(?::[0-9a-f]{2}){16})"
_KEY = re.compile(rf"([A-Z][A-Z0-9-]{{1,31}}) {_FINGERPRINT}(?:$|[ ,](.*))")
_CERTIFICATE = re.compile(rf"ID (.*) \(serial ([0-9]{{1,20}})\) CA [A-Z][A-Z0-9-]{{1,31}} {_FINGERPRINT}(?:$|, .*)")
_KEY_METHODS = ("publickey", "hostbased")
_MAX_SERIAL = 1 << 64


class AcceptedLine(NamedTuple):
    """The parts of a line; sshd's escapes in the user and the certificate's id are undone."""

    method: str
    user: str
    address: str
    port: int
    key_type: str | None = None
    fingerprint: str | None = None
    certificate_id: str | None = None
    certificate_serial: int | None = None
    authority: str | None = None  # fingerprint of the key that signed the certificate


def parse_accepted(text: str) -> tuple[AcceptedLine, ...]:
    """Return the possible readings of a line, at most MAX_READINGS; empty if it is not a valid line of this kind."""
    beginning = _BEGINNING.match(text) if len(text) <= MAX_LINE_LENGTH else None
    if beginning is None or not text.isprintable():
        return ()
    return tuple(_readings(beginning[1], text[beginning.end() :]))


def _readings(method: str, rest: str) -> Iterator[AcceptedLine]:
    for number, endpoint in enumerate(_ENDPOINT.finditer(rest)):
        if number == MAX_READINGS:
            return
        # of several endpoints, the earlier ones may be in the account name, the later ones in the certificate's id
        port = int(endpoint[2])
        if endpoint.start() and port < 1 << 16:
            line = AcceptedLine(method, unescape(rest[: endpoint.start()]), endpoint[1], port)
            yield _with_key(line, rest[endpoint.end() + 2 :]) if method in _KEY_METHODS else line


def _with_key(line: AcceptedLine, text: str) -> AcceptedLine:
    """Return the line with its key; if a certificate is cut off, with its type and fingerprint only."""
    key = _KEY.match(text)
    if key is None:
        return line
    line = line._replace(key_type=key[1], fingerprint=key[2])
    # the id comes first and can contain anything, so the last "(serial N) CA" counts
    certificate = _CERTIFICATE.fullmatch(key[3] or "") if key[1].endswith("-CERT") else None
    if certificate is None or int(certificate[2]) >= _MAX_SERIAL:
        return line
    return line._replace(
        certificate_id=unescape(certificate[1]), certificate_serial=int(certificate[2]), authority=certificate[3]
    )
