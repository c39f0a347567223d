"""Authentications: what sshd logged about the authentication of a login."""

from typing import NamedTuple


class Authentication(NamedTuple):
    """A line "Accepted METHOD for USER from ADDRESS port PORT ssh2", from a log. Texts are as sshd wrote them."""

    pid: int  # of the process that logged it
    earliest: int  # when it was logged, in clock ticks since the boot: not before this
    latest: int  # and not after this; they differ where its clock does not count suspended time
    method: str  # publickey, password, keyboard-interactive/pam, gssapi-with-mic, hostbased, ...
    user: str  # the account that logged in
    address: str  # of the client
    port: int
    key_type: str | None = None  # ED25519, RSA-CERT, ...
    fingerprint: str | None = None  # of the key: SHA256:...
    certificate_id: str | None = None
    certificate_serial: int | None = None
    authority: str | None = None  # fingerprint of the key that signed the certificate
    source: str = ""  # the log
    is_trusted: bool = False  # the log guarantees which process wrote the line
    number: int = 0  # of the line, in the order of the log; the ways to read an ambiguous line share it
