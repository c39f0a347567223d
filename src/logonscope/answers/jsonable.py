"""JSON form of rows and instances, as the commands print it with ``-o json``."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import NoneType
from typing import Any

_PLAIN_TYPES = frozenset({NoneType, str, int, float, bool})
"""Types whose values ``jsonable`` returns as they are."""


def jsonable(value: object) -> Any:
    """Return a value as dicts, lists, text, numbers, booleans and None, which ``json.dumps`` accepts.

    A row becomes a dict of its fields, a mapping (an instance is one) a dict, any other iterable a list. Times become
    ISO 8601 with offset, intervals seconds, bytes a list of numbers.

    Raises:
        TypeError: the value, such as a class or a host, has no JSON form.
    """
    if type(value) in _PLAIN_TYPES or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        # most fields need no call: this runs for every event and row
        return {
            name: part if type(part) in _PLAIN_TYPES else jsonable(part)
            for name, part in zip(value._fields, value, strict=True)
        }
    if isinstance(value, Mapping):
        return {str(name): jsonable(part) for name, part in value.items()}
    if isinstance(value, Iterable):
        return [jsonable(part) for part in value]
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
