"""Authentications: what sshd logged about the authentication of a login."""

from typing import NamedTuple


class Authentication(NamedTuple):
    """A line "Accepted METHOD for USER from ADDRESS port PORT ssh2", from a log. Texts are as sshd wrote them.

    Attributes:
        pid: of the process that logged the line.
        earliest: the line was logged at this time or later, in clock ticks since the boot.
        latest: the line was logged at this time or before; it is later than ``earliest`` because the times in the
            log are whole seconds, or because the clock of the log does not count suspended time.
        method: publickey, password, keyboard-interactive/pam, gssapi-with-mic, hostbased, ...
        user: the account that logged in.
        address: of the client.
        key_type: ED25519, RSA-CERT, ...
        fingerprint: of the key: SHA256:...
        authority: fingerprint of the key that signed the certificate.
        source: the log.
        is_trusted: the log guarantees which process wrote the line.
        number: of the line, in the order of the log; if a line is ambiguous, each of its meanings has this number.
    """

    pid: int
    earliest: int
    latest: int
    method: str
    user: str
    address: str
    port: int
    key_type: str | None = None
    fingerprint: str | None = None
    certificate_id: str | None = None
    certificate_serial: int | None = None
    authority: str | None = None
    source: str = ""
    is_trusted: bool = False
    number: int = 0
