"""``logonscope record FILE``: a recording of this host, to query it later or elsewhere."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator

from logonscope.client import Host
from logonscope.display import count_text
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.ending_signals import exit_by_signal
from logonscope.faces.cli.messages import write_message
from logonscope.faces.cli.parser import set_completion

EPILOG = """\
Only you can read the file (mode 0600; with "-" your shell sets the mode): a user who can read it sees all that it
contains, command lines included. With --host FILE it copies that recording.

examples:
  sudo logonscope record host.lsr
  sudo logonscope --host host.lsr tree
  (umask 077; ssh web1 sudo logonscope record - >web1.lsr)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    set_completion(
        parser.add_argument("file", metavar="FILE", help='the file to write; "-" is standard output'), "files"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(host: Host, args: argparse.Namespace) -> int:
    """Write the recording; return the exit code.

    Raises:
        InvalidParameterError: the recording would be written to a terminal.
    """
    if args.file == "-" and sys.stdout.isatty():
        message = "cannot write a recording to a terminal"
        raise InvalidParameterError(message, "give a file, or redirect the output")
    with _unwind_on_signals():
        count = host.record(args.file, replace=args.force)
    if args.file != "-":
        write_message(f"{args.file}: {count_text(count, 'process')}; read it with `logonscope --host {args.file}`\n")
    return 0


@contextlib.contextmanager
def _unwind_on_signals() -> Iterator[None]:
    """Raise SystemExit on SIGTERM and SIGHUP, so that the temporary file, which has command lines, is removed."""
    candidates = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # signals that are ignored, as nohup(1) ignores SIGHUP, stay ignored
    numbers = [number for number in candidates if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, exit_by_signal)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
