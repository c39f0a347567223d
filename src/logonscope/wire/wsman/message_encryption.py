"""Message encryption: bodies of the type multipart/encrypted, as WinRM uses them (MS-WSMV 2.2.9.1).

A body has two parts. The first has the type and the length of the decrypted content; the second has the length of the
signature, the signature and the encrypted data. This module writes and parses the parts; the security context encrypts
and decrypts.
"""

import re
from typing import NamedTuple, Protocol

from logonscope.errors import InvalidParameterError

BOUNDARY = "Encrypted Boundary"
SPNEGO, KERBEROS = "application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted"
SOAP = "application/soap+xml;charset=UTF-8"
MAX_SIGNATURE_LENGTH = 1024
"""Maximum bytes of a signature."""

_MULTIPART = re.compile(
    r'multipart/encrypted\s*;\s*protocol="(application/HTTP-(?:SPNEGO|Kerberos)-session-encrypted)"\s*;\s*'
    r'boundary="([^"]{1,70})"',
    re.IGNORECASE,
)
_CONTENT = re.compile(rb"OriginalContent:\s*type=([^\r\n]{1,200});\s*Length=(\d{1,12})", re.IGNORECASE)
_DATA_HEADER = b"application/octet-stream\r\n"
_FORM = "send multipart/encrypted as in MS-WSMV 2.2.9.1"


class EncryptedMessage(NamedTuple):
    """An encrypted message: its signature, the encrypted data, the length of the decrypted data, and the protocol."""

    signature: bytes
    data: bytes
    length: int
    protocol: str = SPNEGO


class SecurityContext(Protocol):
    """This end of an authenticated connection, with the keys that it shares with the other end."""

    def decrypt(self, signature: bytes, sealed: bytes, length: int) -> bytes:
        """Decrypt a message of the other end.

        Raises:
            AccessDeniedError: the other end did not encrypt this message.
        """

    def encrypt(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Encrypt a message: return its signature, the encrypted data, and the length of the decrypted data."""


def decrypt(context: SecurityContext, content_type: str, body: bytes) -> bytes:
    """Decrypt a body.

    Raises:
        InvalidParameterError: as ``parse_message``.
        AccessDeniedError: the other end did not encrypt this body.
    """
    message = parse_message(content_type, body)
    return context.decrypt(message.signature, message.data, message.length)


def encrypt(context: SecurityContext, content_type: str, data: bytes) -> tuple[str, bytes]:
    """Encrypt a response; return its content type and body. ``content_type`` is that of the request."""
    multipart = _MULTIPART.match(content_type.strip())
    return write_message(EncryptedMessage(*context.encrypt(data), SPNEGO if multipart is None else multipart[1]))


def is_encrypted(content_type: str) -> bool:
    """Return whether a body of this content type is encrypted."""
    return content_type.strip().lower().startswith("multipart/encrypted")


def parse_message(content_type: str, body: bytes) -> EncryptedMessage:
    """Parse a body without decrypting it.

    Raises:
        InvalidParameterError: the body does not have the form of multipart/encrypted, is incomplete, or has a signature
            that is too long.
    """
    multipart = _MULTIPART.match(content_type.strip())
    content = _CONTENT.search(body[:1000])
    if multipart is None or content is None:
        raise InvalidParameterError("invalid encrypted message: unknown form", _FORM)
    protocol, boundary = multipart.groups()
    # The encrypted octets can contain the text of the boundary, so the end is searched from the end of the body.
    start, end = body.find(_DATA_HEADER), body.rfind(f"--{boundary}--".encode())
    if start < 0 or end < start:
        raise InvalidParameterError("invalid encrypted message: it is incomplete", _FORM)
    octets = body[start + len(_DATA_HEADER) : end]
    signature_length = int.from_bytes(octets[:4], "little")
    signature, data = octets[4 : 4 + signature_length], octets[4 + signature_length :]
    if signature_length > MAX_SIGNATURE_LENGTH:
        reason = f"invalid encrypted message: its signature is longer than {MAX_SIGNATURE_LENGTH} bytes"
        raise InvalidParameterError(reason, _FORM)
    if len(octets) < 4 + signature_length:
        raise InvalidParameterError("invalid encrypted message: it is incomplete", _FORM)
    return EncryptedMessage(signature, data, int(content[2]), protocol)


def write_message(message: EncryptedMessage) -> tuple[str, bytes]:
    """Return the content type and the body of an encrypted message."""
    head = (
        f"--{BOUNDARY}\r\n\tContent-Type: {message.protocol}\r\n"
        f"\tOriginalContent: type={SOAP};Length={message.length}\r\n"
        f"--{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
    )
    octets = len(message.signature).to_bytes(4, "little") + message.signature + message.data
    content_type = f'multipart/encrypted;protocol="{message.protocol}";boundary="{BOUNDARY}"'
    return content_type, head.encode() + octets + f"--{BOUNDARY}--\r\n".encode()
