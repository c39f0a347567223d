"""``logonscope references PATH``: the associations that refer to one instance."""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.cim import add_class, add_namespace, add_path, add_properties, print_instances

EPILOG = r"""
examples:
  logonscope references Win32_Process=4312
  logonscope references Win32_LogonSession=41 --result-class Win32_SessionProcess -o jsonl
  logonscope references Win32_LogonSession=41 --role Antecedent
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_path(parser)
    add_class(parser, "--result-class", metavar="CLASS", help="only associations of this class, or of a subclass")
    parser.add_argument("--role", metavar="NAME", help="only associations whose reference NAME is PATH")
    add_properties(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the associations; return the exit code."""
    associations = host.references(
        args.path,
        result_class=args.result_class,
        role=args.role,
        properties=args.properties,
        namespace=args.namespace,
    )
    return print_instances(args, associations, f"no matching association refers to {args.path}", headed=True)
