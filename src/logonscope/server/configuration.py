"""The settings of the server, from its file and its command line.

``Settings`` is the table of all keys. The checks of the file, the flags of ``logonscope serve`` and the reference page
are generated from it: ``max_envelope = 512000`` in the file is ``--max-envelope 512000`` on the command line, which has
precedence. The field ``sinks`` is not a key: sinks/settings.py parses the tables ``[[sink]]`` of the file.
"""

import argparse
import difflib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import partial
from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.regular_files import open_regular
from logonscope.server.sinks.settings import SinkSettings, parse_sinks
from logonscope.wire.wsman.names import PORTS

SETTINGS_FILE = "/etc/logonscope/logonscope.toml"
TOKENS_FILE = "/etc/logonscope/tokens"
_URL = re.compile(r"(https?)://(\[[^\]/]+\]|[^:/\[\]]+)(?::([^/]+))?(/.*)?")


class ListenError(ValueError):
    """An invalid listen address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"invalid listen address {json.dumps(url)}: {reason}")


class Listener(NamedTuple):
    """A listen address: an IP address and a port, or the path of a unix socket."""

    scheme: str
    host: str
    port: int
    path: str
    tls: bool
    loopback: bool

    def __str__(self) -> str:
        """Return the address in the form of the settings."""
        if self.path:
            return f"unix:{self.path}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Kind(NamedTuple):
    """The kind of a value.

    Attributes:
        words: what a valid value is, for messages and the reference.
        type: the type of the value in TOML.
        fits: returns whether a value of this type is valid.
        make: converts a valid value for ``Settings``; may raise ValueError.
        choices: the valid words, if only a few words are valid.
        metavar: the placeholder of the value in the help of the flag; "": the choices, or a placeholder for the type.
    """

    words: str
    type: type
    fits: Callable[[Any], bool]
    make: Callable[[Any], Any] = lambda value: value
    choices: tuple[str, ...] = ()
    metavar: str = ""


def parse_listener(url: str) -> Listener:
    """Parse a listen address.

    Raises:
        ListenError: the address is neither a URL with an IP address and without a path, nor the path of a unix socket.
    """
    if url.startswith("unix:/"):
        return Listener("unix", "", 0, _absolute_path(url.removeprefix("unix:")), tls=False, loopback=True)
    match = _URL.fullmatch(url)
    if match is None:
        raise ListenError(url, "expected http://ADDRESS:PORT, https://ADDRESS:PORT or unix:/PATH")
    scheme, host, port, path = match.groups()
    if path not in {None, "/"}:
        raise ListenError(url, f"path '{path}' is not allowed; every listener has /wsman")
    # isascii: isdecimal alone, and int, accept the digits of all scripts.
    if port and not (port.isascii() and port.isdecimal() and len(port) < 6 and int(port) <= 65535):
        raise ListenError(url, f"port '{port}' is not a number from 0 to 65535")
    # No host names: their addresses may change, or include one that is open to the network.
    try:
        address = ipaddress.ip_address(host[1:-1] if host.startswith("[") else host)
    except ValueError:
        raise ListenError(url, f"'{host}' is not an IP address such as 127.0.0.1, 0.0.0.0 or [::1]") from None
    return Listener(scheme, str(address), int(port or PORTS[scheme]), "", scheme == "https", address.is_loopback)


def _absolute_path(text: str) -> str:
    return os.path.abspath(text) if text else ""


def _distinct(items: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _are_texts(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)


def _fits(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _is_history_size(text: object) -> bool:
    # the minimum is that of journal.policy, which this package may not import
    match = re.fullmatch(r"([0-9]{1,6}) ?([MGT])B", text) if isinstance(text, str) else None
    return match is not None and int(match[1]) << {"M": 20, "G": 30, "T": 40}[match[2]] >= 16 << 20


def _is_pattern(text: object) -> bool:
    try:
        return isinstance(text, str) and re.compile(text) is not None
    except re.error:
        return False


def _number(low: int, high: int) -> Kind:
    return Kind(f"a whole number from {low} to {high}", int, range(low, high + 1).__contains__)


def _one_of(*words: str) -> Kind:
    return Kind(f"one of {', '.join(map(json.dumps, words))}", str, words.__contains__, choices=words)


_LISTENERS = Kind(
    'a list such as ["http://127.0.0.1:5985", "https://[::]:5986", "unix:/run/a"]', list,
    lambda urls: bool(urls) and _are_texts(urls), lambda urls: tuple(map(parse_listener, _distinct(urls))),
)  # fmt: skip
_GROUPS = Kind('a list of groups such as ["sudo", "wheel"]', list, _are_texts, _distinct)
_HOST_NAMES = Kind('a list of names such as ["web1.example.com"]', list, _are_texts, _distinct)
_ORIGINS = Kind('a list of origins such as ["https://web1"]', list, _are_texts, _distinct)
_FILE = Kind("the path of a file", str, lambda text: "\0" not in text, _absolute_path, metavar="FILE")
_FILE_OR_LOG = Kind(
    'the path of a file, or "-"',
    str,
    _FILE.fits,
    lambda text: text if text == "-" else _absolute_path(text),
    metavar="FILE",
)
_FOLDER = Kind(
    "the path of a directory", str, lambda text: bool(text) and _FILE.fits(text), _absolute_path, metavar="DIRECTORY"
)
_SERVICE = Kind(
    "the name of a PAM service", str, lambda text: bool(re.fullmatch(r"[\w.-]*", text, re.ASCII)), metavar="SERVICE"
)
_SPAN = re.compile(r"[0-9]{1,6} ?(hours?|days?|weeks?|months?|years?)")
_KEEP = Kind(
    'a table such as { logins = "400 days", system = "30 days" }', dict,
    lambda spans: spans.keys() <= {"logins", "system"} and all(_fits(_SPAN, text) for text in spans.values()),
    lambda spans: tuple(sorted(spans.items())),
)  # fmt: skip
_SIZE = Kind('a size of at least 16 MB, such as "2 GB"', str, _is_history_size, metavar="SIZE")
_EXCLUSIONS = Kind(
    'a list such as ["user:backup", "program:/usr/bin/sensor", "unit:cron.service"]', list,
    lambda items: all(_fits(re.compile("(user|program|unit):.+"), item) for item in items), _distinct,
)  # fmt: skip
_PATTERNS = Kind("a list of regular expressions", list, lambda items: all(map(_is_pattern, items)), _distinct)
_SWITCH = Kind("true or false", bool, lambda _: True)


def _state_folder() -> str:
    """Return the directory that systemd created for the service (systemd.exec(5), StateDirectory=), or the default."""
    # If StateDirectory= has several directories, the variable has all of them; the first one is used.
    return os.environ.get("STATE_DIRECTORY", "").split(":")[0] or "/var/lib/logonscope"


def pam_service(folder: str = "/etc/pam.d") -> str:
    """Return the PAM service of the server, if the folder has its file; else "": no PAM."""
    return "logonscope" if os.path.exists(f"{folder}/logonscope") else ""


def _setting(kind: Kind, default: object, meaning: str, shown: str = "") -> Any:
    """Return the dataclass field of a setting.

    Args:
        kind: the kind of the setting's values.
        default: the default as in TOML. If it depends on the host: a function that returns it.
        meaning: the description of the setting.
        shown: the default as the reference shows it; needed if the default is a table or depends on the host.
    """
    metadata = {"kind": kind, "meaning": meaning, "shown": shown or f"`{_toml(default)}`", "default": default}
    if callable(default):
        return field(default_factory=partial(_host_default, kind, default), metadata=metadata)
    return field(default=kind.make(default), metadata=metadata)


def _host_default(kind: Kind, default: Callable[[], object]) -> Any:
    return kind.make(default())


def _toml(value: object) -> str:
    return json.dumps(value)  # TOML and JSON write strings, integers, booleans and lists of strings alike


_LOOPBACK = ["http://127.0.0.1:5985", "http://[::1]:5985", "https://127.0.0.1:5986", "https://[::1]:5986"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the server; ``Settings()`` has the defaults."""

    listen: tuple[Listener, ...] = _setting(
        _LISTENERS, _LOOPBACK, "listen addresses; sockets passed by systemd replace them"
    )
    certificate: str = _setting(
        _FILE, "", "PEM file with the certificate and its chain; empty: a self-signed one, created at the first start"
    )
    key: str = _setting(_FILE, "", "PEM file with the private key; empty: `certificate` contains it")
    state: str = _setting(
        _FOLDER,
        _state_folder,
        "directory of the self-signed certificate, of the history, and of the positions of sinks",
        "`$STATE_DIRECTORY` if systemd sets it, else `/var/lib/logonscope`",
    )
    users: str = _setting(
        _FILE, "/etc/logonscope/users", "user file, maintained by `logonscope user`; it may be missing"
    )
    tokens: str = _setting(_FILE, TOKENS_FILE, "token file, maintained by `logonscope token`; it may be missing")
    hosts: tuple[str, ...] = _setting(
        _HOST_NAMES, [], "names of this server that clients of the JSON API may use over http, beside addresses, "
        "`localhost` and the host name; over https the certificate decides",
    )  # fmt: skip
    origins: tuple[str, ...] = _setting(
        _ORIGINS, [], "origins (`https://web1`) whose pages may use this server in a browser, beside the server's "
        "own; all others are rejected",
    )  # fmt: skip
    pam: str = _setting(
        _SERVICE, pam_service, "PAM service that checks passwords; empty: no PAM",
        '`"logonscope"` if `/etc/pam.d/logonscope` exists, else `""`',
    )  # fmt: skip
    administrators: tuple[str, ...] = _setting(
        _GROUPS,
        ["sudo", "wheel"],
        "groups whose members are administrators over the network: they see everything, like root",
    )
    negotiate: bool = _setting(_SWITCH, True, "offer Negotiate (NTLM, and Kerberos if `keytab` is set) beside Basic")
    channel_binding: str = _setting(
        _one_of("relaxed", "required"), "relaxed",
        "`relaxed`: over TLS, reject Negotiate tokens that are bound to another TLS channel; `required`: also reject "
        "those without channel binding, as curl and Go clients send",
    )  # fmt: skip
    client_ca: str = _setting(
        _FILE, "", "PEM file with the CAs that issue client certificates, whose common name is the user; empty: none"
    )
    keytab: str = _setting(
        _FILE, "", "keytab with the keys of HTTP/host and WSMAN/host, for Kerberos; empty: no Kerberos"
    )
    allow_methods: bool = _setting(
        _SWITCH, False,
        "allow methods that change something: end processes, set priorities, start, stop, pause and resume services",
    )  # fmt: skip
    max_envelope: int = _setting(
        _number(8192, 4 << 20), 512_000,
        "maximum size in bytes of a response of WS-Management (DSP0226, wsman:MaxEnvelopeSize), or of a line of JSON",
    )  # fmt: skip
    max_request: int = _setting(_number(8192, 4 << 20), 512_000, "maximum size of a request body in bytes")
    workers: int = _setting(
        _number(1, 64),
        8,
        "threads that process requests, and as many that check passwords; one caller or address uses at most a quarter,"
        " an administrator at most half",
    )
    max_connections: int = _setting(
        _number(1, 10_000), 200,
        "maximum number of connections over the network; the unix socket may have the same number in addition; more "
        "connections get 503, or are closed",
    )  # fmt: skip
    max_connections_per_address: int = _setting(
        _number(1, 10_000), 50,
        "maximum number of connections of one client address (IPv6: one /64), or of one user of the unix socket",
    )  # fmt: skip
    contexts_per_caller: int = _setting(
        _number(1, 10_000),
        50,
        "maximum number of open enumerations of one caller (an enumeration is a query whose result a client fetches in "
        "parts; WS-Management: context)",
    )
    contexts: int = _setting(
        _number(1, 10_000),
        500,
        "maximum number of open enumerations of all callers; administrators have `contexts_per_caller` in addition",
    )
    context_seconds: int = _setting(
        _number(1, 86_400), 240, "seconds without a pull after which an enumeration expires"
    )
    subscription_seconds: int = _setting(
        _number(1, 86_400), 3600, "maximum remaining lifetime of a subscription of WS-Management in seconds"
    )
    push_to: tuple[str, ...] = _setting(
        _ORIGINS, [], "servers (`https://collector.example.com:8443`) to which subscriptions of administrators may "
        "send events of WS-Management; all others are rejected",
    )  # fmt: skip
    push_ca: str = _setting(
        _FILE, "", "PEM file with the certificates to trust for the servers in `push_to`; empty: those of the system"
    )
    push_client_certificate: str = _setting(
        _FILE, "", "PEM file with a certificate and its key, for the servers in `push_to`; empty: none"
    )
    operation_timeout: int = _setting(
        _number(1, 3600), 60, "maximum duration of an operation in seconds, even if the client asks for more"
    )
    request_seconds: int = _setting(
        _number(1, 3600),
        60,
        "seconds that a client has to send its next request completely, or to go on reading a response",
    )
    stop_seconds: int = _setting(_number(1, 600), 10, "seconds that open requests have to end when the server stops")
    live: str = _setting(
        _one_of("auto", "true", "false"), "auto",
        "answer from an index that kernel events update: `auto`: if the events helper runs, or this process may read "
        "kernel events; `true`: as `auto`, and events are used also if only the process connector is available "
        "(answers then still come from /proc); `false`: read /proc for every answer",
    )  # fmt: skip
    history: bool = _setting(
        _SWITCH, False,
        "keep a history of logins and processes, in `history` below `state`; complete only with kernel events, else "
        "processes are compared once a minute",
    )  # fmt: skip
    history_keep: tuple[tuple[str, str], ...] = _setting(
        _KEEP, {"logins": "400 days", "system": "30 days"},
        "how long the history keeps what ended. `logins`: logins and their processes, and failed logins; `system`: "
        "processes of the System session. The units are hours, days, weeks, months and years",
        '`{ logins = "400 days", system = "30 days" }`',
    )  # fmt: skip
    history_size: str = _setting(
        _SIZE, "2 GB", "maximum size of the history; beyond it, the oldest ended processes are deleted"
    )
    history_command_lines: str = _setting(
        _one_of("off", "name", "full"), "name",
        "how much of command lines the history keeps: nothing, the first word, or all of it without secrets",
    )  # fmt: skip
    history_exclude: tuple[str, ...] = _setting(
        _EXCLUSIONS, [], "users, programs (a path or a name) and units whose processes the history does not keep"
    )
    history_redact: tuple[str, ...] = _setting(
        _PATTERNS, [], "regular expressions of secrets, which are replaced in command lines, beside the built-in rules"
    )
    metrics: str = _setting(
        _one_of("", "administrators", "loopback"), "",
        "who may read `/metrics`: no one, administrators, or also every client on this host",
    )  # fmt: skip
    log_level: str = _setting(_one_of("debug", "info", "warning", "error"), "info", "lowest severity that is logged")
    log_format: str = _setting(_one_of("text", "json"), "text", "format of the log on standard error")
    audit_log: str = _setting(
        _FILE_OR_LOG,
        "-",
        "file for authentications, method calls and views as another user; `-`: the server's log; empty: no audit log",
    )
    sinks: tuple[SinkSettings, ...] = ()
    """The tables `[[sink]]`, which only the file can have."""


SETTINGS: Mapping[str, Field[Any]] = {setting.name: setting for setting in fields(Settings) if setting.metadata}


def read_settings(
    file: str | None = None, overrides: Mapping[str, Any] | None = None, default_file: str = SETTINGS_FILE
) -> Settings:
    """Return the settings of the file, overridden by those of the command line.

    Args:
        file: the path of the file; None: ``default_file``.
        overrides: the values of flags, by the name of the key. A value is a text or a list of texts; None: the flag is
            not on the command line.
        default_file: the path of the file that may be missing.

    Raises:
        InvalidParameterError: an unknown key, an invalid value, or keys that contradict each other; or the file is
            missing, or is not valid TOML.
        AccessDeniedError: no permission to read the file.
    """
    path = file or default_file
    values = _read(path, must_exist=file is not None)
    sinks = parse_sinks(path, values.pop("sink", []))
    file_settings = {name: _parse_file_value(path, name, value) for name, value in values.items()}
    flag_settings = {name: _parse_flag(name, value) for name, value in (overrides or {}).items() if value is not None}
    result = Settings(**(file_settings | flag_settings), sinks=sinks)
    if sinks and result.live == "false":
        raise InvalidParameterError(f"{path}: sinks need the events of this machine", 'set live = "auto"')
    if result.key and not result.certificate:
        raise InvalidParameterError("`key` is set, but `certificate` is not", "set `certificate` too, or remove `key`")
    if result.keytab and not result.negotiate:
        raise InvalidParameterError(
            "`keytab` is set, but `negotiate` is off", "Kerberos needs `negotiate`: turn it on, or remove `keytab`"
        )
    if result.contexts < result.contexts_per_caller:
        raise InvalidParameterError(
            f"contexts_per_caller = {result.contexts_per_caller} is greater than contexts = {result.contexts}",
            "lower contexts_per_caller, or raise contexts",
        )
    return result


def _read(path: str, *, must_exist: bool) -> dict[str, Any]:
    try:
        with open(path, "rb", opener=open_regular) as file:
            return tomllib.load(file)
    except PermissionError as error:
        reason = f"cannot read {path}: {error.strerror}"
        raise AccessDeniedError(reason, "use sudo, or another file: --config FILE") from None
    except FileNotFoundError as error:
        if must_exist:
            reason = f"cannot read {path}: {error.strerror}"
            raise InvalidParameterError(reason, "create it, or omit --config") from None
        return {}
    except OSError as error:
        raise InvalidParameterError(f"cannot read {path}: {error.strerror}", "give another file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidParameterError(f"invalid TOML in {path}: {error}", "correct it; strings need quotes") from None


def _parse_file_value(path: str, name: str, value: object) -> Any:
    """Return the value for a key of the file.

    Raises:
        InvalidParameterError: an unknown key, or an invalid value.
    """
    # A table such as [server] is an unknown key, too: all keys are at the top level.
    if name not in SETTINGS:
        similar_names = difflib.get_close_matches(name.replace("-", "_"), SETTINGS, 1)
        hint = (
            f"did you mean {similar_names[0]}?" if similar_names else f"remove it; the keys are {', '.join(SETTINGS)}"
        )
        raise InvalidParameterError(f"{path}: unknown key '{name}'", hint)
    kind = _kind(name)
    try:
        return _convert(kind, value)
    except ValueError as error:
        wrong_value = f"invalid {name} {json.dumps(value, default=str)}: expected {kind.words}"
        reason = error if isinstance(error, ListenError) else wrong_value
        raise InvalidParameterError(f"{path}: {reason}", "correct it, or remove it to use the default") from None


def _parse_flag(name: str, value: object) -> Any:
    """Return the value for a flag of the command line.

    Raises:
        InvalidParameterError: an invalid value.
    """
    kind = _kind(name)
    try:
        return _convert(kind, _as_file_value(kind, value))
    except (ValueError, KeyError) as error:
        wrong_value = f"invalid --{name.replace('_', '-')} {json.dumps(value)}: expected {_flag_words(kind)}"
        reason = str(error) if isinstance(error, ListenError) else wrong_value
        raise InvalidParameterError(reason, "see `logonscope serve --help`") from None


def _flag_words(kind: Kind) -> str:
    """Return the description of the values, with the example as a flag takes it: A,B instead of ["A", "B"]."""
    description, such_as, example = kind.words.partition(" such as ")
    if kind.type is list and example:
        example = ",".join(json.loads(example))
    elif kind.type is dict:
        example = ",".join(f"{key}={value}" for key, value in re.findall(r'(\w+) = "([^"]*)"', example))
    return f"{description}{such_as}{example}"


def _convert(kind: Kind, value: object) -> Any:
    # a setting with a third choice, such as `live` with "auto", has true and false as texts
    if isinstance(value, bool) and "true" in kind.choices:
        value = "true" if value else "false"
    # The exact type, not isinstance: in Python, True is an int.
    if type(value) is not kind.type or not kind.fits(value):
        raise ValueError(value)
    return kind.make(value)


def _as_file_value(kind: Kind, value: object) -> object:
    """Return the text of a flag as the value that the file would have."""
    # A list can be written as A,B, as a repeated flag, or both.
    if kind.type is list:
        texts = value if isinstance(value, list) else [value]
        return [item for text in texts for item in str(text).split(",") if item]
    if not isinstance(value, str):
        return value
    # a table is written as A=B,C=D
    if kind.type is dict:
        return dict(entry.strip().split("=", 1) for entry in value.split(","))
    return {"true": True, "false": False}[value] if kind.type is bool else kind.type(value)


def _kind(name: str) -> Kind:
    kind: Kind = SETTINGS[name].metadata["kind"]
    return kind


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every key to the parser of a command. The value of a flag is a text, or a list of texts."""
    options = parser.add_argument_group("settings, instead of those of the file")
    for name, setting in SETTINGS.items():
        kind = _kind(name)
        choices = "|".join(choice or '""' for choice in kind.choices)
        metavar = kind.metavar or choices or {int: "N", bool: "true|false", list: "A,B", dict: "A=B,C=D"}[kind.type]
        arguments: dict[str, Any] = {"metavar": metavar}
        if kind.type is bool:
            arguments |= {"nargs": "?", "const": "true"}
        if kind.type is list:
            arguments["action"] = "append"
        # a flag takes a list as A,B, not as ["A", "B"]
        default = ",".join(setting.metadata["default"]) if kind.type is list else setting.metadata["shown"]
        is_empty = default in {"", '`""`'}
        help_ = f"{setting.metadata['meaning']} (default: {'none' if is_empty else default})"
        help_ = help_.replace("`", "").replace("%", "%%")
        options.add_argument(f"--{name.replace('_', '-')}", help=help_, **arguments)


def settings_reference() -> str:
    """Return the reference of the keys, a table in Markdown."""
    head = ("| key | value | default | meaning |", "|---|---|---|---|")
    rows = (
        f"| `{name}` | {_kind(name).words} | {setting.metadata['shown']} | {setting.metadata['meaning']} |"
        for name, setting in SETTINGS.items()
    )
    return "\n".join((*head, *rows)) + "\n"
