"""How is an error said, or a notice? In one line on standard error; to a script that asked for JSON as an object."""

import argparse
import sys

from logonscope.errors import LogonscopeError
from logonscope.faces.cli.text import for_terminal


def say(error: LogonscopeError, args: argparse.Namespace | None = None) -> None:
    """Print an error."""
    if args is not None and args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- people's format needs none

        told = {"name": error.name, "number": error.number, "message": error.message, "hint": error.hint}
        print(json.dumps({"error": told}, ensure_ascii=sys.stderr.isatty()), file=sys.stderr)
        return
    in_wmis_words = args is not None and hasattr(args, "namespace")
    head = f"{error.name} (0x{error.number:08X})" if in_wmis_words else "logonscope"
    print(f"{head}: {for_terminal(str(error))}", file=sys.stderr)


def notice(args: argparse.Namespace, text: str) -> None:
    """Say something beside the answer, on standard error; to a script that asked for JSON as an object."""
    if args.output in {"json", "jsonl"}:
        import json  # noqa: PLC0415 -- people's format needs none

        print(json.dumps({"notice": text}, ensure_ascii=sys.stderr.isatty()), file=sys.stderr)
    else:
        print(f"logonscope: {for_terminal(text)}", file=sys.stderr)
