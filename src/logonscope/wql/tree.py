"""What does a query say? The tree of a statement, before anybody looks whether its names mean something.

A node knows where it stood in the text (``at``, an offset), which counts for no comparison.
"""

from dataclasses import dataclass, field

Constant = str | int | float | bool | None

EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST, LIKE, ISA = "=", "<>", "<", ">", "<=", ">=", "LIKE", "ISA"
TURNED = {LESS: GREATER, GREATER: LESS, AT_MOST: AT_LEAST, AT_LEAST: AT_MOST}
"""What an operator becomes when its sides change places."""


def _position() -> int:
    return field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a property: its parts, more than one where it is a property of an embedded object."""

    parts: tuple[str, ...]
    at: int = _position()

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property, an operator and a constant; where the text has the constant first, the operator is turned."""

    name: Name
    operator: str
    constant: Constant
    at: int = _position()  # of the constant


@dataclass(frozen=True, slots=True)
class IsNull:
    """A property is null."""

    name: Name


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that does not hold."""

    term: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """Conditions that all hold."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Conditions of which one holds."""

    terms: tuple["Condition", ...]


Condition = Comparison | IsNull | Not | And | Or


@dataclass(frozen=True, slots=True)
class Group:
    """How events are told together: within so many seconds, by which properties, and from how many on."""

    within: int
    by: tuple[Name, ...] = ()
    having: Condition | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """``SELECT columns FROM class [WITHIN seconds] [WHERE condition] [GROUP ...]``; columns None: all."""

    columns: tuple[Name, ...] | None
    class_name: str
    where: Condition | None = None
    within: float | None = None
    group: Group | None = None
    at: int = _position()  # of the class


@dataclass(frozen=True, slots=True)
class Tied:
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
    at: int = _position()  # of the path


Statement = Select | Tied
