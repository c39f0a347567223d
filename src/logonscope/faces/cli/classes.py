"""``logonscope classes [PATTERN]``: which classes are there?"""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from logonscope.client import Host
from logonscope.faces.cli.cim import add_namespace
from logonscope.faces.cli.columns import EXTRA, Column
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.output import print_rows

if TYPE_CHECKING:
    from logonscope.cim.classes import Class

EXAMPLES = r"""
examples:
  logonscope classes
  logonscope classes '*Session*'
  logonscope classes -n root/logonscope
"""


class Row(NamedTuple):
    """A class in a list."""

    name: str
    superclass: str | None
    abstract: bool
    association: bool
    description: str | None


def kind(row: Row) -> str:
    """Say what kind of class it is."""
    words = [*(["abstract"] if row.abstract else []), *(["association"] if row.association else [])]
    return " ".join(words) or "class"


COLUMNS = (
    Column("CLASS", 28, lambda row: row.name, "name"),
    Column("SUPERCLASS", 26, lambda row: row.superclass or "-", "superclass", rank=EXTRA),
    Column("KIND", 20, kind, rank=1),
    Column("DESCRIPTION", 0, lambda row: row.description or "", "description", rank=2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="of names: * is any run, ? is any character")
    add_listing(parser, "classes", COLUMNS)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the classes."""
    found = host.classes(args.pattern, namespace=args.namespace)
    nothing = f"no class is named like {args.pattern!r}; see `logonscope classes`"
    return print_listing(host, args, sorted(map(class_row, found)), COLUMNS, nothing)


def print_classes(args: argparse.Namespace, found: Iterable["Class"], nothing: str) -> int:
    """Print classes, a line each; return the exit code."""
    return print_rows(args, sorted(map(class_row, found)), COLUMNS, nothing)


def class_row(found: "Class") -> Row:
    """Return a class as a row."""
    from logonscope.cim.classes import find  # noqa: PLC0415 -- imported with the schema

    description = find(found.declaration.qualifiers, "Description")
    text = str(description.value) if description else None
    return Row(found.name, found.superclass, found.is_abstract, found.is_association, text)
