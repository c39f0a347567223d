"""``logonscope page``: its arguments, and the checks before the page is served."""

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from logonscope.errors import Hint, HintCode, InvalidParameterError, NotSupportedError

if TYPE_CHECKING:
    from logonscope.server.page_run import PageHost

EPILOG = """\
The page is for you alone: the command listens on loopback, and writes a file that opens the page in your browser, once.
The page shows what you may see. Ctrl-C ends the command.

examples:
  sudo logonscope page            this host, with all logon sessions, in your own browser
  logonscope page                 this host, as far as you may see it
  logonscope page web1.lsr        a recording
  logonscope page --no-browser    print the address of the file that opens the page
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("recording", metavar="RECORDING", nargs="?", help="a file that `logonscope record` wrote")
    parser.add_argument("--port", type=int, default=0, help="the port on loopback (default: a free one)")
    no_browser = "print the address of the file that opens the page, and open no browser"
    parser.add_argument("--no-browser", action="store_true", help=no_browser)


def run(args: argparse.Namespace, choose_host: Callable[[str | None], "PageHost"], page_folder: str) -> int:
    """Serve the page until a signal stops it; return the exit code.

    Raises:
        InvalidParameterError: a recording and ``--host`` are both given; the host is another machine; the recording
            does not exist; or the port is out of range.
        NotSupportedError: the server is not installed.
        LogonscopeError: raised by ``choose_host`` or ``page_run.run``.
    """
    if args.recording is not None and args.host is not None:
        raise InvalidParameterError("the recording and --host name two hosts", "give one of them")
    name = args.recording or args.host
    if name is not None and "://" in name:
        reason = "cannot open the page of another machine on this one"
        raise InvalidParameterError(reason, f"open {name} in a browser: `logonscope serve` has the page, too")
    # choose_host would suggest a URL for a file that does not exist
    if name not in {None, "-"} and not os.path.exists(name):
        raise InvalidParameterError(f"recording {name!r} does not exist", Hint(HintCode.USE_RECORDING))
    if not 0 <= args.port <= 65535:
        raise InvalidParameterError(f"invalid port {args.port}: expected 0 to 65535")
    try:
        from logonscope.server import page_run  # noqa: PLC0415 -- the help of this command does not need it
    except ImportError as error:
        from logonscope.extras import install_command  # noqa: PLC0415 -- seldom needed

        reason = f"cannot open the page: the Python module {error.name} is not installed"
        raise NotSupportedError(reason, f"run {install_command('server')}") from None
    page_run.run(choose_host(name), args.port, page_folder, opens_browser=not args.no_browser)
    return 0
