"""Settings of the command line: ~/.config/logonscope/config.toml.

Options and environment variables override the settings. One exception: the setting ``pager`` overrides PAGER.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.text import COLOR_CHOICES, ColorChoice
from logonscope.regular_files import open_regular


def load_settings(path: str) -> dict[str, Any]:
    """Read a settings file; return its values by name.

    Raises:
        InvalidParameterError: the file cannot be read or is not TOML, or a setting is unknown or invalid.
    """
    try:
        with open(path, "rb", opener=open_regular) as file:
            octets = file.read()
    except OSError as error:
        raise InvalidParameterError(f"cannot read {path}: {error.strerror}", "make it readable, or remove it") from None
    return parse_settings(path, octets)


def parse_settings(path: str, octets: bytes) -> dict[str, Any]:
    """Return the values of a settings file by name.

    Raises:
        InvalidParameterError: the file is not TOML, or a setting is unknown or invalid.
    """
    import tomllib  # noqa: PLC0415 -- most users have no such file

    try:
        text = octets.decode()
        values = tomllib.loads(text)
    except ValueError as error:
        raise InvalidParameterError(f"cannot read {path}: not TOML: {error}", "see docs/command-line.md") from None
    for key, value in values.items():
        try:
            values[key] = _find_check(key)(value)
        except ValueError as error:
            raise InvalidParameterError(f"{path}, line {_line_number(text, key)}: {error}") from None
    return values


def _line_number(text: str, key: str) -> int:
    """Return the number of the line with a key or table; tomllib does not report it."""
    match = re.search(rf"^\s*\[?\s*[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return 1 if match is None else text.count("\n", 0, match.end()) + 1


def _find_check(key: str) -> Callable[[Any], Any]:
    """Return the function that checks the value of a setting.

    Raises:
        ValueError: there is no such setting.
    """
    if key not in SETTINGS:
        raise ValueError(f"unknown setting {key!r}: expected one of {', '.join(SETTINGS)}")
    return SETTINGS[key]


def _check_text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"invalid value {value!r}: expected a {'non-empty ' if value == '' else ''}string")
    return value


def _check_optional_text(value: Any) -> str:
    return "" if value == "" else _check_text(value)


def _check_boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError(f"invalid value {value!r}: expected true or false")


def _check_color(value: Any) -> ColorChoice:
    for choice in COLOR_CHOICES:
        if value == choice:
            return choice
    raise ValueError(f"invalid color {value!r}: expected {', '.join(COLOR_CHOICES)}")


def _check_columns(value: Any) -> dict[str, list[str]]:
    tables = value.items() if isinstance(value, dict) else [(value, None)]
    for command, names in tables:
        if command not in LISTINGS:
            raise ValueError(f"unknown listing {command!r} in columns: expected one of {', '.join(LISTINGS)}")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"invalid columns of {command}: expected a list of names")
    return dict(tables)


LISTINGS = ("sessions", "ps", "leftovers", "classes")
"""The commands whose columns can be configured."""

SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "host": _check_text,
    "ca": _check_text,
    "color": _check_color,
    "pager": _check_optional_text,
    "columns": _check_columns,
    "quiet": _check_boolean,
    "readable": _check_boolean,
}
"""The settings, each with the function that checks its value and returns it, or raises ValueError."""
