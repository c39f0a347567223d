"""``logonscope associators PATH``: the instances that associations connect to one instance."""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.cim import add_class, add_namespace, add_path, add_properties, print_instances

EPILOG = r"""
examples:
  logonscope associators Win32_Process=4312 --result-class Win32_LogonSession
                                       the logon session of process 4312
  logonscope associators Win32_LogonSession=41 --result-class Win32_Process -p Handle,Name,CommandLine
                                       the processes of logon session 41
  logonscope associators Win32_LogonSession=41 --assoc-class Win32_LoggedOnUser
                                       the account of logon session 41
  logonscope associators LS_Process=4312 -n root/logonscope
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_path(parser)
    add_class(parser, "--assoc-class", metavar="CLASS", help="only through this association class, or a subclass of it")
    add_class(parser, "--result-class", metavar="CLASS", help="only instances of this class, or of a subclass")
    parser.add_argument("--role", metavar="NAME", help="only associations whose reference NAME is PATH")
    parser.add_argument("--result-role", metavar="NAME", help="only instances named by the reference NAME")
    add_properties(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the instances; return the exit code."""
    instances = host.associators(
        args.path,
        assoc_class=args.assoc_class,
        result_class=args.result_class,
        role=args.role,
        result_role=args.result_role,
        properties=args.properties,
        namespace=args.namespace,
    )
    return print_instances(args, instances, f"no matching instance is associated with {args.path}", headed=True)
