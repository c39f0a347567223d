"""What does a class say? Its properties, methods and qualifiers, those that it inherits included (DSP0004 5.1).

A Declaration is one class as its MOF has it: only what it adds. ``resolve`` puts it on top of its parent. Names are
compared without regard to case, and shown as they were declared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from logonscope.cim.types import Value
from logonscope.display import abridged
from logonscope.errors import Hint, HintCode, InvalidMethodError, InvalidPropertyError

if TYPE_CHECKING:
    from logonscope.cim.schema import Schema

CIMV2 = "root\\cimv2"
"""The namespace of the documented classes, and the one that is meant where none is named."""

TO_INSTANCE, TO_SUBCLASS, NOT_OVERRIDABLE, AMENDED = 1, 2, 16, 128
"""Flavors of a qualifier (WBEM_FLAVOR_TYPE)."""

ALIKE = 0.8
"""How alike a name must be to be suggested; the same prefix alone is not enough."""

EVENT = "__Event"
"""The class above all events."""

CIMTYPE = "CIMTYPE"
"""The qualifier that keeps a property's type as the MOF spells it."""


class Qualifier(NamedTuple):
    """Something said of a class, property, method or parameter."""

    name: str
    value: Value
    flavor: int


class Property(NamedTuple):
    """A property; of a reference, ``reference`` is the class that it names."""

    name: str
    type: str  # a key of cim.types.TYPES
    array: bool
    reference: str | None
    qualifiers: tuple[Qualifier, ...]
    origin: str = ""  # the class that declared it first

    def __repr__(self) -> str:
        return abridged(self, ("name", "type", "array", "reference", "origin"))


class Parameter(NamedTuple):
    """A parameter of a method; ``reference`` is the class of a reference or of an embedded object."""

    name: str
    type: str
    array: bool
    reference: str | None
    qualifiers: tuple[Qualifier, ...]

    def __repr__(self) -> str:
        return abridged(self, ("name", "type", "array", "reference"))

    @property
    def is_in(self) -> bool:
        """Tell whether the caller gives it."""
        return has(self.qualifiers, "In")

    @property
    def is_out(self) -> bool:
        """Tell whether the method returns it."""
        return has(self.qualifiers, "Out")


class Method(NamedTuple):
    """A method; it returns a value of a type, and its parameters that are out."""

    name: str
    type: str
    parameters: tuple[Parameter, ...]
    qualifiers: tuple[Qualifier, ...]
    origin: str = ""

    def __repr__(self) -> str:
        return abridged(self, ("name", "type", "parameters", "origin"))


Member = TypeVar("Member", Property, Method)


class Named(Mapping[str, Member]):
    """Properties or methods by name, in their order; names are looked up in any case."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        self._members: dict[str, Member] = {member.name.lower(): member for member in members}

    def __getitem__(self, name: str) -> Member:
        return self._members[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._members

    def __iter__(self) -> Iterator[str]:
        return (member.name for member in self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


class Declaration(NamedTuple):
    """One class as its MOF has it; ``namespace`` None: every namespace has it."""

    name: str
    namespace: str | None
    superclass: str | None
    qualifiers: tuple[Qualifier, ...]
    properties: tuple[Property, ...]
    methods: tuple[Method, ...]


class Class:
    r"""A class with all that it inherits.

    Attributes:
        name: as declared.
        namespace: where it was found, as "root\cimv2".
        schema: the schema that it belongs to.
        declaration: what it adds to its parent.
        derivation: its ancestors, the parent first.
        qualifiers: those that hold for it, inherited ones included.
        properties: by name, in the order of the class.
        methods: by name, its own before those that it inherits.
        keys: the names of the key properties, in alphabetical order as object paths have them.
    """

    __slots__ = (
        "declaration", "derivation", "keys", "methods", "name", "namespace", "properties", "qualifiers", "schema",
    )  # fmt: skip

    def __init__(self, declaration: Declaration, parent: "Class | None", namespace: str, schema: "Schema") -> None:
        self.name = declaration.name
        self.namespace = namespace
        self.schema = schema
        self.declaration = declaration
        self.derivation: tuple[str, ...] = (parent.name, *parent.derivation) if parent else ()
        self.qualifiers: tuple[Qualifier, ...] = inherited(declaration.qualifiers, parent.qualifiers if parent else ())
        self.properties: Named[Property] = _properties(declaration, parent)
        self.methods: Named[Method] = _methods(declaration, parent)
        self.keys = tuple(sorted(p.name for p in self.properties.values() if has(p.qualifiers, "Key")))

    @property
    def superclass(self) -> str | None:
        """Return the parent's name."""
        return self.derivation[0] if self.derivation else None

    @property
    def dynasty(self) -> str:
        """Return the name of the topmost ancestor."""
        return self.derivation[-1] if self.derivation else self.name

    @property
    def is_abstract(self) -> bool:
        """Tell whether only its subclasses have instances."""
        return has(self.qualifiers, "Abstract")

    @property
    def is_event(self) -> bool:
        """Tell whether its instances are events."""
        return self.is_a(EVENT)

    @property
    def is_association(self) -> bool:
        """Tell whether its instances tie others together."""
        return has(self.qualifiers, "Association")

    @property
    def is_singleton(self) -> bool:
        """Tell whether it has exactly one instance, whose path is CLASS=@."""
        return has(self.qualifiers, "Singleton")

    def is_a(self, name: str) -> bool:
        """Tell whether it is the named class or below it."""
        folded = name.lower()
        return folded == self.name.lower() or any(folded == ancestor.lower() for ancestor in self.derivation)

    def property_named(self, name: str) -> Property:
        """Return a property.

        Raises:
            InvalidPropertyError: there is none of that name.
        """
        if name not in self.properties:
            hint = meant(name, list(self.properties), show_class(self.name, self.namespace))
            raise InvalidPropertyError(f"{self.name} has no property '{name}'", hint)
        return self.properties[name]

    def method_named(self, name: str) -> Method:
        """Return a method.

        Raises:
            InvalidMethodError: there is none of that name.
        """
        if name not in self.methods:
            hint = meant(name, list(self.methods), show_class(self.name, self.namespace))
            raise InvalidMethodError(f"{self.name} has no method '{name}'", hint)
        return self.methods[name]

    def __repr__(self) -> str:
        return f"<Class {self.namespace}:{self.name}>"


def find(qualifiers: Sequence[Qualifier], name: str) -> Qualifier | None:
    """Return the qualifier of that name."""
    folded = name.lower()
    return next((qualifier for qualifier in qualifiers if qualifier.name.lower() == folded), None)


def has(qualifiers: Sequence[Qualifier], name: str) -> bool:
    """Tell whether a boolean qualifier is set."""
    found = find(qualifiers, name)
    return found is not None and found.value is True


def inherited(own: tuple[Qualifier, ...], parents: tuple[Qualifier, ...]) -> tuple[Qualifier, ...]:
    """Return the qualifiers of a class or property: the parent's as far as they pass on, and its own."""
    names = {qualifier.name.lower() for qualifier in own}
    kept = (q for q in parents if q.flavor & TO_SUBCLASS and q.name.lower() not in names)
    return (*kept, *own)


def list_classes(namespace: str) -> Hint:
    """Return the hint that leads to the classes of a namespace."""
    return Hint(HintCode.LIST_CLASSES, {"namespace": namespace.replace("\\", "/")})


def show_class(name: str, namespace: str, also: str = "") -> Hint:
    """Return the hint that leads to what a class has."""
    return Hint(HintCode.SHOW_CLASS, {"name": name, "namespace": namespace.replace("\\", "/")}, also)


def meant(name: str, names: Sequence[str], otherwise: Hint) -> str | Hint:
    """Return the hint for a name that is none of these: the one that is most like it, if any."""
    import difflib  # noqa: PLC0415 -- only for whoever mistypes

    folded = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), folded, 1, ALIKE)
    return f"did you mean {folded[close[0]]}?" if close else otherwise


def _properties(declaration: Declaration, parent: Class | None) -> Named[Property]:
    properties = {known.name.lower(): known for known in parent.properties.values()} if parent else {}
    for own in declaration.properties:
        before = properties.get(own.name.lower())
        qualifiers = inherited(own.qualifiers, before.qualifiers) if before else own.qualifiers
        origin = before.origin if before else declaration.name
        properties[own.name.lower()] = own._replace(qualifiers=qualifiers, origin=origin)
    return Named(properties.values())


def _methods(declaration: Declaration, parent: Class | None) -> Named[Method]:
    """Return the methods of a class, its own before those that it inherits."""
    inherits = parent.methods if parent else Named[Method]()
    methods = {}
    for own in declaration.methods:
        before = inherits.get(own.name)
        qualifiers = inherited(own.qualifiers, before.qualifiers) if before else own.qualifiers
        methods[own.name.lower()] = own._replace(qualifiers=qualifiers, origin=declaration.name)
    return Named([*methods.values(), *(method for method in inherits.values() if method.name.lower() not in methods)])
