"""``logonscope invoke PATH METHOD [NAME=VALUE...]``: run a method of an instance."""

import argparse

from logonscope.client import Host
from logonscope.errors import InvalidMethodParametersError
from logonscope.faces.cli.cim import add_namespace, add_path, value_text
from logonscope.faces.cli.exit_codes import ACCESS_DENIED, FOUND, NO_ANSWER, USAGE_ERROR
from logonscope.faces.cli.output import print_object
from logonscope.faces.cli.text import for_terminal

EPILOG = r"""
Win32_Process has GetOwner, GetOwnerSid, SetPriority and Terminate. Terminate kills the process at once (SIGKILL), as on
Windows: it cannot clean up; kill(1) sends SIGTERM instead. Win32_Service has StartService, StopService, PauseService,
ResumeService and InterrogateService. Other methods of the schema are not supported on Linux.

ReturnValue  meaning for a process   for a service                exit code
          0  done                    done                                 0
          2  access denied           access denied                        3
          3  insufficient privilege  dependent services running  3; or 2 (service)
          7                          timeout of the request              69
     others  8 unknown failure,      see the table of Win32_Service       2
             21 invalid parameter

examples:
  logonscope invoke Win32_Process=4312 GetOwner
  logonscope invoke Win32_Process=4312 SetPriority Priority=64
                                       64 idle, 16384 below normal, 32 normal, 32768 above normal, 128 high,
                                       256 realtime
  sudo logonscope invoke Win32_Process=4312 Terminate
  sudo logonscope invoke 'Win32_Service="cron.service"' StopService
"""

PROCESS_MEANINGS = {
    0: "done", 2: "access denied", 3: "insufficient privilege", 8: "unknown failure", 21: "invalid parameter",
}  # fmt: skip
"""Meanings of the ReturnValue of methods of Win32_Process."""

SERVICE_MEANINGS = {
    0: "done", 1: "not supported", 2: "access denied", 3: "dependent services are running",
    4: "invalid service control", 5: "the state of the service does not permit the request",
    6: "the service is not active", 7: "timeout of the request", 8: "unknown failure", 9: "path not found",
    10: "the service is already running", 11: "the service database is locked", 12: "a dependency was deleted",
    13: "a dependency failed to start", 14: "the service is disabled", 15: "the logon of the service failed",
    16: "the service is marked for deletion", 17: "the service has no thread", 18: "circular dependency",
    19: "duplicate name", 20: "invalid name", 21: "invalid parameter", 22: "invalid service account",
    23: "the service exists already", 24: "the service is already paused",
}  # fmt: skip
"""Meanings of the ReturnValue of methods of Win32_BaseService, as Microsoft documents them."""

_SERVICE_METHODS = {
    "startservice", "stopservice", "pauseservice", "resumeservice", "interrogateservice", "usercontrolservice",
    "changestartmode",
}  # fmt: skip

_PROCESS_EXIT_CODES = {0: FOUND, 2: ACCESS_DENIED, 3: ACCESS_DENIED}
_SERVICE_EXIT_CODES = {0: FOUND, 2: ACCESS_DENIED, 7: NO_ANSWER}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_path(parser)
    parser.add_argument("method", metavar="METHOD", help="a method of the instance's class")
    parser.add_argument("parameters", nargs="*", default=[], metavar="NAME=VALUE", help="the method's parameters")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Run the method and print its return value and output parameters; return the exit code."""
    outcome = host.invoke(args.path, args.method, _parse_parameters(args.parameters), namespace=args.namespace)
    is_service_method = args.method.lower() in _SERVICE_METHODS
    results = {"ReturnValue": outcome.return_value, **outcome.parameters}
    if args.output == "table":
        name_width = max(map(len, results))
        meanings = SERVICE_MEANINGS if is_service_method else PROCESS_MEANINGS
        for name, value in results.items():
            meaning = f" ({meanings.get(outcome.return_value, 'failed')})" if name == "ReturnValue" else ""
            print(f"{name:{name_width}} : {for_terminal(value_text(value))}{meaning}")
    else:
        print_object(args, results)
    exit_codes = _SERVICE_EXIT_CODES if is_service_method else _PROCESS_EXIT_CODES
    return exit_codes.get(outcome.return_value, USAGE_ERROR)


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
