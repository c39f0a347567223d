"""Errors and notices on standard error, one line each: a text, or a JSON object where the output is JSON."""

import argparse
import os
import sys

from logonscope.errors import HintCode, HintTexts, LogonscopeError
from logonscope.faces.cli.text import for_terminal

HINTS: HintTexts = {
    HintCode.LIST_CLASSES: "see `logonscope classes -n {namespace}`",
    HintCode.SHOW_CLASS: "see `logonscope class {name} -n {namespace}`",
    HintCode.USE_OTHER_NAMESPACE: "it is in {namespace}: see `logonscope class {name} -n {namespace}`",
    HintCode.LIST_INSTANCES: "see `logonscope enumerate {name} -n {namespace}`",
    HintCode.LIST_PROCESSES: "see `logonscope ps`",
    HintCode.FIND_PROCESS: "see `logonscope ps`, or for an ended process `logonscope history pid:{pid}`",
    HintCode.CHECK_ACCESS: "see `logonscope doctor`",
    HintCode.GET_RIGHTS: "use sudo",
    HintCode.SEE_OTHERS: "use sudo or --readable",
    HintCode.RUN_AS_ROOT: "use sudo",
    HintCode.USE_RECORDING: "give a file that `logonscope record` wrote",
    HintCode.REPLACE_FILE: "give another name, or --force to replace it",
    HintCode.TRUST_CERTIFICATE: "give its certificate: --ca FILE, LOGONSCOPE_CA",
    HintCode.LOOK_INTO_NAMESPACES: "--all-namespaces looks into all",
    HintCode.RUN_ON_THAT_HOST: "run it there: `logonscope {command}`",
    HintCode.LIST_USERS_ON_THAT_HOST: "see `logonscope user list` there",
}
"""The texts of hints for users of the command line: what to type."""

_RIGHTS = (HintCode.GET_RIGHTS, HintCode.SEE_OTHERS, HintCode.RUN_AS_ROOT)


def is_server(host: str) -> bool:
    """Return whether a value of --host names a server: one on another machine, or on a unix socket."""
    return "://" in host or host.startswith("unix:")


def is_other_machine(host: str | None) -> bool:
    """Return whether a value of --host names another machine."""
    return host is not None and "://" in host and not host.startswith("unix:")


def rights_texts(host: str | None, view_as: str | None) -> HintTexts:
    """Return the texts of hints for a host; the way to get more rights depends on the host and on --as."""
    texts = dict(HINTS)
    if is_other_machine(host):
        texts |= dict.fromkeys(_RIGHTS, "connect as an administrator")
    elif host is not None and host.startswith("unix:"):
        texts[HintCode.SEE_OTHERS] = HINTS[HintCode.GET_RIGHTS]
    if view_as is not None:
        # an administrator requested the view of another user
        texts |= {HintCode.GET_RIGHTS: "leave out --as", HintCode.SEE_OTHERS: "leave out --as"}
    return texts


def error_text(error: LogonscopeError, args: argparse.Namespace | None = None) -> str:
    """Return the message and the hint of an error, in the words of the command line."""
    hint = _hint_text(error, args)
    return f"{error.message}; {hint}" if hint else error.message


def print_error(error: LogonscopeError, args: argparse.Namespace | None = None) -> None:
    """Print an error; ``args`` is None where the command line could not be parsed."""
    if args is not None and args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- only this format needs it

        fields = {"name": error.name, "number": error.number, "message": error.message, "hint": _hint_text(error, args)}
        _print_line(json.dumps({"error": fields}, ensure_ascii=sys.stderr.isatty()))
        return
    prefix = f"{error.name} (0x{error.number:08X})" if args is not None and _is_wmi_command(args) else "logonscope"
    _print_line(f"{prefix}: {for_terminal(error_text(error, args))}")


def print_notice(args: argparse.Namespace, text: str) -> None:
    """Print a notice that is not part of the answer."""
    if args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- only this format needs it

        _print_line(json.dumps({"notice": text}, ensure_ascii=sys.stderr.isatty()))
    else:
        _print_line(f"logonscope: {for_terminal(text)}")


def _is_wmi_command(args: argparse.Namespace) -> bool:
    """Return whether the user of a command knows WMI's names of errors.

    The commands on classes and instances have --namespace. ``watch`` has it, too, but only its queries are WMI.
    """
    return hasattr(args, "namespace") and (args.command != "watch" or " " in (args.which or ""))


def _print_line(line: str) -> None:
    write_message(f"{line}\n")


def write_message(text: str) -> None:
    """Write a text to standard error; discard it if it cannot be written."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # the interpreter flushes the buffered text at exit, which would fail again: it goes to /dev/null instead
        with open(os.devnull, "w", encoding="ascii") as null_file:
            os.dup2(null_file.fileno(), sys.stderr.fileno())


def _hint_text(error: LogonscopeError, args: argparse.Namespace | None) -> str:
    """Return the hint of an error, without the default namespace."""
    texts = HINTS if args is None else rights_texts(args.host, args.view_as)
    # root/cimv2 is the default of -n
    return error.hint_text(texts).replace(" -n root/cimv2`", "`")
