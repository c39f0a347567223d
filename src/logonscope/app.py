"""Functions that join a source, ownership rules and a caller: ``connect``, and functions for the commands."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from logonscope import __version__
from logonscope.broker import Caller, local_caller
from logonscope.client import Host, LocalHost
from logonscope.errors import InvalidParameterError, NotSupportedError
from logonscope.machine import BaseSource, Source
from logonscope.sources.choose import choose_source

if TYPE_CHECKING:
    import argparse

    from logonscope.client.credentials import PasswordPrompt
    from logonscope.client.remote_url import Url
    from logonscope.faces.cli.user import Users
    from logonscope.machine.snapshot import Snapshot
    from logonscope.server.configuration import Settings
    from logonscope.server.page_run import PageHost

SERVICE_SOCKET = "/run/logonscope/socket"
"""The unix socket of the service of this machine."""

HISTORY_FOLDER = "/var/lib/logonscope/history"
"""The folder of the history of this machine."""

UNIX_PREFIX = "unix:"

VisibilityName = Literal["own", "kernel"]


def connect(
    host: str | os.PathLike[str] | BaseSource | None = None,
    *,
    visibility: VisibilityName = "own",
    user: str | None = None,
    password: str | None = None,
    certificate: str | None = None,
    timeout: float | None = None,
    token: str | None = None,
    direct: bool = False,
    view_as: int | str | None = None,
) -> Host:
    """Return a host to query: this machine, another machine, a recording or a source.

    Args:
        host: None for this machine; the URL of another one (``https://web1:5986``); a unix socket of a server
            (``unix:/run/logonscope/socket``); a file that ``logonscope record`` wrote, or "-" for a recording on
            standard input; a folder with the /proc, /run and /etc of another machine, such as a mounted image; or a
            source, an instance of a subclass of ``logonscope.machine.BaseSource`` (docs/adding-a-source.md). The uid
            of this process limits what is shown of this machine and of a folder. Recordings and sources are shown
            whole.
        visibility: what a caller who is no administrator sees of this machine or a folder: only its "own" logon
            sessions (as the documentation of Win32_SessionProcess remarks), or all that the "kernel" lets it read (on
            the command line: ``--readable``).
        user: the user name for another machine; default: the name in the URL; without one, LOGONSCOPE_USER.
        password: the password for another machine; default: LOGONSCOPE_PASSWORD; without it, the keyring. If there is
            no password in either place, Kerberos is used.
        certificate: a PEM file to trust for another machine; default: LOGONSCOPE_CA; without it, the system's
            certificates.
        timeout: seconds to wait for the next part of a response, of another machine or of a socket that ``host``
            names; None: 90.
        token: a token of another machine (`logonscope token add`); default: LOGONSCOPE_TOKEN, unless ``password`` is
            given.
        direct: read this machine in this process (on the command line: ``--direct``). By default the service of this
            machine (`logonscope serve`) answers if it runs, unless this process may see everything itself, or the
            visibility is "kernel".
        view_as: show what this user (an account of the host, or a uid) would see; for administrators, and only to read
            (on the command line: ``--as``).

    Raises:
        AccessDeniedError: there is neither a password nor a Kerberos ticket for another machine; or the caller is no
            administrator, and gives ``view_as`` (if the host is a server, the first request raises it).
        InvalidParameterError: the file does not exist; ``host`` is of another type; the visibility is invalid; the
            timeout is invalid, and the host uses it; or there are credentials, and ``host`` is not a URL.
        NotFoundError: the host has no account ``view_as`` (if it is a server, the first request raises this error).
        RecordingError: the recording is damaged, or of a newer version of Logonscope.
        NotSupportedError: this machine cannot be read; the client for WS-Management is not installed; or ``view_as``
            is given for another machine, there is no token, and the URL is http:// or Kerberos is used.
    """
    if visibility not in {"own", "kernel"}:
        raise InvalidParameterError(f"invalid visibility {visibility!r}: expected 'own' or 'kernel'")
    viewed_user = None if view_as is None else str(view_as)
    credentials = RemoteCredentials(user, password, certificate, token)
    if isinstance(host, BaseSource):
        _check_no_credentials(credentials)
        reader = Caller(f"the reader of {host.label}", None, administrator=True)
        source_host = _read_here(None, reader, host)
        return source_host if viewed_user is None else _view(source_host, viewed_user)
    try:
        address = None if host is None else os.fspath(host)
    except TypeError:
        expected = "a file, a URL, a Source (logonscope.machine.BaseSource), or None"
        raise InvalidParameterError(f"invalid host of type {type(host).__name__}: expected {expected}") from None
    if address is not None and "://" in address:
        return _connect_remote(address, credentials, timeout, view_as=viewed_user)
    _check_no_credentials(credentials)
    if address is not None and address.startswith(UNIX_PREFIX):
        _check_timeout(timeout)
        from logonscope.client.service import connect_to_socket  # noqa: PLC0415 -- seldom needed

        return connect_to_socket(address.removeprefix(UNIX_PREFIX), timeout, viewed_user)
    if viewed_user is not None:
        local_host = _read_here(address, _local_caller_for(address, visibility))
        return _view(local_host, viewed_user, is_logged=address is None)
    return _connect_local(address, visibility, direct=direct)


def _check_timeout(timeout: float | None) -> None:
    """Check the seconds to wait for a response of a server."""
    # not "timeout <= 0", which is false for NaN
    if timeout is not None and not timeout > 0:
        raise InvalidParameterError(f"invalid timeout {timeout:g} s: must be greater than 0", "give seconds")


def _check_no_credentials(credentials: "RemoteCredentials") -> None:
    """Check that there are no credentials for a host that takes none, so that a mistake in ``host`` is noticed."""
    given_names = [name for name, value in credentials._asdict().items() if value is not None]
    if given_names:
        hint = f"give the URL of a host, or leave {', '.join(given_names)} out"
        raise InvalidParameterError(f"{given_names[0]} is for another machine, and the host is not a URL", hint)


def _view(host: LocalHost, user: str, *, is_logged: bool = False) -> Host:
    """Return a host as another user sees it; if ``is_logged``, log this view by syslog(3)."""
    from logonscope.broker.view_as import view_as  # noqa: PLC0415 -- seldom needed

    caller_for_view = view_as(host.request(), user)
    if is_logged:
        import syslog  # noqa: PLC0415 -- seldom needed

        syslog.openlog("logonscope", 0, syslog.LOG_AUTHPRIV)
        syslog.syslog(syslog.LOG_NOTICE, f"uid {os.getuid()} asks what uid {caller_for_view.uid} sees")
    return host.viewed_by(caller_for_view)


def _connect_local(address: str | None, visibility: VisibilityName, *, direct: bool) -> Host:
    """Return this machine, a folder or a recording.

    For this machine, the service answers if the service sees more than this process.
    """
    caller = _local_caller_for(address, visibility)
    # A caller that can read everything needs no service. With visibility "kernel", this process shows the caller more
    # than the service would.
    if address is None and not direct and not caller.administrator and os.path.exists(SERVICE_SOCKET):
        from logonscope.client.service import connect_to_service  # noqa: PLC0415 -- many machines have no service

        service = connect_to_service(SERVICE_SOCKET, __version__, partial(_read_here, None, caller))
        if service is not None:
            return service
    return _read_here(address, caller)


def _read_here(address: str | None, caller: Caller, source: Source | None = None) -> LocalHost:
    """Return a host that this process reads: this machine, a folder, a recording, or the given source."""
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- where the service answers, no rules are needed

    open_events = None
    if source is None:
        source = choose_source(address)
        if address is None:
            add_history(source)
            open_events = _open_events
    return LocalHost(source, LINUX, caller, _save_recording, open_events)


def _open_events() -> Source:
    """Return a source of this machine with events, from the best of the event sources that this process may read."""
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- as in _read_here
    from logonscope.sources.live.choose import make_live  # noqa: PLC0415 -- seldom needed

    return make_live(choose_source(None), LINUX, needs_writes=False)


def add_history(source: Source) -> None:
    """Give the source of this machine the history that its service keeps, if this process can read its files."""
    if os.path.isdir(HISTORY_FOLDER) and os.access(f"{HISTORY_FOLDER}/journal.db", os.R_OK):
        from logonscope.journal.history import JournalHistory  # noqa: PLC0415 -- many machines keep no history

        source.history = JournalHistory(HISTORY_FOLDER)


class RemoteCredentials(NamedTuple):
    """Credentials for another machine; None where the caller gave none."""

    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    token: str | None = None


def _connect_remote(
    address: str,
    credentials: RemoteCredentials,
    timeout: float | None,
    ask_password: "PasswordPrompt | None" = None,
    *,
    view_as: str | None = None,
) -> Host:
    """Return another machine as a host; nothing is sent yet."""
    from logonscope.client.credentials import CERTIFICATE, TOKEN, find_password, find_user  # noqa: PLC0415 -- seldom needed
    from logonscope.client.remote_url import parse_url  # noqa: PLC0415 -- seldom needed

    url = parse_url(address)
    _check_timeout(timeout)
    trusted_file = credentials.certificate or os.environ.get(CERTIFICATE) or None
    # A password in the call has priority over a token in the environment: it was given for this host.
    token = credentials.token or ("" if credentials.password else os.environ.get(TOKEN)) or None
    if token is not None:
        return _connect_by_token(url, token, trusted_file, timeout, view_as)
    user = find_user(credentials.user or url.user)
    password = credentials.password or find_password(user, url.host, ask_password)
    make_wsman = partial(_connect_wsman, url._replace(user=user), password, trusted_file, timeout)
    # Over HTTP and with Kerberos, only WS-Management can encrypt and authenticate.
    if url.scheme == "http" or user is None or password is None:
        if view_as is not None:
            from logonscope.client.remote_host import no_view_error  # noqa: PLC0415 -- seldom needed

            raise no_view_error(url.host)
        return make_wsman()
    from logonscope.client.https_connection import HttpsServer, make_context  # noqa: PLC0415 -- seldom needed
    from logonscope.client.remote_host import RemoteHost  # noqa: PLC0415 -- seldom needed

    server = HttpsServer(url.host, url.port, make_context(trusted_file), user, password)
    return RemoteHost(server, timeout, make_wsman, view_as)


def _connect_by_token(
    url: "Url", token: str, trusted_file: str | None, timeout: float | None, view_as: str | None = None
) -> Host:
    """Return another machine as a host of the JSON API: WS-Management takes no tokens."""
    from logonscope.client.https_connection import HttpsServer, make_context  # noqa: PLC0415 -- seldom needed
    from logonscope.client.json_client import JsonClient  # noqa: PLC0415 -- seldom needed
    from logonscope.client.json_host import JsonHost  # noqa: PLC0415 -- seldom needed

    if not url.is_private:
        reason = f"cannot send a token over http to {url.host}"
        raise InvalidParameterError(reason, "give https://; over http, a token is sent to localhost only")
    context = make_context(trusted_file) if url.scheme == "https" else None
    server = HttpsServer(url.host, url.port, context, token=token)
    return JsonHost(JsonClient(server.connect, url.host, timeout, view_as=view_as))


def _connect_wsman(url: "Url", password: str | None, trusted_file: str | None, timeout: float | None) -> Host:
    from logonscope.client.wsman_client import WsmanClient  # noqa: PLC0415 -- seldom needed
    from logonscope.client.wsman_host import WsmanHost  # noqa: PLC0415 -- seldom needed

    return WsmanHost(WsmanClient(url, password, trusted_file, timeout))


def connect_from_terminal(
    host: str | None,
    *,
    visibility: VisibilityName,
    certificate: str | None,
    timeout: float | None,
    direct: bool = False,
    view_as: str | None = None,
) -> Host:
    """Return a host for the command line.

    If a user is named, but no password is found, ask for the password, if standard input is a terminal.
    """
    if host is None or "://" not in host:
        return connect(host, visibility=visibility, timeout=timeout, direct=direct, view_as=view_as)
    from getpass import getpass  # noqa: PLC0415 -- seldom needed

    ask_password = getpass if sys.stdin and sys.stdin.isatty() else None
    return _connect_remote(host, RemoteCredentials(certificate=certificate), timeout, ask_password, view_as=view_as)


def open_user_file(path: str) -> "Users":
    """Return a user file of the server.

    Raises:
        NotSupportedError: the server is not installed.
    """
    try:
        from logonscope.server.auth.user_file import UserFile  # noqa: PLC0415 -- argon2: only the server and `user` need it
    except ImportError as error:
        from logonscope.extras import install_command  # noqa: PLC0415 -- seldom needed

        message = f"cannot manage users: module {error.name} is not installed"
        raise NotSupportedError(message, f"run {install_command('server')}") from None
    return UserFile(path)


class ServerCommand(NamedTuple):
    """A command of the server, with the same attributes as the module of a command in faces/cli."""

    EPILOG: str
    add_arguments: Callable[["argparse.ArgumentParser"], None]
    run: Callable[["argparse.Namespace"], int]


def load_serve_command() -> ServerCommand:
    """Return the command ``serve``; import its module only when called."""
    from logonscope.server import command  # noqa: PLC0415 -- the other commands need no server

    return ServerCommand(command.EPILOG, command.add_arguments, _run_server)


def load_token_command() -> ServerCommand:
    """Return the command ``token``; import its module only when called."""
    from logonscope.faces.cli import token  # noqa: PLC0415 -- only this command

    return ServerCommand(token.EPILOG, token.add_arguments, _run_token_command)


def _run_token_command(args: "argparse.Namespace") -> int:
    """Run ``logonscope token`` with the file that the command line names; return the exit code."""
    from logonscope.faces.cli import token  # noqa: PLC0415 -- only this command
    from logonscope.server.auth.token_file import TokenFile  # noqa: PLC0415 -- only this command

    return token.run(TokenFile(args.tokens), args)


def _run_server(args: "argparse.Namespace") -> int:
    """Run ``logonscope serve`` with the source that the command line chooses; return the exit code."""
    from logonscope.faces import web  # noqa: PLC0415 -- the other commands need no page
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- as in _read_here
    from logonscope.server import command  # noqa: PLC0415 -- the other commands need no server

    open_source = partial(open_live_source, choose_source(args.host), is_here=args.host is None)
    return command.run(args, open_source, LINUX, _unix_peer_caller, web.FOLDER)


def open_live_source(plain_source: Source, settings: "Settings", *, is_here: bool) -> Source:
    """Return the source that the server reads: live and with a history, if the settings say so.

    Args:
        plain_source: reads the host, without events and without a history.
        settings: the settings of the server.
        is_here: the host is this machine.

    Raises:
        InvalidParameterError: the setting ``history`` is on, but another host is served, the setting ``live`` is off,
            or another process uses the files of the history.
    """
    from logonscope.server.settings_check import check_history  # noqa: PLC0415 -- the other commands need no server

    if not is_here and settings.history:
        raise InvalidParameterError("history = true needs the events of this machine", "leave --host out")
    check_history(settings)
    if settings.live == "false" or not is_here:
        return plain_source
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- as in _read_here
    from logonscope.sources.live.choose import make_live  # noqa: PLC0415 -- only the server keeps events

    if not settings.history:
        return make_live(plain_source, LINUX, needs_writes=settings.live == "auto")
    from logonscope.journal.service import HistoryService, make_policy  # noqa: PLC0415 -- many servers keep no history

    policy = make_policy(
        dict(settings.history_keep), settings.history_size, settings.history_command_lines, settings.history_exclude,
        settings.history_redact,
    )  # fmt: skip
    service = HistoryService(os.path.join(settings.state, "history"), plain_source, LINUX, policy, __version__)
    live = make_live(plain_source, LINUX, needs_writes=settings.live == "auto", remembered=service.remembered_logins())
    live.history = plain_source.history = service.start(live, live.has_kernel_events)
    live.service_checks = (*live.service_checks, live.check_history)
    return live


def load_page_command() -> ServerCommand:
    """Return the command ``page``; import its module only when called."""
    from logonscope.server import page_command  # noqa: PLC0415 -- the other commands need no server

    return ServerCommand(page_command.EPILOG, page_command.add_arguments, _run_page)


def _run_page(args: "argparse.Namespace") -> int:
    """Run ``logonscope page`` about this machine, a folder or a recording; return the exit code."""
    from logonscope.faces import web  # noqa: PLC0415 -- the other commands need no page
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- as in _read_here
    from logonscope.server import page_command  # noqa: PLC0415 -- the other commands need no server

    visibility: VisibilityName = "kernel" if args.readable else "own"

    def choose_host(name: str | None) -> "PageHost":
        from logonscope.server.page_run import PageHost  # noqa: PLC0415 -- the help of this command does not need it

        source = open_page_source() if name is None else choose_source(name)
        return PageHost(source, LINUX, _local_caller_for(name, visibility))

    return page_command.run(args, choose_host, web.FOLDER)


def open_page_source() -> Source:
    """Return the source of this machine for ``logonscope page``, with events, and with the history of the service."""
    plain_source = choose_source(None)
    add_history(plain_source)
    from logonscope.ownership import LINUX  # noqa: PLC0415 -- as in _read_here
    from logonscope.sources.live.choose import make_live  # noqa: PLC0415 -- seldom needed

    live = make_live(plain_source, LINUX, needs_writes=False)
    live.history = plain_source.history
    return live


def _unix_peer_caller(uid: int) -> Caller:
    """Return the caller for the peer of a unix socket: only root is an administrator."""
    import pwd  # noqa: PLC0415 -- only Unix has it, and only Unix needs it here

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return local_caller(name, uid, 0)


def _local_caller_for(host: str | None, visibility: VisibilityName) -> Caller:
    """Return this process as a caller. It sees all of a recording, which the permissions of its file protect."""
    # Without geteuid (Windows) only recordings can be read. A folder is no recording, but the root directory of another
    # host: what is visible in it depends on the uid of this process.
    if not hasattr(os, "geteuid") or not (host is None or os.path.isdir(host)):
        return Caller("the reader of the recording", None, administrator=True)
    uid = os.geteuid()
    caller = local_caller(f"uid {uid}", uid, _capabilities())
    if visibility == "kernel" and not caller.administrator:
        # The caller is made an administrator: then only the kernel's permissions on /proc limit what it sees.
        return Caller(f"{caller.name} (visibility 'kernel')", uid, administrator=True, limited_by_kernel=True)
    return caller


def _capabilities() -> int:
    """Return the effective capabilities of this process as a bit mask (proc(5), CapEff); 0 if /proc is not mounted."""
    # read as bytes: the name of the process, in the first line, need not be valid UTF-8
    try:
        with open("/proc/self/status", "rb") as file:
            return next((int(line.split()[1], 16) for line in file if line.startswith(b"CapEff:")), 0)
    except FileNotFoundError:
        return 0


def _save_recording(snapshot: "Snapshot", path: str, replace: bool) -> int:  # noqa: FBT001 -- the signature that the client calls
    from logonscope.sources.recording import save_recording  # noqa: PLC0415 -- imports gzip and json, which only recordings need

    return save_recording(snapshot, path, replace)
