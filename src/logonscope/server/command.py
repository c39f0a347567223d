"""``logonscope serve``: what does it take, and what does it say before it serves?"""

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from logonscope.broker import Caller
from logonscope.errors import NotSupportedError
from logonscope.machine import Ownership, Source
from logonscope.server import configuration

EXAMPLES = """\
It listens on this machine alone until it is told otherwise, and answers whoever `logonscope user` or PAM knows.

examples:
  sudo logonscope user add scanner --administrator --ntlm
  sudo logonscope serve                                    ports 5985 (HTTP) and 5986 (TLS), on loopback
  sudo logonscope serve --listen https://0.0.0.0:5986      to the network, over TLS
  sudo logonscope serve --config my.toml --check           what would be done
  logonscope --host web1.lsr serve --users my-users        a recorded host, to try a client on
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("--config", metavar="FILE", help=f"the settings (default: {configuration.FILE}, where it is)")
    parser.add_argument("--check", action="store_true", help="say what would be done, and do not do it")
    configuration.add_flags(parser)


def run(args: argparse.Namespace, source: Source, ownership: Ownership, local: Callable[[int], Caller]) -> int:
    """Serve until told to stop; or only check whether that could be done."""
    told = configuration.settings(args.config, _given(vars(args)))
    try:
        from logonscope.server import serve, settings_check  # noqa: PLC0415 -- who only wants help needs no server
    except ImportError as error:
        from logonscope.extras import install_command  # noqa: PLC0415 -- seldom needed

        raise NotSupportedError(f"there is no module {error.name} here", f"run {install_command('server')}") from None
    if args.check:
        print("\n".join(settings_check.check(told)))  # noqa: T201 -- the answer of this command
        return 0
    serve.serve(source, ownership, told, local)
    return 0


def _given(args: Mapping[str, Any]) -> dict[str, Any]:
    keys = {key.name for key in dataclasses.fields(configuration.Settings)}
    return {name: value for name, value in args.items() if name in keys}
