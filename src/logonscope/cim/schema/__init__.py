"""Which classes are there? The schema: loaded once, each class put together when it is first asked for.

Its source are the MOF files beside this one; compiled.py is made from them when the wheel is built.
"""

import copyreg
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from logonscope.cim.classes import (
    CIMV2,
    Class,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
    list_classes,
    meant,
    show_class,
)
from logonscope.errors import HintCode, InvalidClassError, InvalidNamespaceError

__all__ = ["CIMV2", "LOGONSCOPE", "Schema", "schema"]

LOGONSCOPE = "root\\logonscope"
"""The namespace of what Linux knows beyond them."""


class Schema:
    """The classes of every namespace; those of another machine can be added to them."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = {str(row[0]).lower(): row for row in rows}
        self._classes: dict[tuple[str, str], Class] = {}
        self._added: dict[tuple[str, str], Class] = {}
        self._families: dict[tuple[str, str], tuple[Class, ...]] = {}
        of_rows = {str(row[1]) for row in rows if row[1]}
        self.namespaces = tuple(sorted({"root", *of_rows}))

    def copy(self) -> "Schema":
        """Return a schema of the same classes, to which others can be added."""
        return Schema(list(self._rows.values()))

    def add(self, declaration: Declaration, namespace: str) -> Class:
        """Add a class of another machine, whose parent is there already; return it, or the one that was there before.

        Raises:
            InvalidClassError: there is no such parent.
        """
        if (known := self.find(declaration.name, namespace)) is not None:
            return known
        if namespace not in self.namespaces:
            self.namespaces = tuple(sorted({*self.namespaces, namespace}))
        above = declaration.superclass
        made = Class(declaration, self.get(above, namespace) if above else None, namespace, self)
        self._added[namespace, made.name.lower()] = self._classes[namespace, made.name.lower()] = made
        self._families.clear()
        return made

    def namespace(self, name: str) -> str:
        r"""Return a namespace as it is written here: "root\cimv2", whatever its slashes and case.

        Raises:
            InvalidNamespaceError: there is none of that name.
        """
        found = name.replace("/", "\\").lower()
        if found not in self.namespaces:
            known = ", ".join(self.namespaces)
            raise InvalidNamespaceError(f"there is no namespace '{name}'", f"the namespaces here are {known}")
        return found

    def find(self, name: str, namespace: str = CIMV2) -> Class | None:
        """Return a class of a namespace, None where it has none of that name."""
        folded = name.lower()
        known = self._classes.get((namespace, folded))
        if known is not None:
            return known
        row = self._rows.get(folded)
        if row is None or row[1] not in {None, namespace}:
            return None
        declaration = _declaration(row)
        parent = declaration.superclass
        made = Class(declaration, self.get(parent, namespace) if parent else None, namespace, self)
        return self._classes.setdefault((namespace, folded), made)  # another thread can have been faster

    def get(self, name: str, namespace: str = CIMV2) -> Class:
        """Return a class of a namespace.

        Raises:
            InvalidClassError: there is none of that name.
        """
        found = self.find(name, namespace)
        if found is not None:
            return found
        elsewhere = self._rows.get(name.lower())
        if elsewhere is not None:
            hint = show_class(elsewhere[0], elsewhere[1])._replace(code=HintCode.CLASS_ELSEWHERE)
            raise InvalidClassError(f"{namespace} has no class {elsewhere[0]}", hint)
        names = list(self._names(namespace))
        raise InvalidClassError(f"{namespace} has no class '{name}'", meant(name, names, list_classes(namespace)))

    def classes(self, namespace: str = CIMV2) -> Iterator[Class]:
        """Yield every class of a namespace, parents before their children."""
        return (self.get(name, namespace) for name in self._names(namespace))

    def family(self, name: str, namespace: str = CIMV2) -> tuple[Class, ...]:
        """Return a class and every class below it, parents before their children."""
        key = namespace, name.lower()
        if key not in self._families:
            self._families[key] = tuple(known for known in self.classes(namespace) if known.is_a(name))
        return self._families[key]

    def _names(self, namespace: str) -> Iterator[str]:
        yield from (str(row[0]) for row in self._rows.values() if row[1] in {None, namespace})
        yield from (cls.name for (space, _), cls in self._added.items() if space == namespace)


@cache
def schema() -> Schema:
    """Return the schema of this version."""
    from logonscope.cim.schema.compiled import CLASSES  # noqa: PLC0415 -- loaded when a class is first asked for

    return Schema(CLASSES)


def _pickled(known: Class) -> tuple[Any, ...]:
    """Pickle a class as its name; one that another machine has declared as what it and its ancestors declare."""
    name, namespace = known.name, known.namespace
    if schema().find(name, namespace) is not None:
        return _unpickled, (name, namespace)
    ancestors = (known.schema.get(ancestor, namespace).declaration for ancestor in reversed(known.derivation))
    return _redeclared, ((*ancestors, known.declaration), namespace)


def _unpickled(name: str, namespace: str) -> Class:
    return schema().get(name, namespace)


def _redeclared(lineage: Sequence[Declaration], namespace: str) -> Class:
    """Return the last class of a lineage, which begins with the topmost ancestor."""
    classes = schema().copy()
    return [classes.add(declaration, namespace) for declaration in lineage][-1]


copyreg.pickle(Class, _pickled)


def _declaration(row: Sequence[Any]) -> Declaration:
    name, namespace, superclass, qualifiers, properties, methods = row
    return Declaration(
        name,
        namespace,
        superclass,
        _qualifiers(qualifiers),
        tuple(_property(of) for of in properties),
        tuple(Method(of[0], of[1], tuple(map(_parameter, of[2])), _qualifiers(of[3])) for of in methods),
    )


def _property(row: Sequence[Any]) -> Property:
    name, of_type, array, reference, qualifiers, _ = row
    return Property(name, of_type, array, reference, _qualifiers(qualifiers))


def _parameter(row: Sequence[Any]) -> Parameter:
    name, of_type, array, reference, qualifiers = row
    return Parameter(name, of_type, array, reference, _qualifiers(qualifiers))


def _qualifiers(rows: Sequence[Sequence[Any]]) -> tuple[Qualifier, ...]:
    return tuple(Qualifier(*row) for row in rows)
