"""``logonscope get PATH``: one instance by its object path, or a class."""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.cim import add_namespace, add_path, add_properties, print_instance

EPILOG = r"""
An instance that is printed as a list has no lines for null properties, unless -p names them.
The path of a class prints the class, as `logonscope class` does.

examples:
  logonscope get Win32_Process=4312
  logonscope get 'Win32_Process.Handle="4312"' -p Name,ParentProcessId,SessionId
  logonscope get Win32_LogonSession=41
  logonscope get LS_LogonSession=41 -n root/logonscope
  logonscope get Win32_Process         the class
  logonscope get Win32_OperatingSystem=@ -o json
                                       the only instance of a class that has one (=@)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_path(parser)
    add_properties(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the instance or the class; return the exit code."""
    from logonscope.cim.classes import Class  # noqa: PLC0415 -- to parse a command line needs no classes

    instance_or_class = host.get(args.path, args.properties, namespace=args.namespace)
    if isinstance(instance_or_class, Class):
        from logonscope.faces.cli.class_ import print_class  # noqa: PLC0415 -- rarely used

        return print_class(args, instance_or_class)
    return print_instance(args, instance_or_class)
