"""Which classes have instances here, and which of them can stand at an end of an association?"""

from functools import cache

from logonscope.cim.classes import Class
from logonscope.cim.schema import schema
from logonscope.providers.helpers.provider import Provider, provider_of


@cache
def family(cls: Class) -> tuple[Class, ...]:
    """Return the class and those below it, as far as they have instances here; a group after a user of its name."""
    found = [below for below in schema().family(cls.name, cls.namespace) if provider_of(below.name) is not None]
    return tuple(sorted(found, key=lambda below: provider_for(below).subject == "group"))


def provider_for(cls: Class) -> Provider:
    """Return the provider of a class that has one."""
    provider = provider_of(cls.name)
    assert provider is not None  # noqa: S101 -- whoever asks has looked
    return provider


@cache
def at_end(association: Class, role: str) -> tuple[Class, ...]:
    """Return the classes whose instances can stand at an end: those of its subject, of the declared class or below."""
    subject = provider_for(association).ends[role].subject
    declared = schema().find(association.properties[role].reference or "", association.namespace)
    return tuple(cls for cls in family(declared) if provider_for(cls).subject == subject) if declared else ()
