"""How will a query be answered? In words: which classes, what is fixed, what is read, what is left as a predicate.

What is read is found by asking: the operations run on this host, where there are no processes, of sockets one that
fits, and of logins those that the caller may see; what they ask of the source is told.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from logonscope.broker.access import limit
from logonscope.broker.associations import tied
from logonscope.broker.plan import Classes, Part, Rows, Ties, plan
from logonscope.broker.query import run
from logonscope.broker.view import Broker
from logonscope.broker.where import where_of
from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.cim.schema import schema
from logonscope.errors import LogonscopeError
from logonscope.facts import Socket
from logonscope.machine import NO_PROCESSES, Needs, Snapshot
from logonscope.providers.helpers.provider import provider_of
from logonscope.wql.condition import TRUE, rest
from logonscope.wql.events import EventQuery
from logonscope.wql.write import constant, describe, shown

MOST_NAMED = 10
"""Values of a fixed property, or of a hint, that are named."""


class PartExplained(NamedTuple):
    """What a query asks of one class."""

    class_name: str
    properties: tuple[str, ...]
    fixed: Mapping[str, tuple[str, ...]]  # properties that narrow the reading, and the values that they may have
    reads: tuple[str, ...]  # in this order
    predicate: str | None  # what is left to be looked at, row by row


class Explanation(NamedTuple):
    """How a query is answered: ``asks_for`` instances, classes, associators, references or events."""

    asks_for: str
    of: str  # the class, or the path of the instance
    parts: tuple[PartExplained, ...]


def explain(broker: Broker, text: str, namespace: str | None = None) -> Explanation:
    """Return how a query will be answered; raises what ``plan`` raises."""
    of = plan(broker, text, namespace)
    if isinstance(of, Rows):
        return Explanation("instances", of.cls.name, tuple(_part(broker, part) for part in of.parts))
    if isinstance(of, Classes):
        parts = (PartExplained(cls.name, (), {}, (), None) for cls in of.found)
        return Explanation("classes", of.namespace, tuple(parts))
    if isinstance(of, Ties):
        return _ties(broker, of)
    return _events(of)


def _part(broker: Broker, part: Part) -> PartExplained:
    provider, where = provider_of(part.cls.name), where_of(broker, part.cls, part.condition)
    fixes = provider.fixes if provider else {}
    narrowed = {name: values for name, values in where.fixed.items() if name in fixes}
    left = rest(part.condition, narrowed)
    space = part.cls.namespace
    fixed = {
        name: tuple(constant(shown(value, space)) for value in sorted(values, key=str))
        for name, values in narrowed.items()
    }
    return PartExplained(
        part.cls.name,
        part.columns.shown,
        fixed,
        tuple(_reads(broker, lambda dry: run(dry, Rows(part.cls, (part,))))),
        None if left == TRUE else describe(left, space),
    )


def _ties(broker: Broker, of: Ties) -> Explanation:
    names = {"AssocClass": of.wanted.assoc_class, "ResultClass": of.wanted.result_class, "Role": of.wanted.role,
             "ResultRole": of.wanted.result_role}  # fmt: skip
    said = " ".join(f"{name} = {value}" for name, value in names.items() if value)
    path = write_reference(of.target.reference, schema(), of.target.cls.namespace)
    reads = _reads(broker, lambda dry: tied(dry, of.target, of.wanted, references=of.references))
    part = PartExplained(of.target.cls.name, (), {}, (*reads, "what these lead to"), said or None)
    return Explanation("references" if of.references else "associators", path, (part,))


def _events(of: EventQuery) -> Explanation:
    reads = (f"every {of.within:g} seconds",) if of.within else ()
    predicate = None if of.condition is None else describe(of.condition, of.cls.namespace)
    part = PartExplained(of.cls.name, of.columns or (), {}, reads, predicate)
    return Explanation("events", " or ".join(target.name for target in of.targets) or of.cls.name, (part,))


def _reads(broker: Broker, answers: Callable[[Broker], Iterator[Result | Class]]) -> Iterator[str]:
    """Yield what answers ask of the source, in words, each look once."""
    asked: list[Needs] = []
    sight = limit(broker.caller, Needs())

    def observe(needs: Needs) -> Snapshot:
        asked.append(needs)
        known = broker.source.observe(needs._replace(**_LEFT_OUT))
        sockets = (_any_socket(needs),) if needs.all_sockets or needs.ports else ()
        return known._replace(logins=tuple(filter(sight.login, known.logins)), sockets=sockets)

    dry = broker._replace(source=broker.source._replace(observe=observe))
    try:
        for answer in answers(dry):
            if isinstance(answer, Result):
                list(answer.rows)
    except LogonscopeError:
        pass  # nothing is there
    yield from dict.fromkeys(look for needs in asked for look in looks(needs))


_LEFT_OUT: Mapping[str, Any] = {
    "pids": NO_PROCESSES, "process": frozenset(), "sieve": None, "ports": None, "all_sockets": False,
    "all_users": False, "all_groups": False, "platform": False, "vitals": False,
}  # fmt: skip
"""What is not read to say what would be."""


def _any_socket(needs: Needs) -> Socket:
    """Return a socket as the needs name one, for which processes are read."""
    (port, *_), (inode, *_) = needs.ports or (0,), needs.inodes or (1,)
    return Socket("tcp", "", port, "", 0, "", inode)


def looks(needs: Needs) -> Iterator[str]:
    """Yield what is looked at to meet the needs, in words."""
    if needs.pids != NO_PROCESSES:
        first = needs.process if needs.sieve is None else needs.sieve.facts
        yield f"{_facts(first) or 'the pid alone'}: of {_whom(needs)}"
        if rest := needs.process - first:
            yield f"{_facts(rest)}: of those that fit"
    if needs.logins:
        yield f"the records of {'logins' if needs.login_ids is None else _named(needs.login_ids, 'login')}"
    for name, every, kind in (("users", "all_users", "account"), ("groups", "all_groups", "group")):
        if getattr(needs, every):
            yield f"all {kind}s"
        elif getattr(needs, name) is not None:
            yield _named(getattr(needs, name), kind)
    if needs.groups_of is not None:
        yield f"the groups of {_named(needs.groups_of, 'account')}"
    if needs.all_sockets or needs.ports is not None:
        words = ["all sockets" if needs.ports is None else f"the sockets at {_named(needs.ports, 'port')}"]
        yield " ".join(words if needs.inodes is None else [*words, f"with {_named(needs.inodes, 'inode')}"])
    if needs.platform or needs.vitals:
        yield "the machine"


def _facts(facts: frozenset[str]) -> str:
    return ", ".join(sorted(facts))


def _whom(needs: Needs) -> str:
    words = [_named(needs.pids, "process") if needs.pids is not None else "every process"]
    if needs.ses is not None:
        words.append(f"with {_named(needs.ses, 'kernel id')}")
    if needs.logged_in is not None:
        words.append(f"logged in as {_named(needs.logged_in.login_uids, 'uid') or 'nobody'}")
    if needs.names is not None:
        words.append(f"named {_named(needs.names, '')}".rstrip())
    return " ".join(words)


def _named(values: "frozenset[str] | frozenset[int] | set[int]", noun: str) -> str:
    if not values:
        return ""
    words = [str(value) for value in sorted(values, key=str)]
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return f"{noun} {', '.join(words[:MOST_NAMED])}{more}".strip()
