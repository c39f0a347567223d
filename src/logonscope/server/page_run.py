"""The server of ``logonscope page``, on loopback, for the user who runs the command.

The address of the page has a token that works once. The browser gets the address from a file of mode 0600, not from its
arguments, which other users can see. The page exchanges this token for another one, which it keeps in memory. If the
command runs by sudo, the file belongs to the user who ran sudo, the browser runs as this user, and the page shows what
root may see.
"""

import os
import pwd
import shutil
import tempfile
from html import escape
from typing import NamedTuple

from logonscope.broker import Caller
from logonscope.dispatch.dispatcher import Dispatcher
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.machine import Ownership, Source
from logonscope.server import server
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.page_tokens import PageTokens
from logonscope.server.auth.passwords import Passwords
from logonscope.server.auth.throttle import Throttle
from logonscope.server.configuration import Settings, parse_listener
from logonscope.server.http import HttpDoor, ServerParts, application
from logonscope.server.json import JSON_PATHS, JsonDoor
from logonscope.server.json_schemas import documents
from logonscope.server.listening_sockets import open_sockets
from logonscope.server.origin_policy import OriginPolicy
from logonscope.server.page import load_page
from logonscope.server.page_browser import find_sudo_user, open_browser
from logonscope.server.page_sign_in import page_routes
from logonscope.server.worker_pool import WorkerPool

_REDIRECT = """<!doctype html><meta charset="utf-8"><title>Logonscope</title>
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={url}"><a href="{url}">Open the page</a>
"""


class PageHost(NamedTuple):
    """The host that the page shows: its source and ownership rules, and the caller of all requests."""

    source: Source
    ownership: Ownership
    caller: Caller


def run(host: PageHost, port: int, page_folder: str, *, opens_browser: bool = True) -> None:
    """Serve the page until a signal stops it.

    Args:
        host: the host that the page shows.
        port: the port on loopback; 0: a free one.
        page_folder: the folder with the program and the styles of the page.
        opens_browser: open a browser, too.

    Raises:
        AccessDeniedError: this user may not use the port.
        InvalidParameterError: the port is in use, or there is no loopback address.
    """
    settings = Settings(listen=(parse_listener(f"http://127.0.0.1:{port}"),), stop_seconds=1)
    tokens = PageTokens(host.caller)
    parts = build_server_parts(host, settings, tokens, page_folder)
    sockets = open_sockets(settings.listen)
    user = find_sudo_user()
    redirect = RedirectFile(f"http://127.0.0.1:{sockets[0].socket.getsockname()[1]}/#once={tokens.once}", user)
    print(f"Open {redirect.url} in a browser. Ctrl-C ends the page.", flush=True)  # noqa: T201 -- the output of this command
    if opens_browser:
        open_browser(redirect.url, user)
    try:
        server.run(application(parts), settings, sockets, on_stop=parts.dispatcher.close, is_stuck=parts.are_stuck)
    finally:
        redirect.remove()
        host.source.close()


def build_server_parts(host: PageHost, settings: Settings, tokens: PageTokens, page_folder: str) -> ServerParts:
    """Build the parts of the application: the page and the JSON door, which accept no credentials but ``tokens``."""
    authenticator = Authenticator(Passwords([], Throttle()), None, _powerless_caller, find_token=tokens.find_caller)
    enumerations = Enumerations(settings.contexts, settings.contexts_per_caller, float(settings.context_seconds))
    limits = Limits(settings.max_envelope, float(settings.operation_timeout))
    dispatcher = Dispatcher(host.source, host.ownership, enumerations, limits)
    policy = OriginPolicy(settings.hosts, settings.origins)
    door = HttpDoor(JsonDoor(), JSON_PATHS, documents=documents(), admission=policy, has_faults_for_http=True)
    pool, password_pool = WorkerPool(settings.workers, "answer"), WorkerPool(1, "password")
    parts = ServerParts(authenticator, dispatcher, (door,), pool, password_pool, settings.max_request)
    return parts._replace(routes=page_routes(parts, load_page(page_folder), policy, tokens))


class RedirectFile:
    """A file that sends a browser to an address, and that only the browser's user and root can read."""

    def __init__(self, address: str, user: pwd.struct_passwd | None = None) -> None:
        """Write the file; it belongs to ``user``, or, if ``user`` is None, to the user of this process."""
        # XDG_RUNTIME_DIR has mode 0700 and is in memory.
        self._folder = tempfile.mkdtemp(prefix="logonscope-page-", dir=os.environ.get("XDG_RUNTIME_DIR") or None)
        path = os.path.join(self._folder, "page.html")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(_REDIRECT.format(url=escape(address)))
            if user is not None:
                # the directory still belongs to root, who removes it: others may only pass through it
                os.chmod(self._folder, 0o711)  # noqa: S103 -- the mode of the file decides who reads it
                os.fchown(file.fileno(), user.pw_uid, user.pw_gid)
        self.url = f"file://{path}"

    def remove(self) -> None:
        """Remove the file and its directory."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _powerless_caller(uid: int) -> Caller:
    """Return a caller without rights.

    Only a client of a unix socket is authenticated by its uid, and this server has no unix socket.
    """
    return Caller(f"uid {uid}", None, administrator=False)
