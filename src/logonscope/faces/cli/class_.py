"""``logonscope class NAME``: how is a class defined?"""

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

EXAMPLES = r"""
It prints MOF: what the class adds to its parent; --inherited prints all that it has.

examples:
  logonscope class Win32_SessionProcess
  logonscope class Win32_Process --inherited --amended
  logonscope class LS_Process -n root/logonscope -o json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_class(parser, "name", metavar="NAME", help="a class; see `logonscope classes`")
    parser.add_argument("--inherited", action="store_true", help="what it inherits too")
    parser.add_argument(
        "--amended", action="store_true", help="the amended qualifiers too: descriptions, units, values"
    )
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the class."""
    from logonscope.cim.mof.write import whole, write_mof  # noqa: PLC0415 -- imported with the schema

    found = host.get_class(args.name, namespace=args.namespace)
    if args.output != "table":
        print_object(args, as_json(found, amended=args.amended))
        return FOUND
    declared = whole(found) if args.inherited else found.declaration
    for line in write_mof(declared, amended=args.amended).splitlines():
        print(for_terminal(line))
    return FOUND


def as_json(found: "Class", *, amended: bool) -> dict[str, Any]:
    """Return a class as an object, with all that it has."""
    return {
        "name": found.name,
        "namespace": found.namespace,
        "superclass": found.superclass,
        "derivation": list(found.derivation),
        "keys": list(found.keys),
        "qualifiers": _qualifiers(found.qualifiers, amended=amended),
        "properties": [_typed_element(of, amended=amended) | {"origin": of.origin} for of in found.properties.values()],
        "methods": [
            {
                "name": method.name,
                "type": method.type,
                "origin": method.origin,
                "qualifiers": _qualifiers(method.qualifiers, amended=amended),
                "parameters": [_typed_element(of, amended=amended) for of in method.parameters],
            }
            for method in found.methods.values()
        ],
    }


def _typed_element(of: "Property | Parameter", *, amended: bool) -> dict[str, Any]:
    return {
        "name": of.name,
        "type": of.type,
        "array": of.array,
        "reference": of.reference,
        "qualifiers": _qualifiers(of.qualifiers, amended=amended),
    }


def _qualifiers(qualifiers: "Sequence[Qualifier]", *, amended: bool) -> dict[str, Any]:
    from logonscope.cim.classes import AMENDED  # noqa: PLC0415 -- imported with the schema

    return {found.name: found.value for found in qualifiers if amended or not found.flavor & AMENDED}
