"""Registry of providers: the provider of a class, and the classes that have instances here.

The provider of a class is found by its module: logonscope.providers and the name of the class in snake case, without
``Win32_`` (see ``module_name``). A class without such a module has no instances here. A test reports modules whose name
is not that of a class.
"""

import re
from functools import cache
from importlib import import_module

from logonscope.cim.classes import Class
from logonscope.cim.types import TYPES
from logonscope.providers.helpers.provider import Column, Provider


@cache
def find_provider(cls: Class) -> Provider | None:
    """Return the provider of a class; None if the class has no instances here."""
    module = f"logonscope.providers.{module_name(cls.name)}"
    try:
        provider: Provider = import_module(module).PROVIDER
    except ModuleNotFoundError as error:
        # The class has no provider if its own module is missing. If the module exists and imports a module that is
        # missing, this is a defect, and must not look like a class without instances.
        if error.name != module:
            raise
        return None
    columns = {name: _with_limits(cls, name, column) for name, column in provider.columns.items()}
    return provider._replace(columns=columns)


def get_provider(cls: Class) -> Provider:
    """Return the provider of a class that has one."""
    provider = find_provider(cls)
    assert provider is not None  # noqa: S101 -- checked by the caller
    return provider


@cache
def provided_classes(cls: Class) -> tuple[Class, ...]:
    """Return the classes with a provider among a class and its subclasses; classes of groups are last.

    A user and a group may have the same name. As a Win32_Account, this name means the user, so users come first.
    """
    members = [
        member
        for member in cls.schema.class_with_subclasses(cls.name, cls.namespace)
        if find_provider(member) is not None
    ]
    return tuple(sorted(members, key=_is_group_class))


def _is_group_class(cls: Class) -> bool:
    return get_provider(cls).subject == "group"


@cache
def classes_at_end(association: Class, role: str) -> tuple[Class, ...]:
    """Return the classes of instances at an end: the declared class and its subclasses that have the end's subject."""
    subject = get_provider(association).ends[role].subject
    declared = association.schema.find(association.properties[role].reference or "", association.namespace)
    return tuple(cls for cls in provided_classes(declared) if get_provider(cls).subject == subject) if declared else ()


def module_name(class_name: str) -> str:
    """Return the name of a class's module: session_process for Win32_SessionProcess."""
    name = class_name.removeprefix("Win32_").strip("_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _with_limits(cls: Class, name: str, column: Column) -> Column:
    """Return the column with the limits of the property's type, if the property is an integer, and no array."""
    declared = cls.property_named(name)
    cim_type = TYPES[declared.type]
    return (
        column._replace(limits=(cim_type.low, cim_type.high)) if cim_type.is_integer and not declared.array else column
    )
