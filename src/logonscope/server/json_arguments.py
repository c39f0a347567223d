"""Arguments of the JSON door: their types, each with its JSON Schema and the function that checks a value."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from logonscope.answers.history import HistoryFilter
from logonscope.answers.host_event import EVENT_NAMES
from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import ALL_DETAILS, Details
from logonscope.cim.datetimes import parse_datetime
from logonscope.client.service_names import with_port
from logonscope.errors import InvalidParameterError, TypeMismatchError

MAX_PID, MAX_NUMBER = 1 << 63, 1 << 64
"""Limits that a value must be less than: MAX_PID for a pid, MAX_NUMBER for a number in place of a text."""

MAX_ITEMS = 1000
"""Maximum number of items of an array, and of members of an object."""

MAX_TEXT = 64 << 10
"""Maximum number of characters of a text. Operations have lower limits of their own."""

MIN_SECONDS, MAX_SECONDS = 0.001, 100_000_000


class ArgumentType(NamedTuple):
    """A type of arguments: its JSON Schema, and the function that checks and converts a value for the broker.

    The function raises ValueError or a LogonscopeError for an invalid value.
    """

    schema: Mapping[str, Any]
    read: Callable[[Any], Any]


class Argument(NamedTuple):
    """An argument of an operation."""

    type: ArgumentType
    description: str
    is_required: bool = False


def read_arguments(operation: str, declared: Mapping[str, Argument], values: Mapping[str, Any]) -> dict[str, Any]:
    """Check the arguments of a request, and return those that are not null.

    Raises:
        InvalidParameterError: an argument is unknown or missing; a value in a filter is invalid; a service is unknown.
        TypeMismatchError: a value does not have the type of its argument, such as a filter with an unknown member.
    """
    for name in values:
        if name not in declared:
            names = ", ".join(declared) or "none"
            raise InvalidParameterError(f"{operation} has no argument '{name[:100]}'", f"its arguments: {names}")
    # null is the same as an argument that is left out, as in the parameters of methods.
    for name, argument in declared.items():
        if argument.is_required and values.get(name) is None:
            raise InvalidParameterError(f"{operation} needs the argument '{name}'", argument.description)
    return {name: _read(name, declared[name], value) for name, value in values.items() if value is not None}


def _read(name: str, argument: Argument, value: Any) -> Any:
    try:
        return argument.type.read(value)
    except ValueError as error:
        raise TypeMismatchError(f"invalid {name}: {error}", argument.description) from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"expected a text of at most {MAX_TEXT:,} characters")
    return value


def _pid(value: Any) -> int:
    # The exact type, not isinstance: in Python, True is an int.
    if type(value) is not int or not -MAX_PID <= value < MAX_PID:
        raise ValueError("expected a pid")
    return value


def _word(value: Any) -> str:
    """Return a word that may be a number, such as the argument ``which``."""
    if type(value) is int and 0 <= value < MAX_NUMBER:
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"expected a text of at most {MAX_TEXT:,} characters, or a number from 0 to {MAX_NUMBER - 1}")
    return value


def _target(value: Any) -> str:
    """Return the argument ``target`` as text; a service name of this machine in it becomes the port number."""
    return with_port(_word(value))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")  # noqa: TRY004 -- _read catches no TypeError
    return value


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in _list(value)]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ValueError(f"expected an array of at most {MAX_ITEMS:,} items")
    return value


def _parameters(value: Any) -> dict[str, Any]:
    """Return the parameters of a method: their CIM types are checked by the broker."""
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        raise ValueError("expected an object with the parameters by name")
    if not all(item is None or isinstance(item, (str, int, float)) for item in value.values()):
        raise ValueError("expected texts, numbers, booleans or null")
    return value


def _filter(value: Any) -> LogonFilter:
    if not isinstance(value, dict):
        raise ValueError("expected an object")  # noqa: TRY004 -- _read catches no TypeError
    members = {name: _FILTER_MEMBERS[name].read(item) for name, item in value.items() if name in _FILTER_MEMBERS}
    if unknown := set(value) - set(members):
        raise ValueError(f"unknown member '{min(unknown)[:100]}'; the members are {', '.join(_FILTER_MEMBERS)}")
    return LogonFilter(**members).checked()


def _history_filter(value: Any) -> HistoryFilter:
    if not isinstance(value, dict):
        raise ValueError("expected an object")  # noqa: TRY004 -- _read catches no TypeError
    members = {name: _HISTORY_MEMBERS[name](item) for name, item in value.items() if name in _HISTORY_MEMBERS}
    if unknown := set(value) - set(members):
        raise ValueError(f"unknown member '{min(unknown)[:100]}'; the members are {', '.join(_HISTORY_MEMBERS)}")
    return HistoryFilter(**members).checked()


def _details(value: Any) -> Details:
    if unknown := set(_texts(value)) - ALL_DETAILS:
        raise ValueError(f"unknown detail '{min(unknown)[:100]}'; the details are {', '.join(sorted(ALL_DETAILS))}")
    return frozenset(value)


def _events(value: Any) -> frozenset[str]:
    if unknown := set(_texts(value)) - EVENT_NAMES:
        raise ValueError(f"unknown event '{min(unknown)[:100]}'; the events are {', '.join(sorted(EVENT_NAMES))}")
    return frozenset(value)


def _time(value: Any) -> datetime:
    moment = parse_datetime(_text(value))
    if not isinstance(moment, datetime):
        raise ValueError("expected a time, not an interval")  # noqa: TRY004 -- _read catches no TypeError
    return moment


def _seconds(value: Any) -> timedelta:
    if type(value) not in {int, float} or not MIN_SECONDS <= value <= MAX_SECONDS:
        raise ValueError(f"expected a number from {MIN_SECONDS} to {MAX_SECONDS:,}")
    return timedelta(seconds=value)


def _types(value: Any) -> frozenset[int | None]:
    if not all(item is None or type(item) is int for item in _list(value)):
        raise ValueError("expected an array of numbers or null")
    return frozenset(value)


def _states(value: Any) -> frozenset[str | None]:
    return frozenset(None if item is None else _text(item) for item in _list(value))


def _text_set(value: Any) -> frozenset[str]:
    return frozenset(_texts(value))


_HISTORY_MEMBERS: Mapping[str, Callable[[Any], Any]] = {
    "word": _text, "since": _time, "until": _time, "origins": _text_set, "keys": _text_set, "failed": _flag,
}  # fmt: skip

_TEXT_SCHEMA = {"type": "string", "maxLength": MAX_TEXT}
_TEXTS_SCHEMA = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_ITEMS}
_TIME_SCHEMA = {"type": "string", "format": "date-time"}


def _text_set_type(description: str) -> ArgumentType:
    return ArgumentType({**_TEXTS_SCHEMA, "description": description}, _text_set)


_FILTER_MEMBERS: Mapping[str, ArgumentType] = {
    "users": _text_set_type("users that logged in: account names, or uids in digits"),
    "types": ArgumentType(
        {"type": "array", "items": {"type": ["integer", "null"]}, "description": "LogonType"}, _types
    ),
    "states": ArgumentType({"type": "array", "items": {"type": ["string", "null"]}}, _states),
    "origins": _text_set_type("remote hosts, and networks such as 192.0.2.0/24"),
    "since": ArgumentType({**_TIME_SCHEMA, "description": "started at this time or later"}, _time),
    "until": ArgumentType({**_TIME_SCHEMA, "description": "started before this time"}, _time),
    "keys": _text_set_type("fingerprints of ssh keys, or their beginnings"),
    "system": ArgumentType({"type": "boolean", "default": True, "description": "include the System session"}, _flag),
}  # fmt: skip
"""The members of a filter on logon sessions."""

TEXT = ArgumentType(_TEXT_SCHEMA, _text)
TEXTS = ArgumentType(_TEXTS_SCHEMA, _texts)
EVENT_LIST = ArgumentType({"type": "array", "items": {"enum": sorted(EVENT_NAMES)}}, _events)
FLAG = ArgumentType({"type": "boolean"}, _flag)
DETAILS = ArgumentType({"type": "array", "items": {"enum": sorted(ALL_DETAILS)}}, _details)
TIME = ArgumentType(_TIME_SCHEMA, _time)
SECONDS = ArgumentType({"type": "number", "minimum": MIN_SECONDS, "maximum": MAX_SECONDS}, _seconds)
PID = ArgumentType({"type": "integer"}, _pid)
WORD = ArgumentType({"type": ["string", "integer"], "minimum": 0}, _word)
TARGET = ArgumentType(WORD.schema, _target)
PARAMETERS = ArgumentType(
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}, _parameters
)
FILTER = ArgumentType(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: member.schema for name, member in _FILTER_MEMBERS.items()},
    },
    _filter,
)
HISTORY_FILTER = ArgumentType(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "word": {**_TEXT_SCHEMA, "description": "a LogonId, an account, a pid, or a process name"},
            "since": {**_TIME_SCHEMA, "description": "existed at this time or later"},
            "until": {**_TIME_SCHEMA, "description": "started before this time"},
            "origins": {**_TEXTS_SCHEMA, "description": "remote hosts, and networks such as 192.0.2.0/24"},
            "keys": {**_TEXTS_SCHEMA, "description": "fingerprints of ssh keys, or their beginnings"},
            "failed": {"type": "boolean", "description": "only what ended with another status than 0 or by a signal"},
        },
    },
    _history_filter,
)
