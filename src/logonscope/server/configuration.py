"""What was the server told, in its file and on its command line? Each key once: its value, default and meaning.

``Settings`` is the table. The file's checks, the flags of ``logonscope serve`` and the reference page are made of it:
``max_envelope = 512000`` in the file is ``--max-envelope 512000`` on the command line, and the command line wins.
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
from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError, InvalidParameterError
from logonscope.wire.wsman.names import PORTS

FILE = "/etc/logonscope/logonscope.toml"
PAM_FOLDER = "/etc/pam.d"
_URL = re.compile(r"(https?)://(\[[^\]/]+\]|[^:/\[\]]+)(?::([^/]+))?(/.*)?")


class ListenError(ValueError):
    """That is nowhere to listen, and why."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{json.dumps(url)} is nowhere to listen: {why}")


class Listener(NamedTuple):
    """Where the server listens: an address and a port, or the path of a unix socket."""

    scheme: str
    host: str
    port: int
    path: str
    tls: bool
    loopback: bool

    def __str__(self) -> str:
        """Return it as it is written in the file."""
        if self.path:
            return f"unix:{self.path}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Kind(NamedTuple):
    """What a value has to be: in words, its type in TOML, whether it fits, what is made of it (or ValueError)."""

    words: str
    type: type
    fits: Callable[[Any], bool]
    make: Callable[[Any], Any] = lambda value: value


def listener(url: str) -> Listener:
    """Parse where to listen.

    Raises:
        ListenError: it is neither an address of this kind nor a path; it says why.
    """
    if url.startswith("unix:/"):
        return Listener("unix", "", 0, _path(url.removeprefix("unix:")), tls=False, loopback=True)
    match = _URL.fullmatch(url)
    if match is None:
        raise ListenError(url, "it is none of http://ADDRESS:PORT, https://ADDRESS:PORT, unix:/PATH")
    scheme, host, port, path = match.groups()
    if path not in {None, "/"}:
        raise ListenError(url, f"{path} is not for here, each listener has /wsman")
    if port and not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ListenError(url, f"{port} is no port from 0 to 65535")
    try:
        address = ipaddress.ip_address(host[1:-1] if host.startswith("[") else host)
    except ValueError:
        raise ListenError(url, f"{host} is no IP address, as 127.0.0.1, 0.0.0.0 or [::1]") from None
    return Listener(scheme, str(address), int(port or PORTS[scheme]), "", scheme == "https", address.is_loopback)


def _path(text: str) -> str:
    return os.path.abspath(text) if text else ""


def _distinct(items: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _texts(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)


def _number(low: int, high: int) -> Kind:
    return Kind(f"a whole number from {low} to {high}", int, lambda number: low <= number <= high)


def _one_of(*words: str) -> Kind:
    return Kind(f"one of {', '.join(map(json.dumps, words))}", str, words.__contains__)


_LISTENERS = Kind(
    'a list as ["http://127.0.0.1:5985", "https://[::]:5986", "unix:/run/a"]', list,
    lambda urls: bool(urls) and _texts(urls), lambda urls: tuple(map(listener, _distinct(urls))),
)  # fmt: skip
_NAMES = Kind('a list of names as ["sudo", "wheel"]', list, _texts, _distinct)
_FILE = Kind("the path of a file", str, lambda text: "\0" not in text, _path)
_FILE_OR_LOG = Kind('the path of a file, or "-"', str, _FILE.fits, lambda text: text if text == "-" else _path(text))
_FOLDER = Kind("the path of a directory", str, _FILE.fits, _path)
_SERVICE = Kind("the name of a PAM service", str, lambda text: bool(re.fullmatch(r"[\w.-]*", text, re.ASCII)))
_SWITCH = Kind("true or false", bool, lambda _: True)


def _state() -> str:
    """Return the directory that systemd made for us (systemd.exec(5), StateDirectory=), else the usual one."""
    return os.environ.get("STATE_DIRECTORY", "").split(":")[0] or "/var/lib/logonscope"


def _pam() -> str:
    return "logonscope" if os.path.exists(f"{PAM_FOLDER}/logonscope") else ""


def _key(kind: Kind, default: object, meaning: str, shown: str = "") -> Any:
    """Return the field of a key; ``shown`` says in words what a default is that depends on the machine."""
    about = {"kind": kind, "meaning": meaning, "shown": shown or f"`{_toml(default)}`"}
    if callable(default):
        return field(default_factory=lambda: kind.make(default()), metadata=about)
    return field(default=kind.make(default), metadata=about)


def _toml(value: object) -> str:
    return json.dumps(value)  # of texts, whole numbers, booleans and lists of texts TOML and JSON write the same


_LOOPBACK = ["http://127.0.0.1:5985", "http://[::1]:5985", "https://127.0.0.1:5986", "https://[::1]:5986"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the server was told; ``Settings()`` is what holds where it was told nothing."""

    listen: tuple[Listener, ...] = _key(
        _LISTENERS, _LOOPBACK, "where to listen; sockets that systemd passes replace these"
    )
    certificate: str = _key(_FILE, "", "PEM file of the certificate and its chain; empty: one of our own, self-signed")
    key: str = _key(_FILE, "", "PEM file of its private key; empty: it stands in `certificate`")
    state: str = _key(
        _FOLDER, _state, "where the self-signed certificate is kept", "`/var/lib/logonscope`, systemd's StateDirectory="
    )
    users: str = _key(_FILE, "/etc/logonscope/users", "file of users that `logonscope user` keeps; need not be there")
    pam: str = _key(
        _SERVICE, _pam, "PAM service that passwords are asked of; empty: none",
        '`"logonscope"` where `/etc/pam.d/logonscope` is, else `""`',
    )  # fmt: skip
    administrators: tuple[str, ...] = _key(_NAMES, ["sudo", "wheel"], "groups whose members see everything, as root")
    negotiate: bool = _key(_SWITCH, True, "offer Negotiate (NTLM, and Kerberos where there is a keytab) beside Basic")
    channel_binding: str = _key(
        _one_of("relaxed", "required"), "relaxed",
        "over TLS, tokens of Negotiate that are bound to the TLS channel have to be bound to this one; `required` "
        "rejects those that are bound to none, as curl and Go clients send them",
    )  # fmt: skip
    keytab: str = _key(_FILE, "", "keytab with the keys of HTTP/host and WSMAN/host, for Kerberos; empty: no Kerberos")
    allow_methods: bool = _key(
        _SWITCH, False, "let callers run methods that change something: end processes, set priorities"
    )
    max_envelope: int = _key(
        _number(8192, 4 << 20), 512_000, "bytes of the largest answer (DSP0226, wsman:MaxEnvelopeSize)"
    )
    max_request: int = _key(_number(8192, 4 << 20), 512_000, "bytes of the largest request body")
    workers: int = _key(
        _number(1, 64),
        8,
        "threads that answer, and as many that check passwords; a quarter is the most for one caller or address",
    )
    max_connections: int = _key(_number(1, 10_000), 200, "connections at once; those beyond are answered 503")
    max_connections_per_address: int = _key(
        _number(1, 10_000), 50, "of these, from one address (IPv6: one /64), or of one user of the unix socket"
    )
    contexts_per_caller: int = _key(_number(1, 10_000), 50, "enumerations that one caller may have open")
    contexts: int = _key(
        _number(1, 10_000),
        500,
        "enumerations that all callers together may have open; administrators, one caller's more",
    )
    context_seconds: int = _key(
        _number(1, 86_400), 240, "seconds after which an enumeration that nobody pulls is forgotten"
    )
    operation_timeout: int = _key(
        _number(1, 3600), 60, "seconds that one operation may take, whatever the caller asks for"
    )
    request_seconds: int = _key(
        _number(1, 3600), 60, "seconds that a connection has to send its next request whole, or to take an answer"
    )
    stop_seconds: int = _key(_number(1, 600), 10, "seconds that open requests have when the server is told to stop")
    metrics: str = _key(
        _one_of("", "administrators", "loopback"), "",
        "who may read `/metrics`: nobody, administrators, or also whoever connects from this machine",
    )  # fmt: skip
    log_level: str = _key(
        _one_of("debug", "info", "warning", "error"), "info", "from which weight on things are logged"
    )
    log_format: str = _key(_one_of("text", "json"), "text", "lines for people or for machines, on standard error")
    audit_log: str = _key(_FILE_OR_LOG, "-", "where it is written who asked for what; `-`: the log; empty: nowhere")


KEYS: Mapping[str, Field[Any]] = {key.name: key for key in fields(Settings)}


def settings(file: str | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return what the file and, over it, the command line say.

    Args:
        file: None for the usual one, which need not be there.
        overrides: what was given on the command line, by the key's name: texts, or lists of them; None: nothing.

    Raises:
        InvalidParameterError: a key or a value is none.
        AccessDeniedError: the file may not be read.
    """
    path = file or FILE
    told = {name: _of_file(path, name, value) for name, value in _read(path, must=file is not None).items()}
    given = {name: _of_flag(name, value) for name, value in (overrides or {}).items() if value is not None}
    made = Settings(**(told | given))
    if made.key and not made.certificate:
        raise InvalidParameterError("`key` is given, but no `certificate`", "give both, or none")
    if made.keytab and not made.negotiate:
        raise InvalidParameterError("`keytab` is given, but `negotiate` is off", "Kerberos comes by it: take one out")
    if made.contexts < made.contexts_per_caller:
        raise InvalidParameterError(
            f"contexts_per_caller = {made.contexts_per_caller} is more than contexts = {made.contexts}",
            "no caller can have more than all together: change one of them",
        )
    return made


def _read(path: str, *, must: bool) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except PermissionError:
        raise AccessDeniedError(f"{path} may not be read", "use sudo, or another file: --config FILE") from None
    except FileNotFoundError:
        if must:
            raise InvalidParameterError(f"there is no file {path}", "make it, or take --config out") from None
        return {}
    except OSError as error:
        raise InvalidParameterError(f"{path} cannot be read: {error.strerror}", "give another file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidParameterError(f"{path} is no TOML: {error}", "correct it; texts stand in quotes") from None


def _of_file(path: str, name: str, value: object) -> Any:
    if name not in KEYS:
        close = difflib.get_close_matches(name.replace("-", "_"), KEYS, 1)
        hint = f"did you mean {close[0]}?" if close else f"take it out; there are {', '.join(KEYS)}"
        raise InvalidParameterError(f"{path}: there is no key {name}", hint)
    kind = _kind(name)
    try:
        return _made(kind, value)
    except ValueError as error:
        wrong = f"{name} = {json.dumps(value, default=str)} is not {kind.words}"
        why = f"{name}: {error}" if isinstance(error, ListenError) else wrong
        raise InvalidParameterError(f"{path}: {why}", "correct it, or take it out for the default") from None


def _of_flag(name: str, value: object) -> Any:
    kind = _kind(name)
    try:
        return _made(kind, _typed(kind, value))
    except (ValueError, KeyError) as error:
        why = error if isinstance(error, ListenError) else f"{json.dumps(value)} is not {kind.words}"
        raise InvalidParameterError(f"--{name.replace('_', '-')}: {why}", "see `logonscope serve --help`") from None


def _made(kind: Kind, value: object) -> Any:
    if type(value) is not kind.type or not kind.fits(value):  # not isinstance: to Python, true is a number
        raise ValueError(value)
    return kind.make(value)


def _typed(kind: Kind, value: object) -> object:
    """Return a flag's text as the value that would stand in the file."""
    if kind.type is list:
        texts = value if isinstance(value, list) else [value]
        return [part for text in texts for part in str(text).split(",") if part]
    if not isinstance(value, str):
        return value
    return {"true": True, "false": False}[value] if kind.type is bool else kind.type(value)


def _kind(name: str) -> Kind:
    kind: Kind = KEYS[name].metadata["kind"]
    return kind


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give a command the flag of every key; whatever is given is a text, or a list of texts."""
    options = parser.add_argument_group("keys of the file, for this run")
    for name, key in KEYS.items():
        kind = _kind(name)
        more: dict[str, Any] = {"metavar": {int: "N", bool: "true|false", list: "A,B"}.get(kind.type, "TEXT")}
        if kind.type is bool:
            more |= {"nargs": "?", "const": "true"}
        if kind.type is list:
            more["action"] = "append"
        help_ = f"{key.metadata['meaning']} (default: {key.metadata['shown']})".replace("`", "").replace("%", "%%")
        options.add_argument(f"--{name.replace('_', '-')}", help=help_, **more)


def reference() -> str:
    """Return the keys as a table in Markdown."""
    head = ("| key | value | default | meaning |", "|---|---|---|---|")
    rows = (
        f"| `{name}` | {_kind(name).words} | {key.metadata['shown']} | {key.metadata['meaning']} |"
        for name, key in KEYS.items()
    )
    return "\n".join((*head, *rows)) + "\n"
