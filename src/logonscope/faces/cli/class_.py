"""``logonscope class NAME``: the definition of a class, as MOF or JSON; as CSV, without its properties and methods."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from logonscope.client import Host
from logonscope.faces.cli.cim import add_class, add_namespace
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_object
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from logonscope.cim.classes import Class, Parameter, Property, Qualifier
    from logonscope.cim.types import Value

EPILOG = r"""
It prints MOF, with what the class adds to its superclass; --inherited adds what it inherits.
With -o json, inherited properties and methods are always included.

examples:
  logonscope class Win32_SessionProcess
  logonscope class Win32_Process --inherited --amended
  logonscope class LS_Process -n root/logonscope -o json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_class(parser, "name", metavar="NAME", help="a class; see `logonscope classes`")
    parser.add_argument("--inherited", action="store_true", help="inherited properties and methods too")
    parser.add_argument("--amended", action="store_true", help="also descriptions, units and names of values")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the class; return the exit code."""
    cls = host.get_class(args.name, namespace=args.namespace)
    return print_class(args, cls, inherited=args.inherited, amended=args.amended)


def print_class(args: argparse.Namespace, cls: "Class", *, inherited: bool = False, amended: bool = False) -> int:
    """Print a class; return the exit code."""
    from logonscope.cim.mof.write import with_inherited, write_mof  # noqa: PLC0415 -- to parse a command line needs no classes

    if args.output != "table":
        print_object(args, as_json(cls, amended=amended))
        return FOUND
    declaration = with_inherited(cls) if inherited else cls.declaration
    for line in write_mof(declaration, amended=amended).splitlines():
        print(for_terminal(line))
    return FOUND


def as_json(cls: "Class", *, amended: bool) -> dict[str, Any]:
    """Return a class as a JSON object, inherited properties and methods included."""
    properties = cls.properties.values()
    return {
        "name": cls.name,
        "namespace": cls.namespace,
        "superclass": cls.superclass,
        "derivation": list(cls.derivation),
        "keys": list(cls.keys),
        "qualifiers": _qualifier_values(cls.qualifiers, amended=amended),
        "properties": [
            _typed_element(item, amended=amended) | {"origin": item.origin, "default": _json_default(item.default)}
            for item in properties
        ],
        "methods": [
            {
                "name": method.name,
                "type": method.type,
                "origin": method.origin,
                "qualifiers": _qualifier_values(method.qualifiers, amended=amended),
                "parameters": [_typed_element(parameter, amended=amended) for parameter in method.parameters],
            }
            for method in cls.methods.values()
        ],
    }


def _typed_element(element: "Property | Parameter", *, amended: bool) -> dict[str, Any]:
    return {
        "name": element.name,
        "type": element.type,
        "array": element.array,
        "reference": element.reference,
        "qualifiers": _qualifier_values(element.qualifiers, amended=amended),
    }


def _json_default(value: "Value") -> object:
    """Return a default value as JSON has it: an array of bytes as numbers."""
    return list(value) if isinstance(value, bytes) else value


def _qualifier_values(qualifiers: "Sequence[Qualifier]", *, amended: bool) -> dict[str, Any]:
    from logonscope.cim.classes import AMENDED  # noqa: PLC0415 -- to parse a command line needs no classes

    return {qualifier.name: qualifier.value for qualifier in qualifiers if amended or not qualifier.flavor & AMENDED}
