"""Which rows are meant? A condition on the rows of a class, made of an instance's keys or of a query."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from logonscope.broker.request import Request
from logonscope.cim.binding import Target, object_path, related, same
from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.providers.helpers.registry import at_end, provider_for
from logonscope.wql.bind import PATHS, REFERENCE, TEXT, THIS
from logonscope.wql.condition import FALSE, Condition, Every, Null, Some, Term, Truth, columns, fixed, folded
from logonscope.wql.predicate import Fits, Get, Row, compiled
from logonscope.wql.tree import EQUAL, ISA, UNEQUAL


class Where(NamedTuple):
    """What must hold for a row: of which properties, what it fixes, and how it is looked at.

    ``compiled`` takes what takes a property out of a row, and returns what tells whether a row is meant.
    """

    columns: tuple[str, ...]
    fixed: Mapping[str, frozenset[Value]]
    compiled: Callable[[Callable[[str], Get]], Fits]

    def fits(self, columns: Sequence[str]) -> Fits:
        """Return what tells whether a row of these columns is meant."""
        at = {name: index for index, name in enumerate(columns)}
        return self.compiled(lambda name: itemgetter(at[name]))


def where_of(request: Request, cls: Class, condition: Condition) -> Where:
    """Return a condition on the rows of a class; the text of a path is made of its keys."""
    looked_at = columns(condition)
    stored = (name for looked in looked_at for name in (cls.keys if looked in PATHS else (looked,)))
    server = request.host_name if not set(PATHS).isdisjoint(looked_at) else ""

    def fits(get: Callable[[str], Get]) -> Fits:
        def of(name: str) -> Get:
            return _path(cls, name, server, [get(key) for key in cls.keys]) if name in PATHS else get(name)

        return compiled(condition, of, cls, request.look.check)

    return Where(tuple(dict.fromkeys(stored)), fixed(condition), fits)


def tied_to(role: str, target: Target) -> Where:
    """Return the condition that at an end of an association stands just this instance, to the letter."""
    reference, cls = target.reference, target.cls
    schema, namespace = cls.schema, cls.namespace

    def compiled(get: Callable[[str], Get]) -> Fits:
        of = get(role)
        return lambda row: same(of(row), reference, schema, namespace, fold=str)

    return Where((role,), {role: frozenset({reference})}, compiled)


def decided(condition: Condition, cls: Class, known: Mapping[str, Value]) -> Condition:
    """Return what is left of a condition for a class, of which this much is known that all its instances share."""

    def decide(term: Term | Null) -> Condition:
        if term.column == THIS:
            if isinstance(term, Null):
                return Truth(not term.is_null)
            return Truth(cls.is_a(str(term.value)) is (term.operator == ISA))
        if term.column in known:
            value = known[term.column]
            return Truth(compiled(term, lambda _: lambda _: value, cls)(()))
        if isinstance(term, Term) and term.kind == REFERENCE and term.operator in {EQUAL, UNEQUAL}:
            return _at_its_end(term, cls)
        return term

    return folded(condition, decide)


def _at_its_end(term: Term, cls: Class) -> Condition:
    """Return a comparison with what a path names, as far as that can stand at this end at all.

    Where the end names what stands there by a class above, and the path by its own, that is compared too.
    """
    assert isinstance(term.value, tuple)  # noqa: S101 -- a reference
    named, standing = str(term.value[0]), at_end(cls, term.column)
    meant = [below.name for below in standing if related(named, below.name, cls.schema, cls.namespace)]
    if not meant:
        return FALSE if term.operator == EQUAL else Null(term.column, is_null=False)
    own = f"{term.column}.__CLASS"
    if len(meant) == len(standing) or own not in provider_for(cls).hidden:
        return term
    classes = tuple(Term(own, term.operator, name, TEXT) for name in meant)
    every, some = (Every, Some) if term.operator == EQUAL else (Some, Every)
    return every((term, some(classes) if len(classes) > 1 else classes[0]))


def _path(cls: Class, name: str, server: str, keys: Sequence[Get]) -> Get:
    def path(row: Row) -> Value:
        made = object_path((cls.name, *(key(row) for key in keys)), cls.schema, cls.namespace, server)
        return made.relative if name == "__RELPATH" else str(made)

    return path
