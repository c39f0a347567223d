"""``logonscope invoke PATH METHOD [NAME=VALUE...]``: run a method of an instance."""

import argparse

from logonscope.client import Host
from logonscope.errors import InvalidMethodParametersError
from logonscope.faces.cli.cim import add_namespace, add_path, value_text
from logonscope.faces.cli.exit_codes import ACCESS_DENIED, FOUND, USAGE_ERROR
from logonscope.faces.cli.output import print_object
from logonscope.faces.cli.text import for_terminal

EPILOG = r"""
Win32_Process has GetOwner, GetOwnerSid, SetPriority and Terminate. Terminate kills the process at once (SIGKILL), as on
Windows: it cannot clean up; kill(1) sends SIGTERM instead. Other methods of the schema are not supported on Linux.

ReturnValue  meaning                 exit code
          0  done                            0
          2  access denied                   3
          3  insufficient privilege          3
         21  invalid parameter               2

examples:
  logonscope invoke Win32_Process=4312 GetOwner
  logonscope invoke Win32_Process=4312 SetPriority Priority=64
                                       64 idle, 16384 below normal, 32 normal, 32768 above normal, 128 high,
                                       256 realtime
  sudo logonscope invoke Win32_Process=4312 Terminate
"""

RETURN_VALUE_MEANINGS = {0: "done", 2: "access denied", 3: "insufficient privilege", 21: "invalid parameter"}
"""Meanings of the ReturnValue of methods of Win32_Process."""

_EXIT_CODES = {0: FOUND, 2: ACCESS_DENIED, 3: ACCESS_DENIED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_path(parser)
    parser.add_argument("method", metavar="METHOD", help="a method of the instance's class")
    parser.add_argument("parameters", nargs="*", default=[], metavar="NAME=VALUE", help="the method's parameters")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Run the method and print its return value and output parameters; return the exit code."""
    outcome = host.invoke(args.path, args.method, _parse_parameters(args.parameters), namespace=args.namespace)
    results = {"ReturnValue": outcome.return_value, **outcome.parameters}
    if args.output == "table":
        name_width = max(map(len, results))
        for name, value in results.items():
            meaning = f" ({RETURN_VALUE_MEANINGS.get(outcome.return_value, 'failed')})" if name == "ReturnValue" else ""
            print(f"{name:{name_width}} : {for_terminal(value_text(value))}{meaning}")
    else:
        print_object(args, results)
    return _EXIT_CODES.get(outcome.return_value, USAGE_ERROR)


def _parse_parameters(words: list[str]) -> dict[str, str]:
    """Return the method's parameters by name.

    Raises:
        InvalidMethodParametersError: a word is not NAME=VALUE, or a name is repeated; names are case-insensitive.
    """
    parameters: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidMethodParametersError(f"invalid parameter '{word}': expected NAME=VALUE")
        if name.lower() in {previous.lower() for previous in parameters}:
            raise InvalidMethodParametersError(f"duplicate parameter '{name}'", "give it once")
        parameters[name] = value
    return parameters
