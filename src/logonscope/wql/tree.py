"""Syntax tree of a WQL statement, whose names are not yet resolved.

Some nodes have a ``position``, an offset in the text of the query, which is ignored when nodes are compared.
"""

from typing import Any, NoReturn, dataclass_transform

Constant = str | int | float | bool | None

EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST, LIKE, ISA = "=", "<>", "<", ">", "<=", ">=", "LIKE", "ISA"
MIRRORED_OPERATORS = {LESS: GREATER, GREATER: LESS, AT_MOST: AT_LEAST, AT_LEAST: AT_MOST}
"""The operator to use when the two sides of a comparison are swapped; operators that are not here stay the same."""


@dataclass_transform(frozen_default=True)
class Node:
    """A value that cannot be changed, with the fields that its class declares.

    The standard module dataclasses is not used: its import, and the code that it would generate for the classes of
    nodes, would slow down each command that reads a query (docs/decisions/0047).
    """

    def __init__(self, *values: Any, **named_values: Any) -> None:
        self.__dict__.update(zip(type(self).__annotations__, values, strict=False), **named_values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._compared_values() == other._compared_values()

    def __hash__(self) -> int:
        return hash((type(self), *self._compared_values()))

    def __repr__(self) -> str:
        names = (name for name in type(self).__annotations__ if name != "position")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"cannot assign to field {name!r}")

    def _compared_values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in type(self).__annotations__ if name != "position"])


class Name(Node):
    """The name of a property; it has several parts if it names a property of an embedded object."""

    parts: tuple[str, ...]
    position: int = 0

    def __str__(self) -> str:
        return ".".join(self.parts)


class Comparison(Node):
    """A comparison of a property with a constant; if the text has the constant first, the operator is mirrored."""

    name: Name
    operator: str
    constant: Constant
    position: int = 0  # of the constant


class IsNull(Node):
    """A test whether a property is null."""

    name: Name


class Not(Node):
    """A condition that must not hold."""

    term: "ConditionTree"


class And(Node):
    """Conditions that must all hold."""

    terms: tuple["ConditionTree", ...]


class Or(Node):
    """Conditions of which at least one must hold."""

    terms: tuple["ConditionTree", ...]


ConditionTree = Comparison | IsNull | Not | And | Or


class GroupClause(Node):
    """``GROUP WITHIN seconds [BY properties] [HAVING condition]`` of an event query."""

    within: int
    by: tuple[Name, ...] = ()
    having: ConditionTree | None = None


class Select(Node):
    """``SELECT columns FROM class [WITHIN seconds] [WHERE condition] [GROUP ...]``; columns None means all (``*``)."""

    columns: tuple[Name, ...] | None
    class_name: str
    where: ConditionTree | None = None
    within: float | None = None
    group: GroupClause | None = None
    position: int = 0  # of the class name


class AssociationQuery(Node):
    """``ASSOCIATORS OF {path} [WHERE ...]``; with ``references``, ``REFERENCES OF {path} [WHERE ...]``."""

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
    position: int = 0  # of the path


Statement = Select | AssociationQuery
