"""``logonscope schema``: the JSON Schema of an operation of the JSON API, or the OpenAPI document of all."""

import argparse
import json
import sys

EPILOG = """\
Without an operation, the whole API is printed as an OpenAPI document, as the server has it at /v1/openapi.json.

examples:
  logonscope schema whose
  logonscope schema > openapi.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("operation", nargs="?", metavar="OPERATION", help="sessions, whose, query, ...; default: all")


def run(args: argparse.Namespace) -> int:
    """Print the schema of an operation or, if none is given, the OpenAPI document; return the exit code.

    Raises:
        InvalidMethodError: there is no such operation.
    """
    from logonscope.server.json_schemas import openapi, operation_schema  # noqa: PLC0415 -- the help needs neither

    document = openapi() if args.operation is None else operation_schema(args.operation)
    sys.stdout.write(f"{json.dumps(document, indent=2)}\n")
    return 0
