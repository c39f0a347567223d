"""What does a query answer? WQL, planned, and run as the other operations run."""

from collections.abc import Iterator

from logonscope.broker.access import admit
from logonscope.broker.associations import associators, references
from logonscope.broker.deadline import Deadline, within
from logonscope.broker.instances import matching
from logonscope.broker.plan import LANGUAGE, Classes, Part, Plan, Rows, Ties, plan
from logonscope.broker.view import Broker
from logonscope.broker.where import where_of
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.errors import NotSupportedError
from logonscope.wql.condition import TRUE


def query(
    broker: Broker,
    text: str,
    namespace: str | None = None,
    *,
    seconds: float | None = None,
    language: str = LANGUAGE,
) -> Iterator[Result | Class]:
    """Return what a query asks for: results of instances, or classes; both are read while they are iterated.

    Args:
        broker: source and caller.
        text: the query.
        namespace: where its classes are; None: root/cimv2.
        seconds: after which it gives up, counted from now; None: never.
        language: "WQL", in whatever case.

    Raises:
        NotSupportedError: it asks for events.
        NotFoundError, TimedOutError: while it is iterated: there is no such instance, or no time left.
        Others: see ``plan``.
    """
    admit(broker.caller)
    if seconds is not None:
        broker = broker._replace(source=within(broker.source, Deadline(seconds)))
    return run(broker, plan(broker, text, namespace, language))


def run(broker: Broker, of: Plan) -> Iterator[Result | Class]:
    """Return the answer of a plan.

    Raises:
        NotSupportedError: it is of events.
    """
    if isinstance(of, Rows):
        return (_rows(broker, part) for part in of.parts)
    if isinstance(of, Classes):
        return iter(of.found)
    if isinstance(of, Ties):
        return _tied(broker, of)
    raise NotSupportedError(
        f"{of.cls.name} is a class of events, which are not told yet", "ask for what there is, time and again"
    )


def _rows(broker: Broker, part: Part) -> Result:
    cls, shown, condition = part
    where = None if condition == TRUE else where_of(broker, cls, condition)
    return Result(cls, shown.stored, matching(broker, cls, shown.stored, where), shown.shown)


def _tied(broker: Broker, of: Ties) -> Iterator[Result | Class]:
    ask = references if of.references else associators
    if of.class_defs_only:
        found = ask(broker, of.target, of.wanted._replace(keys_only=True))
        yield from dict.fromkeys(result.cls for result in found)
    else:
        yield from ask(broker, of.target, of.wanted)
