"""``logonscope completion SHELL``: how does a shell complete this command?"""

import argparse

from logonscope.faces.cli.parser import build_parser

EXAMPLES = """\
examples:
  logonscope completion bash > /etc/bash_completion.d/logonscope
  logonscope completion zsh > /usr/local/share/zsh/site-functions/_logonscope
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab  # noqa: PLC0415 -- no other command needs it

    print(shtab.complete(build_parser(), args.shell))
    return 0
