"""Settings of the command line: ~/.config/logonscope/config.toml, below what the environment and the options say."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.color import CHOICES, Choice

LOCAL = "local"
"""The --host that is this machine, whatever the environment and the settings say."""

HOST_VARIABLE = "LOGONSCOPE_HOST"


class Settings(NamedTuple):
    """What the file says; None where it says nothing."""

    path: str = ""
    host: str | None = None
    ca: str | None = None
    color: Choice | None = None
    pager: str | None = None
    columns: Mapping[str, list[str]] = {}  # of a listing, by command
    quiet: bool = False
    readable: bool = False


def settings_path(environment: Mapping[str, str]) -> str | None:
    """Return where the file is looked for; None where nobody has a home."""
    folder = environment.get("XDG_CONFIG_HOME")
    if not folder or not os.path.isabs(folder):  # a relative one is to be ignored, says the XDG specification
        home = environment.get("HOME")
        if not home:
            return None
        folder = os.path.join(home, ".config")
    return os.path.join(folder, "logonscope", "config.toml")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings file, where there is one.

    Raises:
        InvalidParameterError: it cannot be read, or says what is no setting.
    """
    path = settings_path(environment)
    try:
        if path is None or not os.path.exists(path):
            return Settings()
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        raise InvalidParameterError(f"cannot read {path}: {error.strerror}", "make it readable, or remove it") from None
    return parse_settings(path or "", octets)


def parse_settings(path: str, octets: bytes) -> Settings:
    """Return what a file says.

    Raises:
        InvalidParameterError: it is no TOML, or says what is no setting.
    """
    import tomllib  # noqa: PLC0415 -- most people have no such file

    try:
        text = octets.decode()
        values = tomllib.loads(text)
    except ValueError as error:
        raise InvalidParameterError(f"{path}: no TOML: {error}", "see docs/command-line.md") from None
    for key, value in values.items():
        try:
            values[key] = _KINDS[key](value) if key in _KINDS else _unknown(key)
        except ValueError as error:
            raise InvalidParameterError(f"{path}, line {_line(text, key)}: {error}") from None
    return Settings(path, **values)


def chosen_host(option: str | None, environment: Mapping[str, str], settings: Settings) -> str | None:
    """Return the host that is asked: of the option, else of LOGONSCOPE_HOST, else of the file; None: this machine."""
    named = (option, environment.get(HOST_VARIABLE) or None, settings.host)
    host = next((name for name in named if name is not None), None)
    return None if host == LOCAL else host


def _line(text: str, key: str) -> int:
    """Return the line that a key stands in."""
    found = re.search(rf"^\s*\[?\s*[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return 1 if found is None else text.count("\n", 0, found.end()) + 1


def _unknown(key: str) -> None:
    raise ValueError(f"unknown setting {key!r}: expected one of {', '.join(_KINDS)}")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"invalid value {value!r}: expected a text")
    return value


def _optional_text(value: Any) -> str:
    return "" if value == "" else _text(value)


def _truth(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError(f"invalid value {value!r}: expected true or false")


def _color(value: Any) -> Choice:
    for choice in CHOICES:
        if value == choice:
            return choice
    raise ValueError(f"invalid color {value!r}: expected {', '.join(CHOICES)}")


def _columns(value: Any) -> dict[str, list[str]]:
    tables = value.items() if isinstance(value, dict) else [(value, None)]
    for command, names in tables:
        if command not in LISTINGS:
            raise ValueError(f"unknown listing {command!r} in columns: expected one of {', '.join(LISTINGS)}")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"invalid columns of {command}: expected a list of names")
    return dict(tables)


LISTINGS = ("sessions", "ps", "leftovers", "classes")
"""The commands whose columns can be set."""

_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "host": _text, "ca": _text, "color": _color, "pager": _optional_text, "columns": _columns, "quiet": _truth,
    "readable": _truth,
}  # fmt: skip
"""The settings, and what checks the value of each."""
