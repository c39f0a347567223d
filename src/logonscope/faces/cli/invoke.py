"""``logonscope invoke PATH METHOD [NAME=VALUE...]``: do something to an instance, or ask it something."""

import argparse

from logonscope.client import Host
from logonscope.errors import InvalidMethodParametersError
from logonscope.faces.cli.cim import add_namespace, add_path, value_text
from logonscope.faces.cli.exit_codes import FOUND, NO_RIGHT, WRONG_USE
from logonscope.faces.cli.output import print_object
from logonscope.faces.cli.text import for_terminal

EXAMPLES = r"""
Of Win32_Process there are GetOwner, GetOwnerSid, SetPriority and Terminate, which ends the process at once, as on
Windows: it cannot clean up (kill(1) asks more kindly). The other methods of the schema are not offered on Linux.

ReturnValue, and the exit code:
  0  done (0)                          3  insufficient privilege (3)
  2  access denied (3)                21  invalid parameter (2)

examples:
  logonscope invoke Win32_Process=4312 GetOwner
  logonscope invoke Win32_Process=4312 SetPriority Priority=64
                                       64 idle, 16384 below normal, 32 normal, 32768 above normal, 128 high,
                                       256 realtime
  sudo logonscope invoke Win32_Process=4312 Terminate
"""

RETURN_VALUE_MEANINGS = {0: "done", 2: "access denied", 3: "insufficient privilege", 21: "invalid parameter"}
"""Of the ReturnValue of methods of Win32_Process."""

_EXIT_CODES = {0: FOUND, 2: NO_RIGHT, 3: NO_RIGHT}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_path(parser)
    parser.add_argument("method", metavar="METHOD", help="a method of the instance's class")
    parser.add_argument("parameters", nargs="*", default=[], metavar="NAME=VALUE", help="the method's parameters")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Run the method and print what it returns."""
    outcome = host.invoke(args.path, args.method, _parse_parameters(args.parameters), namespace=args.namespace)
    returned = {"ReturnValue": outcome.return_value, **outcome.parameters}
    if args.output == "table":
        widest = max(map(len, returned))
        for name, value in returned.items():
            meaning = f" ({RETURN_VALUE_MEANINGS.get(outcome.return_value, 'failed')})" if name == "ReturnValue" else ""
            print(f"{name:{widest}} : {for_terminal(value_text(value))}{meaning}")
    else:
        print_object(args, returned)
    return _EXIT_CODES.get(outcome.return_value, WRONG_USE)


def _parse_parameters(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidMethodParametersError(f"'{word}' is no parameter", "write it as NAME=VALUE")
        if name.lower() in {known.lower() for known in found}:
            raise InvalidMethodParametersError(f"the parameter {name} is given twice", "give it once")
        found[name] = value
    return found
