"""Text files of queries with their rows: a reader, and a writer of rows in the same form.

Lines "? ..." are a query, "[namespace]" before it where that is not root/cimv2; the lines below are its answer, a row
each: the path where a row is a whole instance, else its properties; the name of a class; "! ..." is a refusal.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from logonscope import Class, Host, Instance, LogonscopeError
from logonscope.cim.datetimes import format_datetime


class Asked(NamedTuple):
    """A query, where it is asked, and the lines of its answer."""

    text: str
    namespace: str | None
    answer: list[str]


def asked(content: str) -> Iterator[Asked]:
    """Read queries with their answers."""
    for part in content.strip().split("\n\n"):
        lines = part.splitlines()
        text = "\n".join(line[2:] for line in lines if line.startswith("? "))
        namespace = None
        if text.startswith("["):
            namespace, _, text = text[1:].partition("] ")
        yield Asked(text, namespace, [line for line in lines if not line.startswith("? ")])


def answer(host: Host, query: Asked) -> list[str]:
    """Ask, and return the lines of the answer."""
    lines: list[str] = []
    try:
        lines.extend(_line(found) for found in host.query_any(query.text, namespace=query.namespace))
    except LogonscopeError as error:
        lines.append(f"! {error.name} (0x{error.number:08X}): {error}")
    return lines


def _line(found: Instance | Class) -> str:
    if isinstance(found, Class):
        return found.name
    if tuple(found) == tuple(found.cim_class.properties):
        return str(found.relpath)
    return " | ".join(f"{name} = {_shown(value)}" for name, value in found.properties().items())


def _shown(value: Any) -> str:
    if isinstance(value, (datetime, timedelta)):
        return format_datetime(value)
    return "NULL" if value is None else str(value)
