"""Which items does an enumeration have? The broker's rows, by class or by filter, rendered as they are taken."""

from collections.abc import Iterator

from logonscope.broker import Broker
from logonscope.broker.associations import Wanted, associators, references
from logonscope.broker.classes import classes, get_class
from logonscope.broker.instances import enumerate_instances
from logonscope.broker.plan import Rows, plan
from logonscope.broker.query import run
from logonscope.broker.target import host_name
from logonscope.cim.classes import Class
from logonscope.cim.instances import Instance, Result, shape_of
from logonscope.cim.types import Value
from logonscope.wire.cimxml.definition import definition
from logonscope.wire.wsman import items
from logonscope.wire.wsman.faults import CANNOT_PROCESS_FILTER, UNSUPPORTED, FaultError
from logonscope.wire.wsman.requests import EPR, EXCLUDE, NONE, OBJECT_AND_EPR, Along, Enumerate, Matching, Wql
from logonscope.wire.wsman.resource import ALL, Resource
from logonscope.wql.tree import EQUAL, And, Comparison, Name, Select
from logonscope.wql.write import write

Answers = Iterator["Result | Class"]


def items_of(broker: Broker, asked: Enumerate) -> Iterator[str]:
    """Return the items; what can be refused is refused now, rows are read as they are taken.

    Raises:
        FaultError: all classes are asked for without a filter, or a projection in a form that has no keys.
        LogonscopeError: as the operation of the broker.
    """
    if asked.where.is_class:
        pattern = None if asked.where.class_name == ALL else asked.where.class_name
        return map(definition, classes(broker, pattern, asked.where.namespace))
    if isinstance(asked.filter, Wql):
        return _queried(broker, asked, asked.filter.text)
    if isinstance(asked.filter, Matching):
        return _queried(broker, asked, _as_query(asked.where, asked.filter))
    if isinstance(asked.filter, Along):
        return _rendered(_along(broker, asked.filter), asked)
    if asked.where.class_name == ALL:
        raise FaultError(CANNOT_PROCESS_FILTER, "all classes at once", "give a filter, or a class")
    return _enumerated(broker, asked)


def _enumerated(broker: Broker, asked: Enumerate) -> Iterator[str]:
    """Return the instances of a class; with EXCLUDE all are shown as that class (DSP0227 8.3.2)."""
    where = asked.where
    base = get_class(broker, where.class_name, where.namespace) if asked.polymorphism == EXCLUDE else None
    names, deep = None if base is None else tuple(base.properties), asked.polymorphism != NONE
    found = enumerate_instances(broker, where.class_name, names, where.namespace, deep=deep)
    return _rendered(found, asked, base)


def _queried(broker: Broker, asked: Enumerate, text: str) -> Iterator[str]:
    made = plan(broker, text, asked.where.namespace)
    projected = isinstance(made, Rows) and made.projected
    if projected and asked.mode in {EPR, OBJECT_AND_EPR}:
        raise FaultError(UNSUPPORTED, "a projection has no endpoint references", "select *")
    return _rendered(run(broker, made), asked, fragments=host_name(broker) if projected else None)


def _as_query(where: Resource, asked: Matching) -> str:
    terms = tuple(Comparison(Name((name,)), EQUAL, value) for name, value in asked.values.items())
    if where.class_name == ALL or not terms:
        raise FaultError(CANNOT_PROCESS_FILTER, "a filter by selectors is of one class", "name it, and a property")
    return write(Select(None, where.class_name, terms[0] if len(terms) == 1 else And(terms)))


def _along(broker: Broker, asked: Along) -> Answers:
    wanted = Wanted(
        asked.assoc_class, asked.result_class, asked.role, asked.result_role, properties=asked.properties
    )  # fmt: skip
    if not asked.references:
        return associators(broker, asked.path, wanted)
    if asked.assoc_class is not None and asked.result_class is None:
        wanted = wanted._replace(assoc_class=None, result_class=asked.assoc_class)
    return references(broker, asked.path, wanted)


def _rendered(
    answers: Answers, asked: Enumerate, base: Class | None = None, fragments: str | None = None
) -> Iterator[str]:
    for answer in answers:
        if isinstance(answer, Class):
            yield definition(answer)
        else:
            yield from map(_renderer(answer, asked, base, fragments), answer.rows)


def _renderer(result: Result, asked: Enumerate, base: Class | None, server: str | None) -> items.Render:
    cls, columns, where = result.cls, result.columns, asked.where
    if server is not None:
        shown = result.shown or columns
        return items.fragment(cls, columns, shown, where, _system(result, server))
    whole = items.instance(base or cls, columns, where)
    if asked.mode not in {EPR, OBJECT_AND_EPR}:
        return whole
    reference = items.reference(cls, columns, where)
    return reference if asked.mode == EPR else items.both(whole, reference)


def _system(result: Result, server: str) -> items.System:
    shape = shape_of(result, server)

    def value(row: items.Row, name: str) -> Value:
        found: Value = Instance(shape, tuple(row))[name]
        return found

    return value
