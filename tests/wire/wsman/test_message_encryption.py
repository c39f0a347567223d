"""Tests of wire/wsman/message_encryption.py: encrypted messages decode as they were encoded, for all bytes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import InvalidParameterError
from logonscope.wire.wsman.message_encryption import (
    BOUNDARY,
    KERBEROS,
    SPNEGO,
    EncryptedMessage,
    decrypt,
    encrypt,
    is_encrypted,
    parse_message,
    write_message,
)

messages = st.builds(
    EncryptedMessage,
    st.binary(min_size=1, max_size=40),
    st.binary(max_size=200) | st.just(f"--{BOUNDARY}\r\n--{BOUNDARY}--\r\n".encode()),
    st.integers(0, 1 << 30),
    st.sampled_from((SPNEGO, KERBEROS)),
)


@given(messages)
def test_what_is_written_is_read(message: EncryptedMessage) -> None:
    content_type, body = write_message(message)
    assert is_encrypted(content_type)
    assert parse_message(content_type, body) == message


def test_a_message_lies_as_the_standard_has_it() -> None:
    content_type, body = write_message(EncryptedMessage(b"SIGN", b"DATA", 3))
    assert (
        content_type
        == 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
    )
    assert body == (
        b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=3\r\n"
        b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
        b"\x04\x00\x00\x00SIGNDATA--Encrypted Boundary--\r\n"
    )


class Reversing:
    """A security context that turns data round."""

    def decrypt(self, signature: bytes, sealed: bytes, length: int) -> bytes:
        """See ``SecurityContext``."""
        assert (signature, length) == (b"SIGN", len(sealed))
        return sealed[::-1]

    def encrypt(self, data: bytes) -> tuple[bytes, bytes, int]:
        """See ``SecurityContext``."""
        return b"SIGN", data[::-1], len(data)


@pytest.mark.parametrize("protocol", [SPNEGO, KERBEROS])
def test_a_context_opens_what_comes_and_seals_what_goes_in_the_protocol_that_came(protocol: str) -> None:
    content_type, body = write_message(EncryptedMessage(b"SIGN", b"DATA", 4, protocol))
    assert decrypt(Reversing(), content_type, body) == b"ATAD"
    assert encrypt(Reversing(), content_type, b"ATAD") == (content_type, body)


def test_a_message_that_is_not_decrypted_says_why() -> None:
    content_type, body = write_message(EncryptedMessage(bytes(1024), b"DATA", 4))
    assert parse_message(content_type, body).data == b"DATA"
    for changed in (body[:-4], body[:300], body.replace(b"application/octet-stream", b"text/plain")):
        with pytest.raises(InvalidParameterError, match="it is incomplete"):
            parse_message(content_type, changed)
    content_type, body = write_message(EncryptedMessage(bytes(1025), b"DATA", 4))
    with pytest.raises(InvalidParameterError, match="its signature is longer than 1024 bytes"):
        parse_message(content_type, body)


@given(messages, st.data())
def test_what_is_cut_or_changed_is_a_message_or_a_refusal(message: EncryptedMessage, data: st.DataObject) -> None:
    content_type, body = write_message(message)
    at = data.draw(st.integers(0, len(body)))
    changed = body[:at] + data.draw(st.binary(max_size=3)) + body[data.draw(st.integers(at, len(body))) :]
    with suppress(InvalidParameterError):
        assert len(parse_message(content_type, changed).data) <= len(changed)


@pytest.mark.parametrize(
    "content_type", ["", "text/xml", 'multipart/encrypted;protocol="x";boundary="y"', "multipart/encrypted"]
)
def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(InvalidParameterError):
        parse_message(content_type, write_message(EncryptedMessage(b"S", b"D", 1))[1])
