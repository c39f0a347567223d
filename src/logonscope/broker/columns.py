"""Which properties does an answer have? Names that a caller chooses, held against a class; the system's included."""

from collections.abc import Sequence
from typing import NamedTuple

from logonscope.cim.classes import Class, show_class
from logonscope.cim.instances import SYSTEM_PROPERTIES
from logonscope.errors import InvalidPropertyError

_FROM_KEYS = {"__PATH", "__RELPATH"}


class Columns(NamedTuple):
    """What is shown, in the order in which it was chosen, and what a row has to hold for it."""

    shown: tuple[str, ...]
    stored: tuple[str, ...]  # properties of the class alone; its keys where a path is shown


def columns_of(cls: Class, properties: Sequence[str] | None) -> Columns:
    """Return the properties that are chosen, as the class spells them; all of them where none are.

    Raises:
        InvalidPropertyError: the class has none of that name.
    """
    if properties is None:
        names = tuple(cls.properties)
        return Columns(names, names)
    shown = tuple(dict.fromkeys(_spelled(cls, name) for name in properties))
    stored = [name for name in shown if name not in SYSTEM_PROPERTIES]
    if _FROM_KEYS.intersection(shown):
        stored += [key for key in cls.keys if key not in stored]
    return Columns(shown, tuple(stored))


def chosen(cls: Class, properties: Sequence[str] | None) -> Columns:
    """Return those of the properties that the class has, all of them where none are chosen."""
    return columns_of(cls, None if properties is None else [name for name in properties if has(cls, name)])


def has(cls: Class, name: str) -> bool:
    """Tell whether a class has a property, its own or the system's."""
    return name in cls.properties or name.upper() in SYSTEM_PROPERTIES


def having(classes: Sequence[Class], properties: Sequence[str] | None) -> list[Class]:
    """Return the classes that have any of the properties.

    Raises:
        InvalidPropertyError: none of them has one.
    """
    for name in properties or ():
        if classes and not any(has(cls, name) for cls in classes):
            if len(classes) == 1:
                classes[0].property_named(name)
            names = ", ".join(cls.name for cls in classes[:MOST_NAMED])
            raise InvalidPropertyError(
                f"none of {names} has a property '{name}'", show_class(classes[0].name, classes[0].namespace)
            )
    return [cls for cls in classes if not properties or any(has(cls, name) for name in properties)]


MOST_NAMED = 5
"""Classes that a message names."""


def _spelled(cls: Class, name: str) -> str:
    if name.upper() in SYSTEM_PROPERTIES:
        return name.upper()
    return cls.property_named(name).name
