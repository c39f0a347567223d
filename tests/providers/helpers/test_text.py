"""Tests of providers/helpers/text.py: XML can carry every text, whatever a process calls itself."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.logon_session import LogonSession
from logonscope.providers.helpers.text import MAX_COMMAND_LINE_LENGTH, clean, clean_session, command_line

ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
"""XML 1.0, 2.2, Char."""

any_text = st.text(st.characters(exclude_categories=[]))


@given(any_text)
def test_no_character_that_xml_forbids_is_left_and_all_others_are(text: str) -> None:
    cleaned = clean(text)
    assert cleaned is not None
    assert ALLOWED.fullmatch(cleaned)
    assert len(cleaned) == len(text)
    assert all(after == before or (after, ALLOWED.fullmatch(before)) == ("\ufffd", None)
               for before, after in zip(text, cleaned, strict=True))  # fmt: skip


def test_nothing_stays_nothing() -> None:
    assert (clean(None), command_line(None), command_line(b"")) == (None, None, None)
    assert clean("") == ""


@given(st.binary(max_size=300))
def test_any_arguments_make_a_command_line_that_an_xml_reader_reads(cmdline: bytes) -> None:
    line = command_line(cmdline)
    if line is not None:
        escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        assert ET.fromstring(f"<a>{escaped}</a>".encode()).text in {line, None}


@pytest.mark.parametrize(
    ("cmdline", "line"),
    [
        (b"ls\0-l\0", "ls -l"),
        (b"ls\0\0-l\0", "ls  -l"),
        (b"ls -l\0", "ls -l"),
        (b"ls\0-l", "ls -l"),
        (b"ls\0\0\0", "ls"),
        (b"\0", ""),
        ("café\0漢\0".encode(), "café 漢"),
        (b"caf\xe9\0x\0", "caf\ufffd x"),
        (b"a\x1b[2J\0b\n\0", "a\ufffd[2J b\n"),
        (b"\xed\xa0\x80\0", "\ufffd\ufffd\ufffd"),
    ],
)
def test_arguments_are_joined_by_single_spaces(cmdline: bytes, line: str) -> None:
    assert command_line(cmdline) == line


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀"])
def test_a_command_line_is_cut_at_32767_characters_of_any_width(character: str) -> None:
    for length in (32_766, 32_767, 32_768, 200_000):
        assert command_line(character.encode() * length) == character * min(length, MAX_COMMAND_LINE_LENGTH)
    assert MAX_COMMAND_LINE_LENGTH == 32_767


@given(any_text)
def test_every_text_of_a_logon_session_is_cleaned(text: str) -> None:
    hostile = LogonSession("41", user=text, remote_host=text, remote_user=text, tty=text, service=text, scope=text,
                           seat=text, login=text, login_class=text, leader=5)  # fmt: skip
    session = clean_session(hostile)
    assert session == hostile._replace(**dict.fromkeys(
        ("user", "remote_host", "remote_user", "tty", "service", "scope", "seat", "login", "login_class"), clean(text)
    ))  # fmt: skip
