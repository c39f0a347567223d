"""``logonscope classes [PATTERN]``: the classes of a namespace, one line each."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from logonscope.client import Host
from logonscope.faces.cli.cim import add_namespace
from logonscope.faces.cli.columns import EXTRA, ListColumn
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.output import print_rows

if TYPE_CHECKING:
    from logonscope.cim.classes import Class

EPILOG = r"""
examples:
  logonscope classes
  logonscope classes '*Session*'
  logonscope classes -n root/logonscope
"""


class ClassLine(NamedTuple):
    """A class, as one line of the list."""

    name: str
    superclass: str | None
    abstract: bool
    association: bool
    description: str | None


def kind_text(row: ClassLine) -> str:
    """Return the kind of a class in words: "abstract", "association", both, or "class"."""
    words = [*(["abstract"] if row.abstract else []), *(["association"] if row.association else [])]
    return " ".join(words) or "class"


COLUMNS = (
    ListColumn("CLASS", 28, lambda row: row.name, "name"),
    ListColumn("SUPERCLASS", 26, lambda row: row.superclass or "-", "superclass", rank=EXTRA),
    ListColumn("KIND", 20, kind_text, rank=1),
    ListColumn("DESCRIPTION", 0, lambda row: row.description or "", "description", rank=2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "pattern", nargs="?", metavar="PATTERN", help="class names to list: * matches any text, ? one character"
    )
    add_listing(parser, "classes", COLUMNS)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the classes; return the exit code."""
    classes = host.classes(args.pattern, namespace=args.namespace)
    if args.namespace is None:
        empty_message = f"no class of root/cimv2 matches {args.pattern!r}; add -n root/logonscope to look there"
    else:
        namespace = args.namespace.replace("\\", "/")  # a shell would take the backslash
        empty_message = f"no class of {namespace} matches {args.pattern!r}; see `logonscope classes -n {namespace}`"
    return print_listing(host, args, sorted(map(class_row, classes)), COLUMNS, empty_message)


def print_classes(args: argparse.Namespace, classes: Iterable["Class"], empty_message: str) -> int:
    """Print classes, one line each; return the exit code."""
    return print_rows(args, sorted(map(class_row, classes)), COLUMNS, empty_message)


def class_row(cls: "Class") -> ClassLine:
    """Return a class as a row of the list."""
    from logonscope.cim.classes import find_qualifier  # noqa: PLC0415 -- parsing a command line needs no classes

    description = find_qualifier(cls.declaration.qualifiers, "Description")
    text = str(description.value) if description else None
    return ClassLine(cls.name, cls.superclass, cls.is_abstract, cls.is_association, text)
