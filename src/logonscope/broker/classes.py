"""Which classes are there? Their definitions: the same for everybody who is somebody."""

import re
from collections.abc import Iterator

from logonscope.broker.access import limit
from logonscope.broker.target import class_of, known, namespace_of
from logonscope.broker.view import Broker
from logonscope.cim.classes import Class
from logonscope.errors import InvalidParameterError
from logonscope.facts import Needs

LONGEST_PATTERN = 256
"""Characters."""

MOST_WILDCARDS = 8


def get_class(broker: Broker, name: str, namespace: str | None = None) -> Class:
    """Return the definition of a class.

    Raises:
        InvalidClassError, InvalidNamespaceError: there is none of that name.
        AccessDeniedError: the caller is nobody.
    """
    limit(broker.caller, Needs())
    return class_of(name, namespace)


def classes(broker: Broker, pattern: str | None = None, namespace: str | None = None) -> Iterator[Class]:
    """Return the classes of a namespace whose name fits a pattern: ``*`` or ``%`` is any run, ``?`` any character.

    Raises:
        InvalidNamespaceError: there is none of that name.
        InvalidParameterError: the pattern is too long.
        AccessDeniedError: the caller is nobody.
    """
    limit(broker.caller, Needs())
    found = known().classes(namespace_of(namespace))
    if pattern is None:
        return found
    matches = _matcher(pattern)
    return (cls for cls in found if matches.fullmatch(cls.name))


def _matcher(pattern: str) -> re.Pattern[str]:
    parts = [part for part in re.split(r"([*%]+|\?)", pattern) if part]
    runs = sum(part[0] in "*%" for part in parts)
    if len(pattern) > LONGEST_PATTERN or runs > MOST_WILDCARDS:
        raise InvalidParameterError(
            "that pattern is too long", f"give at most {LONGEST_PATTERN} characters and {MOST_WILDCARDS} wildcards"
        )
    words = [".*" if part[0] in "*%" else "." if part == "?" else re.escape(part) for part in parts]
    return re.compile("".join(words), re.IGNORECASE)
