"""``logonscope associators PATH``: what is tied to this instance?"""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.cim import add_class, add_namespace, add_path, add_properties, print_instances

EXAMPLES = r"""
examples:
  logonscope associators Win32_Process=4312 --result-class Win32_LogonSession
                                       the logon session of process 4312
  logonscope associators Win32_LogonSession=41 --result-class Win32_Process -p Handle,Name,CommandLine
                                       what runs in logon session 41
  logonscope associators Win32_LogonSession=41 --assoc-class Win32_LoggedOnUser
                                       whose it is
  logonscope associators LS_Process=4312 -n root/logonscope
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_path(parser)
    add_class(parser, "--assoc-class", metavar="CLASS", help="only by this association")
    add_class(parser, "--result-class", metavar="CLASS", help="only instances of this class, or of one below it")
    parser.add_argument("--role", metavar="NAME", help="only where PATH is at this end of the association")
    parser.add_argument("--result-role", metavar="NAME", help="only where the answer is at this end")
    add_properties(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the instances."""
    found = host.associators(
        args.path,
        assoc_class=args.assoc_class,
        result_class=args.result_class,
        role=args.role,
        result_role=args.result_role,
        properties=args.properties,
        namespace=args.namespace,
    )
    return print_instances(args, found, f"nothing of that kind is tied to {args.path}", headed=True)
