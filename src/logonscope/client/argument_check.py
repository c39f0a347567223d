"""Check of the types of arguments of Host: a wrong one is named, instead of failing somewhere inside."""

from collections.abc import Mapping
from typing import Any

from logonscope.errors import InvalidParameterError

REQUIRED_TEXTS = frozenset({"text", "class_name", "name", "method_name"})
TEXTS = frozenset({"namespace", "pattern", "assoc_class", "result_class", "role", "result_role", "query"})
"""Names of arguments that are texts; those of ``TEXTS`` can be None."""


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Check arguments by their names.

    Raises:
        InvalidParameterError: one has a type that it cannot have.
    """
    for name, value in arguments.items():
        if name in REQUIRED_TEXTS and not isinstance(value, str):
            _reject(name, value, "a text")
        if value is None:
            continue
        if name in TEXTS and not isinstance(value, str):
            _reject(name, value, "a text or None")
        if name == "parameters" and not isinstance(value, Mapping):
            _reject(name, value, "a mapping of names to values")
        if name == "timeout" and (isinstance(value, bool) or not isinstance(value, int | float)):
            _reject(name, value, "a number of seconds")


def _reject(name: str, value: object, expected: str) -> None:
    raise InvalidParameterError(f"invalid {name} {repr(value)[:100]}: expected {expected}")
