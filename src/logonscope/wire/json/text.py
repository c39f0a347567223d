"""JSON text: strict parsing of objects with a limited depth, and lines of limited size.

A line is ASCII: every other character is an escape, so that text from processes cannot control a terminal.
"""

import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, NoReturn

from logonscope.errors import AnswerTooLargeError, InvalidParameterError

MAX_DEPTH = 16
"""Maximum depth of objects and arrays in a request."""

MIN_CUT_LENGTH = 256
"""Texts and arrays of at most this many bytes of JSON are not cut: an id that was cut would be another id."""

TRUNCATED = "truncated"
"""The name of the member which shows that long texts or arrays in the line were cut."""

# A text without its last quote is a token, too: otherwise the search would begin again at each of its escaped quotes.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object (RFC 8259); empty data is the empty object.

    Raises:
        InvalidParameterError: the data is not an object in UTF-8, is nested too deeply, has a half of a surrogate pair,
            or two members share a name.
    """
    if not data.strip():
        return {}
    _check_depth(data)
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique_members, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        reason = _reason(error)
        raise InvalidParameterError(f"invalid JSON: {reason}", 'send an object, such as {"target": "sshd"}') from None
    if not isinstance(value, dict):
        raise InvalidParameterError("invalid request: expected a JSON object", "send the arguments by name")
    # A half of a surrogate pair can be escaped in JSON, but is no character: it could not be written to a log.
    if b"\\u" in data and _has_surrogate(value):
        raise InvalidParameterError("invalid JSON: a half of a surrogate pair", "send whole characters")
    return value


def _reason(error: Exception) -> str:
    """Return why data is not JSON, without the names of Python's functions."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    text = str(error)
    return "a number has too many digits" if text.startswith("Exceeds the limit") else text


def _check_depth(data: bytes) -> None:
    # Checked before parsing: the parser would recurse for each level. A string is one token: its brackets are skipped.
    depth = 0
    for match in _TOKEN.finditer(data):
        token = match[0]
        depth += (token in b"[{") - (token in b"]}") if len(token) == 1 else 0
        if depth > MAX_DEPTH:
            raise InvalidParameterError(f"invalid JSON: nested deeper than {MAX_DEPTH} levels", "send a flat object")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # If a name occurs twice, parsers differ in which value they use: a proxy could check another value than this server
    # uses.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _has_surrogate(value: object) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, Mapping):
        return any(_has_surrogate(member) for pair in value.items() for member in pair)
    return isinstance(value, list) and any(map(_has_surrogate, value))


write_text: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
"""Return a value as JSON in ASCII, without spaces between its parts."""


def _write_null(_: None) -> str:
    return "null"


def _write_boolean(value: bool) -> str:  # noqa: FBT001 -- called with a value of a column
    return "true" if value else "false"


VALUE_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii, int: int.__repr__, type(None): _write_null, bool: _write_boolean,
}  # fmt: skip
"""Writers of the most frequent types; they take a tenth of the time of ``write_text``, which writes all other types."""


def write_line(value: Mapping[str, Any], octets: int) -> bytes:
    """Return an object as a line of at most ``octets`` bytes; long texts and arrays are cut until it fits.

    Raises:
        AnswerTooLargeError: the line does not fit although all long texts and arrays are cut as far as allowed.
    """
    text = write_text(value)
    if len(text) < octets:
        return f"{text}\n".encode("ascii")
    limit = octets
    # The limit of single values is halved until the whole line fits. Names and ids are shorter than every limit; a long
    # path of a file can be cut.
    while limit >= 2 * MIN_CUT_LENGTH:
        limit //= 2
        text = write_text({**_cut(value, limit), TRUNCATED: True})
        if len(text) < octets:
            return f"{text}\n".encode("ascii")
    raise AnswerTooLargeError(f"a row does not fit into {octets:,} bytes", "ask for longer lines: Logonscope-Max-Line")


def _cut(value: Any, limit: int) -> Any:
    """Return a value with every text and array cut to about ``limit`` bytes of JSON; names of members are kept."""
    if isinstance(value, str):
        # an escaped character takes up to 12 bytes: if escapes make the text longer than the limit, it is cut in
        # proportion
        json_length = len(write_text(value[:limit]))
        return value if len(value) <= limit >= json_length else value[: limit * min(limit, len(value)) // json_length]
    if isinstance(value, Mapping):
        return {name: _cut(member, limit) for name, member in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    # An array keeps its first values, as many as fit.
    elements, free_bytes = [], limit
    for element in value:
        cut_element = _cut(element, limit)
        free_bytes -= len(write_text(cut_element)) + 1
        if free_bytes < 0:
            break
        elements.append(cut_element)
    return elements
