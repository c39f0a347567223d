"""The schema: all classes of all namespaces. It is loaded once; each class is built when it is first used.

The MOF files in this folder declare the classes; build.py generates compiled.py from them when the wheel is built.
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
    list_classes_hint,
    show_class_hint,
    suggest_name,
)
from logonscope.errors import HintCode, InvalidClassError, InvalidNamespaceError, NotSupportedError

__all__ = ["CIMV2", "LOGONSCOPE", "Schema", "schema"]

LOGONSCOPE = "root\\logonscope"
"""The namespace of the classes of this project, which show what Linux knows beyond the classes of Windows."""


class Schema:
    """The classes of every namespace; classes that a remote host declares can be added."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = {str(row[0]).lower(): row for row in rows}
        self._classes: dict[tuple[str, str], Class] = {}
        self._added: dict[tuple[str, str], Class] = {}
        self._families: dict[tuple[str, str], tuple[Class, ...]] = {}
        row_namespaces = {str(row[1]) for row in rows if row[1]}
        self.namespaces = tuple(sorted({"root", *row_namespaces}))

    def __repr__(self) -> str:
        return f"<Schema of {len(self._rows) + len(self._added)} classes>"

    def copy(self) -> "Schema":
        """Return a schema with the same built-in classes, to which other classes can be added."""
        return Schema(list(self._rows.values()))

    def add(self, declaration: Declaration, namespace: str) -> Class:
        """Add a class that a remote host declares, unless the namespace has it already; return the class.

        Raises:
            InvalidClassError: the schema lacks the parent of the class.
        """
        if (existing_class := self.find(declaration.name, namespace)) is not None:
            return existing_class
        if namespace not in self.namespaces:
            self.namespaces = tuple(sorted({*self.namespaces, namespace}))
        parent = declaration.superclass
        cls = Class(declaration, self.get(parent, namespace) if parent else None, namespace, self)
        self._added[namespace, cls.name.lower()] = self._classes[namespace, cls.name.lower()] = cls
        # The new class may belong to families that are cached.
        self._families.clear()
        return cls

    def namespace(self, name: str) -> str:
        r"""Return a namespace in its normal spelling, "root\cimv2"; slashes and case of the argument do not matter.

        Raises:
            InvalidNamespaceError: the schema has no such namespace.
        """
        spelling = name.replace("/", "\\").lower()
        if spelling not in self.namespaces:
            raise InvalidNamespaceError(
                f"there is no namespace '{name}'", f"use one of these: {', '.join(self.namespaces)}"
            )
        return spelling

    def find(self, name: str, namespace: str = CIMV2) -> Class | None:
        """Return a class of a namespace; None if the namespace has no such class."""
        folded = name.lower()
        cls = self._classes.get((namespace, folded))
        if cls is not None:
            return cls
        row = self._rows.get(folded)
        if row is None or row[1] not in {None, namespace}:
            return None
        declaration = _read_declaration(row)
        parent = declaration.superclass
        cls = Class(declaration, self.get(parent, namespace) if parent else None, namespace, self)
        return self._classes.setdefault((namespace, folded), cls)  # another thread may have built it first

    def get(self, name: str, namespace: str = CIMV2) -> Class:
        """Return a class of a namespace.

        Raises:
            InvalidClassError: the namespace has no such class.
        """
        cls = self.find(name, namespace)
        if cls is not None:
            return cls
        other_row = self._rows.get(name.lower())
        if other_row is not None:
            hint = show_class_hint(other_row[0], other_row[1])._replace(code=HintCode.USE_OTHER_NAMESPACE)
            raise InvalidClassError(f"{namespace} has no class {other_row[0]}", hint)
        names = list(self._names(namespace))
        raise InvalidClassError(
            f"{namespace} has no class '{name}'", suggest_name(name, names, list_classes_hint(namespace))
        )

    def classes(self, namespace: str = CIMV2) -> Iterator[Class]:
        """Yield every class of a namespace, superclasses first."""
        return (self.get(name, namespace) for name in self._names(namespace))

    def class_with_subclasses(self, name: str, namespace: str = CIMV2) -> tuple[Class, ...]:
        """Return a class and all of its subclasses, superclasses first."""
        key = namespace, name.lower()
        if key not in self._families:
            self._families[key] = tuple(cls for cls in self.classes(namespace) if cls.is_a(name))
        return self._families[key]

    def _names(self, namespace: str) -> Iterator[str]:
        yield from (str(row[0]) for row in self._rows.values() if row[1] in {None, namespace})
        yield from (cls.name for (space, _), cls in self._added.items() if space == namespace)


@cache
def schema() -> Schema:
    """Return the built-in schema.

    Raises:
        NotSupportedError: this is a checkout whose schema was not compiled.
    """
    module = "logonscope.cim.schema.compiled"
    try:
        from logonscope.cim.schema.compiled import CLASSES  # noqa: PLC0415 -- loaded when a class is first used
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        reason = "cannot load the classes: this checkout was not built"
        raise NotSupportedError(reason, "run python -m logonscope.cim.schema.build") from None
    return Schema(CLASSES)


def _reduce_class(cls: Class) -> tuple[Any, ...]:
    """Pickle a built-in class as its name, a class of a remote host as its declaration and those of its ancestors."""
    name, namespace = cls.name, cls.namespace
    if schema().find(name, namespace) is not None:
        return _load_class, (name, namespace)
    ancestors = (cls.schema.get(ancestor, namespace).declaration for ancestor in reversed(cls.derivation))
    return _declare_class, ((*ancestors, cls.declaration), namespace)


def _load_class(name: str, namespace: str) -> Class:
    return schema().get(name, namespace)


def _declare_class(lineage: Sequence[Declaration], namespace: str) -> Class:
    """Return the last class of a lineage, which starts with the topmost ancestor."""
    classes = schema().copy()
    return [classes.add(declaration, namespace) for declaration in lineage][-1]


# A class refers to its schema, and so to all classes. Without this line, each pickled instance would contain them all.
copyreg.pickle(Class, _reduce_class)


def _read_declaration(row: Sequence[Any]) -> Declaration:
    name, namespace, superclass, qualifiers, properties, methods = row
    return Declaration(
        name,
        namespace,
        superclass,
        _read_qualifiers(qualifiers),
        tuple(map(_read_property, properties)),
        tuple(map(_read_method, methods)),
    )


def _read_property(row: Sequence[Any]) -> Property:
    name, type_name, array, reference, qualifiers, origin, default = row
    return Property(name, type_name, array, reference, _read_qualifiers(qualifiers), origin, default)


def _read_method(row: Sequence[Any]) -> Method:
    name, type_name, parameters, qualifiers, _ = row
    return Method(name, type_name, tuple(map(_read_parameter, parameters)), _read_qualifiers(qualifiers))


def _read_parameter(row: Sequence[Any]) -> Parameter:
    name, type_name, array, reference, qualifiers = row
    return Parameter(name, type_name, array, reference, _read_qualifiers(qualifiers))


def _read_qualifiers(rows: Sequence[Sequence[Any]]) -> tuple[Qualifier, ...]:
    return tuple(Qualifier(*row) for row in rows)
