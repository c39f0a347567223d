"""Columns of a result: the properties that a caller selects, checked against a class; system properties included."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from logonscope.cim.classes import Class, show_class_hint
from logonscope.cim.instances import SYSTEM_PROPERTIES
from logonscope.errors import InvalidPropertyError

MAX_CLASSES = 512
"""Maximum number of classes for which the result of ``_all_columns`` is kept."""

_FROM_KEYS = {"__PATH", "__RELPATH"}


class Columns(NamedTuple):
    """The properties of a result, and those that its rows hold.

    Attributes:
        shown: the selected properties, system properties included, in the order in which they were selected.
        stored: the properties of the class whose values are in each row: those among ``shown``, and the keys if a path
            is shown.
    """

    shown: tuple[str, ...]
    stored: tuple[str, ...]


def check_columns(cls: Class, properties: Sequence[str] | None) -> Columns:
    """Return the selected properties as the class spells them; all of its properties if ``properties`` is None.

    Raises:
        InvalidPropertyError: the class has no such property.
    """
    if properties is None:
        return _all_columns(cls)
    shown = tuple(dict.fromkeys(_spell_property(cls, name) for name in properties))
    stored = [name for name in shown if name not in SYSTEM_PROPERTIES]
    # __PATH and __RELPATH are built from the keys of the row
    if _FROM_KEYS.intersection(shown):
        stored += [key for key in cls.keys if key not in stored]
    return Columns(shown, tuple(stored))


def select_columns(cls: Class, properties: Sequence[str] | None) -> Columns:
    """Return those of the selected properties that the class has; all of its properties if ``properties`` is None."""
    return check_columns(cls, None if properties is None else [name for name in properties if has_property(cls, name)])


def has_property(cls: Class, name: str) -> bool:
    """Return whether a class has a property; every class has the system properties."""
    return name in cls.properties or name.upper() in SYSTEM_PROPERTIES


def classes_with_properties(classes: Sequence[Class], properties: Sequence[str] | None) -> list[Class]:
    """Return the classes that have at least one of the properties; all classes if there are no properties.

    Raises:
        InvalidPropertyError: there are classes, but none of them has one of the properties.
    """
    for name in properties or ():
        if classes and not any(has_property(cls, name) for cls in classes):
            if len(classes) == 1:
                # raises the error with a suggestion for the name
                classes[0].property_named(name)
            names = ", ".join(cls.name for cls in classes[:MAX_LISTED_CLASSES])
            raise InvalidPropertyError(
                f"none of {names} has a property '{name}'", show_class_hint(classes[0].name, classes[0].namespace)
            )
    return [cls for cls in classes if not properties or any(has_property(cls, name) for name in properties)]


MAX_LISTED_CLASSES = 5
"""Maximum number of classes that a message lists."""


@lru_cache(MAX_CLASSES)
def _all_columns(cls: Class) -> Columns:
    names = tuple(cls.properties)
    return Columns(names, names)


def _spell_property(cls: Class, name: str) -> str:
    if name.upper() in SYSTEM_PROPERTIES:
        return name.upper()
    return cls.property_named(name).name
