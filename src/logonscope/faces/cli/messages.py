"""How is an error said, or a notice? In one line on standard error; to a script that asked for JSON as an object."""

import argparse
import os
import sys

from logonscope.errors import HintCode, LogonscopeError, Words
from logonscope.faces.cli.text import for_terminal

HINTS: Words = {
    HintCode.LIST_CLASSES: "see `logonscope classes -n {namespace}`",
    HintCode.SHOW_CLASS: "see `logonscope class {name} -n {namespace}`",
    HintCode.CLASS_ELSEWHERE: "it is one of {namespace}: see `logonscope class {name} -n {namespace}`",
    HintCode.LIST_INSTANCES: "see `logonscope enumerate {name} -n {namespace}`",
    HintCode.LIST_PROCESSES: "see `logonscope ps`",
    HintCode.LOOK_OVER: "see `logonscope doctor`",
    HintCode.GET_RIGHTS: "use sudo",
    HintCode.GIVE_RECORDING: "give a file that `logonscope record` wrote",
    HintCode.REPLACE_FILE: "give another name, or --force to replace it",
    HintCode.TRUST_CERTIFICATE: "give its certificate: --ca FILE, LOGONSCOPE_CA",
    HintCode.COMMAND_THERE: "run it there: `logonscope {command}`",
    HintCode.USERS_THERE: "see `logonscope user list` there",
}
"""What to type."""


def text(error: LogonscopeError) -> str:
    """Return an error in words of the command line."""
    hint = _hint_text(error)
    return f"{error.message}; {hint}" if hint else error.message


def print_error(error: LogonscopeError, args: argparse.Namespace | None = None) -> None:
    """Print an error."""
    if args is not None and args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- people's format needs none

        told = {"name": error.name, "number": error.number, "message": error.message, "hint": _hint_text(error)}
        _print_line(json.dumps({"error": told}, ensure_ascii=sys.stderr.isatty()))
        return
    in_wmis_words = args is not None and hasattr(args, "namespace")
    head = f"{error.name} (0x{error.number:08X})" if in_wmis_words else "logonscope"
    _print_line(f"{head}: {for_terminal(text(error))}")


def print_notice(args: argparse.Namespace, text: str) -> None:
    """Say something beside the answer, on standard error; to a script that asked for JSON as an object."""
    if args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- people's format needs none

        _print_line(json.dumps({"notice": text}, ensure_ascii=sys.stderr.isatty()))
    else:
        _print_line(f"logonscope: {for_terminal(text)}")


def _print_line(line: str) -> None:
    """Print a line on standard error; where that cannot be written, the exit code has to say it."""
    write_error(f"{line}\n")


def write_error(text: str) -> None:
    """Write a text to standard error, and nothing where that cannot be: not at the end either, when it is flushed."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        with open(os.devnull, "w", encoding="ascii") as nowhere:
            os.dup2(nowhere.fileno(), sys.stderr.fileno())


def _hint_text(error: LogonscopeError) -> str:
    """Return what to type; the namespace that is meant anyway goes without saying."""
    return error.hint_in(HINTS).replace(" -n root/cimv2`", "`")
