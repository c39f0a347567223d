"""``logonscope enumerate CLASS``: the instances of a class."""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.cim import add_class, add_namespace, add_properties, print_instances

EPILOG = r"""
Instances are printed as they are read. Those that are printed as lists have no lines for null properties, unless -p
names them.

examples:
  logonscope enumerate Win32_SessionProcess
  logonscope enumerate Win32_Process -p Handle,Name,SessionId,CommandLine
  logonscope enumerate Win32_LogonSession -o json
  logonscope enumerate Win32_Account --system -o jsonl      users, system accounts and groups
  logonscope enumerate LS_SessionProcess -n root/logonscope -o csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_class(
        parser, "class_name", metavar="CLASS", help="a class, such as Win32_SessionProcess; see `logonscope classes`"
    )
    parser.add_argument(
        "--shallow", action="store_true", help="only instances of the class itself, not of its subclasses"
    )
    add_properties(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the instances; return the exit code."""
    instances = host.enumerate(args.class_name, args.properties, namespace=args.namespace, deep=not args.shallow)
    restriction = "" if host.sees_everything else " that you may see"
    return print_instances(args, instances, f"no instances of {args.class_name}{restriction}")
