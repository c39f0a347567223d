"""Tests of wire/wsman/row_cutter.py: every row fits into an envelope, and lists the values that were cut."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.wire.wsman.render_items import ItemRenderer
from logonscope.wire.wsman.requests import OBJECT, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import ROW_OCTETS, RowCutter
from logonscope.wire.xml import escape, parse, utf_8_octets, utf_16_octets

WIN32 = schema().get("Win32_Process")
OURS = schema().get("LS_Process", schema().namespace("root/logonscope"))
WHERE = Resource("root/cimv2", "Win32_Process")
COLUMNS = ("Handle", "Name", "CommandLine", "ExecutablePath")
HOSTILE = st.sampled_from('&<"\r\x01x\u20ac\U0001f600\ud800')


def written(cls: Any, values: dict[str, Any], measure: Any = utf_8_octets, mode: str = OBJECT) -> str:
    """Return a row as the item that a client gets."""
    columns = tuple(values)
    result = ClassRows(cls, columns, iter(()))
    writer = ItemRenderer(WHERE, mode)
    row = tuple(values.values())
    text = writer.renderer(result)(row)
    return text if measure(text) <= ROW_OCTETS else writer.render_shortened(result, row, measure)


def texts(item: str, name: str) -> list[str]:
    """Return the texts of a property."""
    root, _ = parse(f'<x xmlns:w="w" xmlns:a="a">{item}</x>'.encode())
    return [part.text or "" for part in root.iter() if part.tag.endswith(f"}}{name}")]


@pytest.mark.parametrize("measure", [utf_8_octets, utf_16_octets])
@pytest.mark.parametrize("character", ["&", '"', "\r", "x", "\u20ac", "\U0001f600", "\x01", "\ud800"])
@pytest.mark.parametrize("mode", [OBJECT, OBJECT_AND_EPR])
def test_a_row_of_long_texts_fits(measure: Any, character: str, mode: str) -> None:
    values = dict.fromkeys(COLUMNS, character * 33_000) | {"Handle": "1"}
    item = written(WIN32, values, measure, mode)
    assert measure(item) <= ROW_OCTETS
    sent = "\n" if character == "\r" else "\ufffd" if character in "\x01\ud800" else character
    for name in ("Name", "CommandLine", "ExecutablePath"):
        (text,) = texts(item, name)
        assert set(text) <= {sent, "\r"}
        assert measure(escape(text)) > ROW_OCTETS // 6


def test_what_fits_is_whole() -> None:
    values = {"Handle": "1", "CommandLine": "&" * 19_000}
    assert texts(written(WIN32, values), "CommandLine") == ["&" * 19_000]
    values = {"Handle": "1", "CommandLine": "&" * 33_000, "Name": "x & y"}
    item = written(WIN32, values)
    assert texts(item, "Name") == ["x & y"]
    assert 14_000 < len(texts(item, "CommandLine")[0]) < 15_000


@pytest.mark.parametrize(
    "arguments", [("",) * 131_072, ("&" * 131_072,), ("a", "\u20ac" * 50_000, "b"), ("x" * 500,) * 262]
)
def test_arrays_are_cut_and_the_row_says_so(arguments: tuple[str, ...]) -> None:
    cmdline = "\0".join(arguments).encode()[:131_072]
    values: dict[str, Any] = {
        "Handle": "1", "Arguments": arguments, "CommandLineBytes": cmdline, "Unread": ("exe: access denied",),
    }  # fmt: skip
    began = time.perf_counter()
    item = written(OURS, values)
    assert time.perf_counter() - began < 1
    assert utf_8_octets(item) <= ROW_OCTETS
    assert texts(item, "Unread") == [
        "exe: access denied", "Arguments: cut at 40,500 bytes", "CommandLineBytes: cut at 40,500 bytes",
    ]  # fmt: skip
    kept = texts(item, "Arguments")
    assert kept[:-1] == list(arguments[: len(kept) - 1])
    assert arguments[len(kept) - 1].startswith(kept[-1])
    assert sum(len(escape(text)) for text in kept) + 27 * len(kept) > 30_000 or "\u20ac" in kept[-1]
    numbers = bytes(int(text) for text in texts(item, "CommandLineBytes"))
    assert cmdline.startswith(numbers)
    assert len(numbers) > 500


def test_keys_are_never_cut() -> None:
    cutter = RowCutter(WIN32, COLUMNS)
    assert cutter.cut(("1" * 500, "x" * 500, "y" * 500, None), 100, utf_8_octets) == (
        "1" * 500,
        "x" * 100,
        "y" * 100,
        None,
    )


@given(st.text(HOSTILE, max_size=300), st.integers(0, 300), st.sampled_from([utf_8_octets, utf_16_octets]))
def test_a_text_is_cut_as_late_as_can_be(text: str, most: int, measure: Any) -> None:
    (_, short, _, _) = RowCutter(WIN32, COLUMNS).cut(("1", text, None, None), most, measure)
    assert isinstance(short, str)
    assert text.startswith(short)
    assert measure(escape(short)) <= most
    assert short == text or measure(escape(text[: len(short) + 1])) > most
