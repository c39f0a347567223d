"""Message encryption: bodies of multipart/encrypted as WinRM has them (MS-WSMV 2.2.9.1).

Two parts: what the content was and how long, and its bytes: a length, the signature of that length, the sealed rest.
The encryption itself is that of the security context.
"""

import re
from typing import NamedTuple, Protocol

from logonscope.errors import InvalidParameterError

BOUNDARY = "Encrypted Boundary"
SPNEGO, KERBEROS = "application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted"
SOAP = "application/soap+xml;charset=UTF-8"
LONGEST_SIGNATURE = 1024

_MULTIPART = re.compile(
    r'multipart/encrypted\s*;\s*protocol="(application/HTTP-(?:SPNEGO|Kerberos)-session-encrypted)"\s*;\s*'
    r'boundary="([^"]{1,70})"',
    re.IGNORECASE,
)
_CONTENT = re.compile(rb"OriginalContent:\s*type=([^\r\n]{1,200});\s*Length=(\d{1,12})", re.IGNORECASE)
_OCTETS = b"application/octet-stream\r\n"
_FORM = "send multipart/encrypted as MS-WSMV 2.2.9.1 has it"


class Sealed(NamedTuple):
    """The signature, the sealed bytes, how long they are once they are open, and the protocol of the sealing."""

    signature: bytes
    data: bytes
    length: int
    protocol: str = SPNEGO


class SecurityContext(Protocol):
    """The end of a negotiation that encrypts for the other end, and decrypts what comes from there."""

    def unseal(self, signature: bytes, sealed: bytes, length: int) -> bytes:
        """Return what is in a sealed message.

        Raises:
            AccessDeniedError: it was not sealed by the other end.
        """

    def seal(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Return a signature, the sealed data, and their length once they are open."""


def unseal(context: SecurityContext, content_type: str, body: bytes) -> bytes:
    """Return the content of a body of this form.

    Raises:
        InvalidParameterError: it has another form.
        AccessDeniedError: it was not sealed by the other end.
    """
    message = read(content_type, body)
    return context.unseal(message.signature, message.data, message.length)


def seal(context: SecurityContext, content_type: str, data: bytes) -> tuple[str, bytes]:
    """Return the content type and the body of an answer to a body of this type."""
    multipart = _MULTIPART.match(content_type.strip())
    return write(Sealed(*context.seal(data), SPNEGO if multipart is None else multipart[1]))


def is_sealed(content_type: str) -> bool:
    """Tell whether a body has this form."""
    return content_type.strip().lower().startswith("multipart/encrypted")


def read(content_type: str, body: bytes) -> Sealed:
    """Take a body apart.

    Raises:
        InvalidParameterError: it has another form.
    """
    multipart = _MULTIPART.match(content_type.strip())
    content = _CONTENT.search(body[:1000])
    if multipart is None or content is None:
        raise InvalidParameterError("the sealed message has no form that is known", _FORM)
    protocol, boundary = multipart.groups()
    start, end = body.find(_OCTETS), body.rfind(f"--{boundary}--".encode())
    octets = body[start + len(_OCTETS) : end]
    length = int.from_bytes(octets[:4], "little")
    if start < 0 or end < start or len(octets) < 4 + length or length > LONGEST_SIGNATURE:
        raise InvalidParameterError("the sealed message is cut short", _FORM)
    return Sealed(octets[4 : 4 + length], octets[4 + length :], int(content[2]), protocol)


def write(sealed: Sealed) -> tuple[str, bytes]:
    """Return the content type and the body."""
    head = (
        f"--{BOUNDARY}\r\n\tContent-Type: {sealed.protocol}\r\n"
        f"\tOriginalContent: type={SOAP};Length={sealed.length}\r\n"
        f"--{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
    )
    octets = len(sealed.signature).to_bytes(4, "little") + sealed.signature + sealed.data
    content_type = f'multipart/encrypted;protocol="{sealed.protocol}";boundary="{BOUNDARY}"'
    return content_type, head.encode() + octets + f"--{BOUNDARY}--\r\n".encode()
