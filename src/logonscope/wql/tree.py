"""Syntax tree of a WQL statement, whose names are not yet resolved.

A node keeps its position in the text (``at``, an offset), which is ignored when nodes are compared.
"""

from dataclasses import dataclass, field

Constant = str | int | float | bool | None

EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST, LIKE, ISA = "=", "<>", "<", ">", "<=", ">=", "LIKE", "ISA"
MIRRORED_OPERATORS = {LESS: GREATER, GREATER: LESS, AT_MOST: AT_LEAST, AT_LEAST: AT_MOST}
"""The operator to use when the two sides of a comparison are swapped; the others stay the same."""


def _position() -> int:
    return field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a property; it has several parts if it names a property of an embedded object."""

    parts: tuple[str, ...]
    at: int = _position()

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of a property with a constant; if the text has the constant first, the operator is mirrored."""

    name: Name
    operator: str
    constant: Constant
    at: int = _position()  # position of the constant


@dataclass(frozen=True, slots=True)
class IsNull:
    """A test whether a property is null."""

    name: Name


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that must not hold."""

    term: "ConditionTree"


@dataclass(frozen=True, slots=True)
class And:
    """Conditions that must all hold."""

    terms: tuple["ConditionTree", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Conditions of which at least one must hold."""

    terms: tuple["ConditionTree", ...]


ConditionTree = Comparison | IsNull | Not | And | Or


@dataclass(frozen=True, slots=True)
class GroupClause:
    """``GROUP WITHIN seconds [BY properties] [HAVING condition]`` of an event query."""

    within: int
    by: tuple[Name, ...] = ()
    having: ConditionTree | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """``SELECT columns FROM class [WITHIN seconds] [WHERE condition] [GROUP ...]``; columns None means all (``*``)."""

    columns: tuple[Name, ...] | None
    class_name: str
    where: ConditionTree | None = None
    within: float | None = None
    group: GroupClause | None = None
    at: int = _position()  # position of the class


@dataclass(frozen=True, slots=True)
class AssociationQuery:
    """``ASSOCIATORS OF {path} [WHERE ...]`` and ``REFERENCES OF {path} [WHERE ...]``."""

    references: bool
    path: str
    assoc_class: Name | None = None
    result_class: Name | None = None
    role: Name | None = None
    result_role: Name | None = None
    required_qualifier: Name | None = None
    required_assoc_qualifier: Name | None = None
    keys_only: bool = False
    class_defs_only: bool = False
    schema_only: bool = False
    at: int = _position()  # position of the path


Statement = Select | AssociationQuery
