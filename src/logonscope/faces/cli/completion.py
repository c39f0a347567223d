"""``logonscope completion SHELL``: the script with which a shell completes the words of ``logonscope`` commands."""

import argparse

from logonscope.faces.cli.columns import ALL
from logonscope.faces.cli.parser import COMMANDS, NO_SERVER_COMMANDS, ServerCommands, build_parser, command_module
from logonscope.faces.cli.selector import state_words, type_words
from logonscope.faces.cli.settings import LISTINGS

EPILOG = """\
Put the zsh script into a folder of $fpath; it cannot be sourced. Open a new shell afterwards.

examples:
  logonscope completion bash > /etc/bash_completion.d/logonscope
  logonscope completion zsh > /usr/local/share/zsh/site-functions/_logonscope
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "tcsh"), help="bash, zsh or tcsh")


def run(args: argparse.Namespace, server_commands: ServerCommands = NO_SERVER_COMMANDS) -> int:
    """Print the script; return the exit code."""
    import shtab  # noqa: PLC0415 -- only this command needs it

    from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema  # noqa: PLC0415 -- only this command needs it

    classes = sorted({cls.name for space in (CIMV2, LOGONSCOPE) for cls in schema().classes(space)})
    spaces = [space.replace("\\", "/") for space in schema().namespaces]
    words_by_kind = {"classes": classes, "namespaces": spaces, "types": type_words(), "states": state_words()}
    for command in (*LISTINGS, "history"):
        names = [column.name for column in command_module(command).COLUMNS]
        words_by_kind |= {f"columns_{command}": [ALL, *names], f"sort_{command}": names}
    body = _BODIES.get(args.shell, "")
    functions = [body.format(kind=kind, words=" ".join(words)) for kind, words in words_by_kind.items()]
    functions += _BUILT_IN.get(args.shell, ())
    # the script covers all commands, so every command's file is imported here
    print(shtab.complete(build_parser(tuple(COMMANDS), server_commands), args.shell, preamble="\n".join(functions)))
    return 0


_BODIES = {
    "bash": "_logonscope_{kind}() {{ compgen -W '{words}' -- \"$1\"; }}",
    "zsh": "_logonscope_{kind}() {{ compadd {words} }}",
}
"""Templates of shell functions that complete from a fixed list of words. parser.set_completion uses their names.

tcsh has no such functions: it completes commands, options, and the choices that the parser has.
"""

_BUILT_IN = {
    "bash": (
        '_logonscope_users() { compgen -u -- "$1"; }',
        '_logonscope_hosts() { compgen -A hostname -- "$1"; }',
        '_logonscope_commands() { compgen -c -- "$1"; }',
    ),
}
"""Functions that complete from what the shell itself knows; zsh has its own functions for this."""
