"""``logonscope serve``: its flags, its help, and the check of its settings."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from logonscope.broker import Caller
from logonscope.errors import NotSupportedError
from logonscope.machine import Ownership, Source
from logonscope.server import configuration

EPILOG = """\
By default it listens on loopback only. Clients authenticate as users of `logonscope user`, or of PAM.

examples:
  sudo logonscope user add scanner --administrator --ntlm
  sudo logonscope serve                                    ports 5985 (HTTP) and 5986 (TLS), on loopback
  sudo logonscope serve --listen https://0.0.0.0:5986      to the network, over TLS
  sudo logonscope serve --config my.toml --check           check the settings, without serving
  logonscope --host web1.lsr serve --users my-users --state my-state    serve a recording, to test a client
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command to a parser."""
    parser.add_argument(
        "--config", metavar="FILE", help=f"settings file (default: {configuration.SETTINGS_FILE}, if it exists)"
    )
    parser.add_argument("--check", action="store_true", help="check the settings and print a summary, without serving")
    configuration.add_flags(parser)


def run(
    args: argparse.Namespace,
    open_source: Callable[[configuration.Settings], Source],
    ownership: Ownership,
    caller_of_uid: Callable[[int], Caller],
    page_folder: str = "",
) -> int:
    """Run the server until a signal stops it, or with ``--check`` only check its settings; return the exit code.

    Args:
        args: the arguments of the command line.
        open_source: returns, for the settings, the source of the served host, with its history.
        ownership: the ownership rules of the served host.
        caller_of_uid: returns the caller for a uid of this host.
        page_folder: the folder of the page; empty: no page is served.

    Raises:
        NotSupportedError: the server is not installed.
        LogonscopeError: the settings are invalid, or the server cannot start with them.
    """
    settings = configuration.read_settings(args.config, _flags(vars(args)))
    try:
        from logonscope.server import serve, settings_check  # noqa: PLC0415 -- the help of this command needs neither
    except ImportError as error:
        from logonscope.extras import install_command  # noqa: PLC0415 -- seldom needed

        reason = f"cannot run the server: the Python module {error.name} is not installed"
        raise NotSupportedError(reason, f"run {install_command('server')}") from None
    if args.check:
        print("\n".join(settings_check.check_settings(settings)))  # noqa: T201 -- the output of this command
        return 0
    source = open_source(settings)
    try:
        serve.serve(serve.ServedHost(source, ownership, caller_of_uid), settings, page_folder)
    finally:
        if source.history is not None:
            source.history.close()
        source.close()
    return 0


def _flags(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are keys of the settings."""
    keys = {key.name for key in dataclasses.fields(configuration.Settings)}
    return {name: value for name, value in args.items() if name in keys}
