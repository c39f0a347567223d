"""CIM classes: their properties, methods and qualifiers, with those that they inherit (DSP0004 5.1).

A Declaration is one class as its MOF declares it, with only what it adds to its parent; a Class has the inherited
members too. Names are compared without regard to case, and shown as they were declared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from logonscope.cim.types import Value
from logonscope.display import short_row_repr
from logonscope.errors import Hint, HintCode, InvalidMethodError, InvalidPropertyError

if TYPE_CHECKING:
    from logonscope.cim.schema import Schema

CIMV2 = "root\\cimv2"
"""The namespace of the classes that Windows documents, and the default namespace."""

TO_INSTANCE, TO_SUBCLASS, NOT_OVERRIDABLE, AMENDED = 1, 2, 16, 128
"""Flavors of a qualifier (WBEM_FLAVOR_TYPE)."""

MIN_SIMILARITY = 0.8
"""Minimum similarity (0 to 1, by difflib) of a suggested name to the unknown one.

It is so high because many names have the same beginning, such as "Win32_".
"""

EVENT = "__Event"
"""The class that all event classes inherit from."""

CIMTYPE = "CIMTYPE"
"""The qualifier that keeps the type of a property or a parameter in the spelling of the MOF."""

PARAMETER_ID = "ID"
"""The qualifier that numbers the parameters of a method: one sequence for in and out parameters."""


class Qualifier(NamedTuple):
    """A qualifier of a class, property, method or parameter."""

    name: str
    value: Value
    flavor: int


class Property(NamedTuple):
    """A property; ``reference`` is the class that a reference names, or the class of an embedded object."""

    name: str
    type: str  # a key of cim.types.TYPES
    array: bool
    reference: str | None
    qualifiers: tuple[Qualifier, ...]
    origin: str = ""  # the class that declared it first
    default: Value = None  # the property's value in a new instance that does not set the property

    def __repr__(self) -> str:
        return short_row_repr(self, ("name", "type", "array", "reference", "origin"))


class Parameter(NamedTuple):
    """A parameter of a method; ``reference`` is as in ``Property``."""

    name: str
    type: str
    array: bool
    reference: str | None
    qualifiers: tuple[Qualifier, ...]

    def __repr__(self) -> str:
        return short_row_repr(self, ("name", "type", "array", "reference"))

    @property
    def is_in(self) -> bool:
        """Return whether the caller passes this parameter."""
        return has_qualifier(self.qualifiers, "In")

    @property
    def is_out(self) -> bool:
        """Return whether the method returns this parameter."""
        return has_qualifier(self.qualifiers, "Out")


class Method(NamedTuple):
    """A method; ``type`` is the type of its return value, ``origin`` the most derived class that declares it."""

    name: str
    type: str
    parameters: tuple[Parameter, ...]
    qualifiers: tuple[Qualifier, ...]
    origin: str = ""

    def __repr__(self) -> str:
        return short_row_repr(self, ("name", "type", "parameters", "origin"))


Member = TypeVar("Member", Property, Method)


class MembersByName(Mapping[str, Member]):
    """Properties or methods by name, in the order of the class; the case of a name is ignored."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        self._members: dict[str, Member] = {member.name.lower(): member for member in members}
        # a tuple, because every request for an instance takes the names of all properties
        self._names = tuple(member.name for member in self._members.values())

    def __getitem__(self, name: str) -> Member:
        return self._members[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


class Declaration(NamedTuple):
    """One class as its MOF, or a remote host, declares it; ``namespace`` None: every namespace has the class."""

    name: str
    namespace: str | None
    superclass: str | None
    qualifiers: tuple[Qualifier, ...]
    properties: tuple[Property, ...]
    methods: tuple[Method, ...]


class Class:
    r"""A class with its own and its inherited members.

    Attributes:
        name: the name, in the spelling of the declaration.
        namespace: the namespace, in the spelling "root\cimv2".
        schema: the schema that the class belongs to.
        declaration: its own qualifiers and members, without those that it inherits.
        derivation: the names of its ancestors, the parent first.
        qualifiers: the qualifiers, with the inherited ones.
        properties: the properties by name, in the order of the class.
        methods: the methods by name, those declared here before the inherited ones.
        keys: the names of the key properties, in alphabetical order, as in object paths.
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
        self.qualifiers: tuple[Qualifier, ...] = inherit_qualifiers(
            declaration.qualifiers, parent.qualifiers if parent else ()
        )
        self.properties: MembersByName[Property] = _merge_properties(declaration, parent)
        self.methods: MembersByName[Method] = _merge_methods(declaration, parent)
        self.keys = tuple(sorted(p.name for p in self.properties.values() if has_qualifier(p.qualifiers, "Key")))

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
        """Return whether only its subclasses have instances."""
        return has_qualifier(self.qualifiers, "Abstract")

    @property
    def is_event(self) -> bool:
        """Return whether its instances are events."""
        return self.is_a(EVENT)

    @property
    def is_association(self) -> bool:
        """Return whether it is an association: its instances connect other instances by references."""
        return has_qualifier(self.qualifiers, "Association")

    @property
    def is_singleton(self) -> bool:
        """Return whether it has exactly one instance, whose path is CLASS=@."""
        return has_qualifier(self.qualifiers, "Singleton")

    def is_a(self, name: str) -> bool:
        """Return whether it is the named class or inherits from it."""
        folded = name.lower()
        return folded == self.name.lower() or any(folded == ancestor.lower() for ancestor in self.derivation)

    def property_named(self, name: str) -> Property:
        """Return the property of that name.

        Raises:
            InvalidPropertyError: the class has no such property.
        """
        if name not in self.properties:
            hint = suggest_name(name, list(self.properties), show_class_hint(self.name, self.namespace))
            raise InvalidPropertyError(f"{self.name} has no property '{name}'", hint)
        return self.properties[name]

    def method_named(self, name: str) -> Method:
        """Return the method of that name.

        Raises:
            InvalidMethodError: the class has no such method.
        """
        if name not in self.methods:
            hint = suggest_name(name, list(self.methods), show_class_hint(self.name, self.namespace))
            raise InvalidMethodError(f"{self.name} has no method '{name}'", hint)
        return self.methods[name]

    def __repr__(self) -> str:
        return f"<Class {self.namespace}:{self.name}>"


def find_qualifier(qualifiers: Sequence[Qualifier], name: str) -> Qualifier | None:
    """Return the qualifier of that name; None if it is not among them."""
    folded = name.lower()
    return next((qualifier for qualifier in qualifiers if qualifier.name.lower() == folded), None)


def has_qualifier(qualifiers: Sequence[Qualifier], name: str) -> bool:
    """Return whether a boolean qualifier is set."""
    qualifier = find_qualifier(qualifiers, name)
    return qualifier is not None and qualifier.value is True


def parameter_id_qualifier(number: int) -> Qualifier:
    """Return the qualifier ID that a parameter gets from its position in the method."""
    return Qualifier(PARAMETER_ID, number, TO_INSTANCE | NOT_OVERRIDABLE)


def inherit_qualifiers(declared: tuple[Qualifier, ...], inherited: tuple[Qualifier, ...]) -> tuple[Qualifier, ...]:
    """Return all qualifiers of a class or a member: first those that its parent passes on, then the declared ones."""
    names = {qualifier.name.lower() for qualifier in declared}
    inherited_qualifiers = (q for q in inherited if q.flavor & TO_SUBCLASS and q.name.lower() not in names)
    return (*inherited_qualifiers, *declared)


def list_classes_hint(namespace: str) -> Hint:
    """Return the hint on how to list the classes of a namespace."""
    return Hint(HintCode.LIST_CLASSES, {"namespace": namespace.replace("\\", "/")})


def show_class_hint(name: str, namespace: str, also: str = "") -> Hint:
    """Return the hint on how to show a class; ``also`` is text that follows the hint."""
    return Hint(HintCode.SHOW_CLASS, {"name": name, "namespace": namespace.replace("\\", "/")}, also)


def suggest_name(name: str, names: Sequence[str], fallback: Hint) -> str | Hint:
    """Return the hint for an unknown name: the most similar of the valid names; ``fallback`` if none is similar."""
    import difflib  # noqa: PLC0415 -- needed only for a mistyped name

    spellings = {valid_name.lower(): valid_name for valid_name in names}
    close = difflib.get_close_matches(name.lower(), spellings, 1, MIN_SIMILARITY)
    return f"did you mean {spellings[close[0]]}?" if close else fallback


def _merge_properties(declaration: Declaration, parent: Class | None) -> MembersByName[Property]:
    """Return the properties of a class; an overridden one keeps its position and its origin."""
    properties = {member.name.lower(): member for member in parent.properties.values()} if parent else {}
    for declared in declaration.properties:
        overridden = properties.get(declared.name.lower())
        qualifiers = (
            inherit_qualifiers(declared.qualifiers, overridden.qualifiers) if overridden else declared.qualifiers
        )
        origin = overridden.origin if overridden else declaration.name
        properties[declared.name.lower()] = declared._replace(qualifiers=qualifiers, origin=origin)
    return MembersByName(properties.values())


def _merge_methods(declaration: Declaration, parent: Class | None) -> MembersByName[Method]:
    """Return the methods of a class, those declared here before the inherited ones."""
    parent_methods = parent.methods if parent else MembersByName[Method]()
    methods = {}
    for declared in declaration.methods:
        overridden = parent_methods.get(declared.name)
        qualifiers = (
            inherit_qualifiers(declared.qualifiers, overridden.qualifiers) if overridden else declared.qualifiers
        )
        methods[declared.name.lower()] = declared._replace(qualifiers=qualifiers, origin=declaration.name)
    inherited_methods = (method for method in parent_methods.values() if method.name.lower() not in methods)
    return MembersByName([*methods.values(), *inherited_methods])
