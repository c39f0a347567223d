"""Registry of providers: the provider of a class, and the classes that have instances here.

A provider is the module of this package that is named as its class is, in snake case without ``Win32_``; no list is
kept by hand.
"""

import re
from functools import cache
from importlib import import_module
from typing import Any

from logonscope.cim.classes import Class
from logonscope.cim.types import TYPES
from logonscope.providers.helpers.provider import Column, Provider


@cache
def provider_of(cls: Class) -> Provider | None:
    """Return the provider of a class; None where it has no instances here."""
    module = f"logonscope.providers.{file_of(cls.name)}"
    try:
        found: Provider = import_module(module).PROVIDER
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    return found._replace(columns={name: _fitted(cls, name, of) for name, of in found.columns.items()})


def provider_for(cls: Class) -> Provider:
    """Return the provider of a class that has one."""
    provider = provider_of(cls)
    assert provider is not None  # noqa: S101 -- whoever asks has looked
    return provider


@cache
def family(cls: Class) -> tuple[Class, ...]:
    """Return the class and those below it, as far as they have instances here; a group after a user of its name."""
    found = [below for below in cls.schema.family(cls.name, cls.namespace) if provider_of(below) is not None]
    return tuple(sorted(found, key=lambda below: provider_for(below).subject == "group"))


@cache
def at_end(association: Class, role: str) -> tuple[Class, ...]:
    """Return the classes whose instances can stand at an end: those of its subject, of the declared class or below."""
    subject = provider_for(association).ends[role].subject
    declared = association.schema.find(association.properties[role].reference or "", association.namespace)
    return tuple(cls for cls in family(declared) if provider_for(cls).subject == subject) if declared else ()


def file_of(class_name: str) -> str:
    """Return the name of a class's file: SessionProcess of Win32_SessionProcess is session_process."""
    name = class_name.removeprefix("Win32_").strip("_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _fitted(cls: Class, name: str, of: Column) -> Column:
    """Return the column with null for a number that the property's type cannot hold."""
    cim_type = TYPES[cls.property_named(name).type]
    if not cim_type.is_integer or cls.property_named(name).array:
        return of
    value, low, high = of.value, cim_type.low, cim_type.high

    def fitted(*item: Any) -> Any:
        found: Any = value(*item)
        return found if found is None or low <= found <= high else None

    return of._replace(value=fitted)
