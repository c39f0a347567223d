"""Who stands behind the words ``connect`` and ``logonscope``? The one file that knows everybody."""

import codecs
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Literal, NamedTuple, NoReturn, TextIO, cast

from logonscope.broker import Caller, local_caller
from logonscope.client import Host, LocalHost
from logonscope.errors import InvalidParameterError, NotSupportedError
from logonscope.machine import BaseSource
from logonscope.ownership import LINUX
from logonscope.sources.choose import choose

if TYPE_CHECKING:
    import argparse

    from logonscope.client.credentials import Ask
    from logonscope.faces.cli.user import Users
    from logonscope.machine.snapshot import Snapshot

Visibility = Literal["own", "kernel"]

YOUNGEST = 20_000
"""Objects that are made before some are looked through for garbage: a short command makes fewer, and has none."""

NO_ROOM, NOT_WRITTEN, INTERRUPTED = 70, 74, 130
"""Exit codes that no command returns: see faces/cli/exit_codes.py, which is imported late."""

IN_ASCII = "logonscope.ascii"
"""The name of the error handler of a stream that has to encode what its terminal cannot show."""

A_MOMENT = 0.001
"""Seconds until an interrupt that was ignored comes again."""

_NO_ROOM_LEFT = {errno.EAGAIN, errno.EMFILE, errno.ENFILE}
"""What the kernel says where a limit of processes or files is reached."""


def connect(
    host: str | os.PathLike[str] | BaseSource | None = None,
    *,
    visibility: Visibility = "own",
    user: str | None = None,
    password: str | None = None,
    certificate: str | None = None,
    timeout: float | None = None,
) -> Host:
    """Return a host to ask.

    Args:
        host: None for this machine, the URL of another one (``https://web1:5986``), else a file that
            ``logonscope record`` wrote, or "-" for one on standard input; or a Source of one's own
            (docs/adding-a-source.md), which its reader sees whole.
        visibility: what somebody without elevation sees of this machine: "own" logon sessions alone, as the documented
            remark on Win32_SessionProcess has it, or whatever the "kernel" lets one read anyway.
        user: as whom to come to another machine; else the URL or LOGONSCOPE_USER says.
        password: there; else LOGONSCOPE_PASSWORD, the keyring, or Kerberos.
        certificate: a PEM file to trust there; else LOGONSCOPE_CA, or what the system trusts.
        timeout: seconds to wait for one answer from there; None: 90.

    Raises:
        AccessDeniedError: there is neither a password nor a ticket for another machine.
        InvalidParameterError: there is no such file, or no such visibility, or no such time.
        RecordingError: the file is damaged, or newer than this Logonscope.
        NotSupportedError: this machine cannot be read, or other machines not asked.
    """
    if visibility not in {"own", "kernel"}:
        raise InvalidParameterError(f"no visibility {visibility!r}", 'give "own" or "kernel"')
    if isinstance(host, BaseSource):
        return LocalHost(host, LINUX, Caller(f"the reader of {host.label}", None, administrator=True), _save)
    try:
        where = None if host is None else os.fspath(host)
    except TypeError:
        hint = "give a file, a URL, a Source (logonscope.machine.BaseSource), or nothing"
        raise InvalidParameterError(f"{type(host).__name__} is no host", hint) from None
    if where is not None and "://" in where:
        return _remote(where, Credentials(user, password, certificate), timeout)
    return LocalHost(choose(where), LINUX, _caller(where, visibility), _save)


class Credentials(NamedTuple):
    """What somebody shows to another machine, as far as it was given."""

    user: str | None = None
    password: str | None = None
    certificate: str | None = None


def _remote(where: str, given: Credentials, timeout: float | None, ask: "Ask | None" = None) -> Host:
    from logonscope.client.credentials import CERTIFICATE, password_of, user_of  # noqa: PLC0415 -- seldom asked for
    from logonscope.client.wsman_client import Link, parse_url  # noqa: PLC0415 -- the same
    from logonscope.client.wsman_host import WsmanHost  # noqa: PLC0415 -- the same

    url = parse_url(where)
    user = user_of(given.user or url.user)
    password = given.password or password_of(user, url.host, ask)
    trusted = given.certificate or os.environ.get(CERTIFICATE) or None
    return WsmanHost(Link(url._replace(user=user), password, trusted, timeout))


def _from_terminal(host: str | None, *, visibility: Visibility, certificate: str | None, timeout: float | None) -> Host:
    """Return a host for the command line, which may ask for a password."""
    if host is None or "://" not in host:
        return connect(host, visibility=visibility)
    from getpass import getpass  # noqa: PLC0415 -- seldom asked for

    ask = getpass if sys.stdin and sys.stdin.isatty() else None
    return _remote(host, Credentials(certificate=certificate), timeout, ask)


def users(path: str) -> "Users":
    """Return the users whom the server lets in beside those of the machine.

    Raises:
        NotSupportedError: the server is not installed.
    """
    try:
        from logonscope.server.auth.user_file import UserFile  # noqa: PLC0415 -- argon2: no question needs it
    except ImportError as error:
        from logonscope.extras import install_command  # noqa: PLC0415 -- seldom needed

        raise NotSupportedError(f"there is no module {error.name} here", f"run {install_command('server')}") from None
    return UserFile(path)


class Served(NamedTuple):
    """``logonscope serve``, as the command line takes it."""

    EXAMPLES: str
    add_arguments: Callable[["argparse.ArgumentParser"], None]
    run: Callable[["argparse.Namespace"], int]


def served() -> Served:
    """Return the command that serves, imported late."""
    from logonscope.server import command  # noqa: PLC0415 -- whoever asks this machine needs no server

    return Served(
        command.EXAMPLES, command.add_arguments, lambda args: command.run(args, choose(args.host), LINUX, _peer)
    )


def _peer(uid: int) -> Caller:
    """Return who somebody on this machine is, who calls through a unix socket: only root is elevated."""
    import pwd  # noqa: PLC0415 -- Unix alone has it, and needs it here

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return local_caller(name, uid, 0)


def main() -> int:
    """Run the command ``logonscope``."""
    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            sys.unraisablehook = _ignored if hasattr(signal, "setitimer") else sys.unraisablehook
            signal.signal(signal.SIGINT, _interrupt)
        return _run()
    except KeyboardInterrupt:
        return INTERRUPTED
    except RuntimeError as error:
        if "thread" not in str(error):
            raise
        return _fail(NO_ROOM, "cannot answer: no more threads can be started; raise the limit (ulimit -u)")
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise  # to __main__, which says so without more memory
        if error.errno in _NO_ROOM_LEFT:
            return _fail(NO_ROOM, f"cannot answer: {error.strerror}; raise the limits (ulimit -a)")
        return _fail(NOT_WRITTEN, f"cannot write the answer: {error.strerror}; see where the output goes")


def _run() -> int:
    from logonscope.faces.cli import run  # noqa: PLC0415 -- whoever imports connect() needs no command line

    if hasattr(gc, "freeze"):  # what is imported stays to the end: nothing to collect, not even then
        gc.freeze()
    gc.set_threshold(YOUNGEST)
    gc.enable()
    _prepare_streams()
    try:
        code = run(sys.argv[1:], _from_terminal, users, {"serve": served})
    except SystemExit as left:  # argparse has printed help, or refused
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    sys.stdout.flush()
    return code


def _interrupt(*_: object) -> NoReturn:
    """End in good order at the first Ctrl-C, and at once at the second."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _ignored(ignored: "sys.UnraisableHookArgs") -> None:
    """Interrupt once more where Python had to ignore it: it came in a callback, as imports have them."""
    if isinstance(ignored.exc_value, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, A_MOMENT)
    else:
        sys.__unraisablehook__(ignored)


def _fail(code: int, message: str) -> int:
    """Say in one line why there is no answer; what waits to be written must not fail once more at the end."""
    try:
        sys.stderr.write(f"logonscope: {message}\n")
        with open(os.devnull, "w", encoding="ascii") as nowhere:
            os.dup2(nowhere.fileno(), 1)
    except OSError:
        os._exit(code)  # there is nobody left to say it to
    return code


def _prepare_streams() -> None:
    codecs.register_error(IN_ASCII, _in_ascii)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `logonscope ps | head` ends as every other command does
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us; its number must not be given to a file
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- for as long as we run
            setattr(sys, name, _closed_output() if name == "stdout" else nowhere)
            _KEPT.append(nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=IN_ASCII)
            if stream.isatty() and _is_plain_c_locale():
                stream.reconfigure(encoding="ascii", errors=IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that a terminal cannot show: an error handler of codecs."""
    from logonscope.faces.cli.encoding import in_ascii  # noqa: PLC0415 -- most terminals show everything

    return in_ascii(error)


def _is_plain_c_locale() -> bool:
    from logonscope.faces.cli.encoding import is_plain_c_locale  # noqa: PLC0415 -- for terminals alone

    return is_plain_c_locale()


def _closed_output() -> TextIO:
    from logonscope.faces.cli.encoding import ClosedOutput  # noqa: PLC0415 -- seldom is it closed

    return cast("TextIO", ClosedOutput())


_KEPT: list[IO[str]] = []
"""Files that stay open for as long as we run."""


def _caller(host: str | None, visibility: Visibility) -> Caller:
    if not hasattr(os, "geteuid") or not (host is None or os.path.isdir(host)):
        return Caller("whoever can read the recording", None, administrator=True)
    uid = os.geteuid()
    caller = local_caller(f"uid {uid}", uid, _capabilities())
    if visibility == "kernel" and not caller.administrator:
        return Caller(f"{caller.name}, shown all that the kernel lets it read,", uid, administrator=True)
    return caller


def _capabilities() -> int:
    """Return the capabilities in effect of this process (proc(5), CapEff)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next((int(line.split()[1], 16) for line in file if line.startswith("CapEff:")), 0)


def _save(snapshot: "Snapshot", path: str, replace: bool) -> int:  # noqa: FBT001 -- the shape that the client calls
    from logonscope.sources.recording import save  # noqa: PLC0415 -- gzip and json: most questions need neither

    return save(snapshot, path, replace)
