"""``logonscope record FILE``: save this host, to be asked later and elsewhere."""

import argparse
import sys

from logonscope.client import Host
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.messages import write_error
from logonscope.faces.cli.output import count_text
from logonscope.faces.cli.parser import set_completion

EXAMPLES = """\
The file is for you alone (mode 0600; with "-" your shell decides): whoever can read it sees all that it holds,
command lines included. Of a recording it makes another one, of what is to be seen in it.

examples:
  sudo logonscope record host.lsr
  logonscope --host host.lsr tree
  (umask 077; ssh web1 sudo logonscope record - >web1.lsr)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    set_completion(parser.add_argument("file", metavar="FILE", help='where to write; "-" is standard output'), "files")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(host: Host, args: argparse.Namespace) -> int:
    """Write the recording."""
    if args.file == "-" and sys.stdout.isatty():
        raise InvalidParameterError("a recording is not for a terminal", "give a file, or redirect the output")
    count = host.record(args.file, replace=args.force)
    if args.file != "-":
        write_error(f"{args.file}: {count_text(count, 'process')}; ask it with `logonscope --host {args.file}`\n")
    return 0
