"""Settings of sinks: the tables `[[sink]]` of the settings file, and what is valid in them."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from logonscope.answers.host_event import EVENT_NAMES, LOGON_EVENTS
from logonscope.errors import InvalidParameterError

FORMATS = ("jsonl", "ecs")
FILE, SYSLOG, OTLP, WEBHOOK = "file", "syslog", "otlp", "webhook"
TYPES = (FILE, SYSLOG, OTLP, WEBHOOK)
LOCAL_LOG = "/dev/log"
SYSLOG_PORTS = {"tls": 6514, "tcp": 601}

MIN_FILE_BYTES = 64 * 10**3
"""Minimum of `max_size`: a smaller file would be rotated with nearly every delivery."""

MAX_SINKS = 16

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SIZE = re.compile(r"([0-9]{1,6}) ?(KB|MB|GB)")
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_GROUPS = {"logons": LOGON_EVENTS | {"UserChanged"}, "all": EVENT_NAMES}


class Target(NamedTuple):
    """Where a sink sends events to: a URL in parts, or a path."""

    scheme: str  # https, http, tls, tcp; file and unix have a path alone
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        """Return the target in the form of the settings, without the path of a URL, which can be a secret."""
        if not self.host:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class SinkSettings(NamedTuple):
    """The settings of a sink.

    Attributes:
        name: the name that its checkpoint, its metrics and its line of ``doctor`` have.
        events: names of the events that are sent; Lost is always sent, too.
        max_bytes: a file is rotated before it becomes larger than this.
        files: how many rotated files are kept.
        ca: a PEM file with the certificates to trust; "": those of the system.
        client_certificate: a PEM file with a certificate and its key; "": none.
        secret_file: the file with the key of a webhook's signatures; "" for other types.
        token_file: the file with a bearer token; "": none.
        seconds: timeout of a delivery by HTTP, or of each step (connect, send, confirm) of a delivery by syslog.
    """

    name: str
    type: str
    target: Target
    format: str = "jsonl"
    events: frozenset[str] = _GROUPS["logons"]
    max_bytes: int = 100 * 10**6
    files: int = 5
    ca: str = ""
    client_certificate: str = ""
    secret_file: str = ""
    token_file: str = ""
    seconds: int = 10


class _Key(NamedTuple):
    """A key of a table: the types of sink that have it, a description of its valid values, and their conversion."""

    types: tuple[str, ...]
    expected: str
    convert: Callable[[Any], Any]  # raises ValueError, TypeError or AttributeError for an invalid value


def parse_sinks(path: str, tables: object) -> tuple[SinkSettings, ...]:
    """Return the settings of all sinks.

    Args:
        path: the settings file, for messages.
        tables: the value of the key `sink`.

    Raises:
        InvalidParameterError: a table is invalid.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidParameterError(f"{path}: invalid sink: expected tables", "write [[sink]] above the keys of each")
    if len(tables) > MAX_SINKS:
        raise InvalidParameterError(f"{path}: {len(tables)} sinks: expected at most {MAX_SINKS}", "remove some")
    sinks = tuple(_parse_sink(path, number, table) for number, table in enumerate(tables, 1))
    names = [sink.name for sink in sinks]
    for name in names:
        if names.count(name) > 1:
            raise InvalidParameterError(f"{path}: two sinks have the name '{name}'", "give each another name")
    files = [os.path.realpath(sink.target.path) for sink in sinks if sink.type == FILE]
    for file in files:
        if files.count(file) > 1:
            raise InvalidParameterError(f"{path}: two sinks write {file}", "give each another file")
    return sinks


def _parse_sink(path: str, number: int, table: Mapping[str, Any]) -> SinkSettings:
    label = f"{path}: sink {number}"
    name, sink_type = table.get("name"), table.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidParameterError(
            f"{label}: invalid name {_shown(name)}",
            "give up to 32 letters a-z, digits and -; do not begin with -",
        )
    label = f"{path}: sink '{name}'"
    if sink_type not in TYPES:
        raise InvalidParameterError(f"{label}: invalid type {_shown(sink_type)}", f"give one of {', '.join(TYPES)}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in {"name", "type", "to"}:
            continue
        row = KEYS.get(key)
        if row is None or sink_type not in row.types:
            allowed = ", ".join(name for name, row in KEYS.items() if sink_type in row.types)
            raise InvalidParameterError(f"{label}: unknown key '{key}'", f"the keys of {sink_type} are {allowed}")
        try:
            values[_RENAMED_FIELDS.get(key, key)] = row.convert(value)
        except (ValueError, TypeError, AttributeError):
            raise InvalidParameterError(f"{label}: invalid {key} {_shown(value)}: expected {row.expected}") from None
    return _check(label, SinkSettings(name, sink_type, _target(label, sink_type, table.get("to")), **values))


def _check(label: str, sink: SinkSettings) -> SinkSettings:
    """Check the rules that concern several keys."""
    target = sink.target
    needs_tls = bool(sink.token_file or sink.client_certificate)
    if target.scheme in {"http", "tcp"} and needs_tls and target.host not in {"localhost", "127.0.0.1", "::1"}:
        raise InvalidParameterError(
            f"{label}: a token or a client certificate needs encryption", "give https:// or tls://"
        )
    if sink.type == WEBHOOK and not sink.secret_file:
        raise InvalidParameterError(f"{label}: secret_file is missing", "give the file with the key of the signatures")
    return sink


def _target(label: str, sink_type: str, to: object) -> Target:
    schemes = {FILE: (), SYSLOG: ("tls", "tcp"), OTLP: ("https", "http"), WEBHOOK: ("https", "http")}[sink_type]
    expected = {
        FILE: "the absolute path of a file", SYSLOG: f'tls://HOST:PORT, tcp://HOST:PORT or "{LOCAL_LOG}"',
        OTLP: "https://HOST:PORT/v1/logs", WEBHOOK: "https://HOST/PATH",
    }[sink_type]  # fmt: skip
    error = InvalidParameterError(f"{label}: invalid to {_shown(to)}: expected {expected}")
    if not isinstance(to, str) or "\0" in to or not to.isprintable():
        raise error
    if to.startswith("/") and sink_type in {FILE, SYSLOG} and len(to) > 1:
        return Target("unix" if sink_type == SYSLOG else "file", "", 0, to)
    try:
        parts = urlsplit(to)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise error from None
    if parts.scheme not in schemes or not host or parts.username is not None or parts.fragment:
        raise error
    # http.client sends the path without escaping it
    if not to.isascii() or " " in to:
        raise InvalidParameterError(
            f"{label}: invalid to {_shown(to)}: expected ASCII without spaces", "write them as %XX"
        )
    if sink_type == SYSLOG and (parts.path or parts.query):
        raise error
    ports = {"https": 443, "http": 80} | SYSLOG_PORTS
    path = "" if sink_type == SYSLOG else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or ports[parts.scheme], path)


def _shown(value: object) -> str:
    return "(missing)" if value is None else json.dumps(value, default=str)


def _file(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise ValueError(value)
    return value


def _size(value: str) -> int:
    match = _SIZE.fullmatch(value)
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if size < MIN_FILE_BYTES:
        raise ValueError(value)
    return size


def _number(low: int, high: int) -> Callable[[Any], int]:
    numbers = range(low, high + 1)

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in numbers:
            raise ValueError(value)
        return value

    return convert


def _format(value: object) -> str:
    if value not in FORMATS:
        raise ValueError(value)
    return str(value)


def _events(value: object) -> frozenset[str]:
    return frozenset(_event_names(value if isinstance(value, list) else [value]))


def _event_names(words: list[Any]) -> Iterator[str]:
    if not words:
        raise ValueError(words)
    for word in words:
        if word in _GROUPS:
            yield from _GROUPS[word]
        elif word in EVENT_NAMES:
            yield word
        else:
            raise ValueError(word)


_NETWORK = (SYSLOG, OTLP, WEBHOOK)
_RENAMED_FIELDS = {"max_size": "max_bytes"}
KEYS: Mapping[str, _Key] = {
    "to": _Key(TYPES, "a path or a URL", str),
    "format": _Key((FILE, SYSLOG, WEBHOOK), f"one of {', '.join(FORMATS)}", _format),
    "events": _Key(TYPES, '"logons", "all", or a list of names of events', _events),
    "max_size": _Key((FILE,), 'a size of at least 64 KB, such as "100 MB"', _size),
    "files": _Key((FILE,), "a whole number from 1 to 1000", _number(1, 1000)),
    "ca": _Key(_NETWORK, "the path of a PEM file", _file),
    "client_certificate": _Key(_NETWORK, "the path of a PEM file with a certificate and its key", _file),
    "secret_file": _Key((WEBHOOK,), "the path of a file", _file),
    "token_file": _Key((OTLP, WEBHOOK), "the path of a file with a bearer token", _file),
    "seconds": _Key(_NETWORK, "a whole number from 1 to 300", _number(1, 300)),
}
"""The keys of a table, except name and type."""
