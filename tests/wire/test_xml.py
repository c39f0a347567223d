"""Tests of wire/xml.py: every text is escaped for every parser, and hostile messages are cheap to reject."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.errors import InvalidParameterError
from logonscope.wire.xml import CHUNK_OCTETS, REPLACEMENT, escape, parse, text_of, utf_8_octets, utf_16_octets

texts = st.text(st.characters(), max_size=30) | st.text(
    "&<>\"'\r\n\t\x00\x1f\ud800\ufffe\uffffé\U0001f600", max_size=10
)


def sayable(text: str) -> str:
    """Return a text as XML can say it, by the production of Char (XML 1.0, 2.2)."""
    return "".join(
        character
        if character in "\t\n\r"
        or " " <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
        else REPLACEMENT
        for character in text
    )


@given(texts)
def test_any_text_comes_back_as_far_as_xml_can_say_it(text: str) -> None:
    data = f'<t a="{escape(text)}">{escape(text)}</t>'.encode()
    root = etree.fromstring(data)
    assert (root.text or "") == sayable(text)
    assert parse(data)[0].text == root.text


@given(texts.map(sayable))
def test_a_text_is_as_long_as_it_will_be(text: str) -> None:
    assert utf_8_octets(text) == len(text.encode())
    assert utf_16_octets(text) == len(text.encode("utf-16")) - 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    root, found = parse("<t>\u2603</t>".encode(encoding))
    assert root.text == "\u2603"
    assert found == encoding[:6].rstrip("-")


BOMB = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 9))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not well-formed XML"),
        (b"not XML", "not well-formed XML"),
        (b"<a><b></a>", "not well-formed XML"),
        (b"<a>\xff</a>", "not well-formed XML"),
        (b"\xff\xfe<\x00a", "not well-formed XML"),
        (b'<a xmlns="u"><b xmlns:c="%b"/></a>' % (b"u" * 2000), "a namespace has 2,000 characters"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>', "document types are not supported"),
        (f'<!DOCTYPE a [<!ENTITY l0 "lol">{BOMB}]><a b="&l8;">&l8;</a>'.encode(), "document types are not supported"),
        (
            f'<!DOCTYPE a [<!ENTITY l0 "lol">{BOMB}]><a b="&l8;">&l8;</a>'.encode("utf-16"),
            "document types are not supported",
        ),
        (b'<!doctype a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "document types are not supported"),
        (b"<a>&e;</a>", "not well-formed XML"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        parse(data)


def test_depth_costs_no_more_than_length() -> None:
    root, _ = parse(b"<a>" * 50_000 + b"x" + b"</a>" * 50_000)
    assert text_of(root) == "x"


@pytest.mark.parametrize("begin", range(4))
def test_a_long_message_is_read_whole_although_in_parts(begin: int) -> None:
    text = "x" * begin + "\u20ac" * CHUNK_OCTETS
    assert text_of(parse(f"<a>{text}</a>".encode())[0]) == text


def test_no_name_is_kept_for_ever() -> None:
    def kibibytes() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4

    def document(number: int) -> bytes:
        names = [f"n{number}-{at}-{'x' * 500}" for at in range(100)]
        return "".join(["<a>", *(f"<{name} {name}=''/>" for name in names), "</a>"]).encode()

    parse(document(0))
    before = kibibytes()
    for number in range(1, 500):
        parse(document(number))
    assert kibibytes() - before < 4096  # 25,000 KiB of names were read


def test_a_declared_encoding_is_ignored() -> None:
    root, _ = parse(b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-b/+AD4-</a>')
    assert text_of(root) == "+ADw-b/+AD4-"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_tree_or_a_refusal(data: bytes) -> None:
    with suppress(InvalidParameterError):
        root, _ = parse(b"<a>" + data + b"</a>")
        assert root.tag == "a"
