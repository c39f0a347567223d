"""Tests of wire/json/text.py: strict requests, and lines of a limited length."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope import AnswerTooLargeError, InvalidParameterError
from logonscope.wire.json.text import MAX_DEPTH, parse_object, write_line

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50), lambda inner: st.lists(inner, max_size=5)
)
OBJECTS = st.dictionaries(st.text(max_size=10), VALUES, max_size=5)


@given(OBJECTS)
def test_an_object_is_read_as_json_has_it(value: dict[str, Any]) -> None:
    try:
        assert parse_object(json.dumps(value).encode()) == value
    except InvalidParameterError:
        assert json.dumps(value).count("[") >= MAX_DEPTH


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_an_error(data: bytes) -> None:
    try:
        assert isinstance(parse_object(data), dict)
    except InvalidParameterError:
        pass


def test_the_depth_is_limited_and_brackets_in_texts_do_not_count() -> None:
    assert parse_object(json.dumps({"x": "[" * 1000 + '\\"[' * 50}).encode())["x"].startswith("[[")
    with pytest.raises(InvalidParameterError, match="nested deeper than 16 levels"):
        parse_object(b'{"x":' + b"[" * 1_000_000)
    with pytest.raises(InvalidParameterError):
        parse_object(b'{"x": ' + b"9" * 10_000 + b"}")


@pytest.mark.parametrize("data", [b'{"' + b'\\"' * 250_000, b'{"' + b'\\"' * 250_000 + b"\\", b'"[\\"' * 100_000])
def test_a_text_without_an_end_is_refused_quickly(data: bytes, promptly: None) -> None:
    with pytest.raises(InvalidParameterError):
        parse_object(data)
    assert promptly is None


@given(OBJECTS, st.integers(8192, 16_384))
def test_a_line_is_ascii_and_fits(value: dict[str, Any], octets: int) -> None:
    value = {f"_{name}": part for name, part in value.items()}
    line = write_line({**value, "_long": "\u2603\x9b" * 3000, "_list": list(range(5000)), "_id": "x" * 40}, octets)
    assert len(line) <= octets
    assert line.isascii()
    found = json.loads(line)
    assert found["truncated"] is True
    assert "\u2603\x9b".startswith(found["_long"][:2])
    assert found["_id"] == "x" * 40


def test_a_line_that_fits_is_whole_and_one_that_never_fits_is_an_error() -> None:
    assert write_line({"x": "a" * 100}, 112) == b'{"x":"%s"}\n' % (b"a" * 100)
    with pytest.raises(AnswerTooLargeError):
        write_line({f"name{number}": number for number in range(1000)}, 1024)
