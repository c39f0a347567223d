"""What does a query answer? WQL, planned, and run as the other operations run."""

from collections.abc import Iterator

from logonscope.broker.associations import associators, references
from logonscope.broker.instances import matching
from logonscope.broker.plan import LANGUAGE, Classes, Part, Plan, Rows, Ties, plan
from logonscope.broker.request import Request
from logonscope.broker.row_filter import where_of
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.errors import NotSupportedError
from logonscope.wql.condition import TRUE


def query(
    request: Request,
    text: str,
    namespace: str | None = None,
    *,
    language: str = LANGUAGE,
) -> Iterator[Result | Class]:
    """Return what a query asks for: results of instances, or classes; both are read while they are iterated.

    Args:
        request: source and caller, and how long it may take.
        text: the query.
        namespace: where its classes are; None: root/cimv2.
        language: "WQL", in whatever case.

    Raises:
        NotSupportedError: it asks for events.
        NotFoundError, TimedOutError: while it is iterated: there is no such instance, or no time left.
        Others: see ``plan``.
    """
    request.admit()
    return run(request, plan(request, text, namespace, language))


def run(request: Request, of: Plan) -> Iterator[Result | Class]:
    """Return the answer of a plan.

    Raises:
        NotSupportedError: it is of events.
    """
    if isinstance(of, Rows):
        return (_rows(request, part) for part in of.parts)
    if isinstance(of, Classes):
        return iter(of.found)
    if isinstance(of, Ties):
        return _tied(request, of)
    raise NotSupportedError(
        f"{of.cls.name} is a class of events, which are not told yet", "ask for what there is, time and again"
    )


def _rows(request: Request, part: Part) -> Result:
    cls, shown, condition = part
    where = None if condition == TRUE else where_of(request, cls, condition)
    return Result(cls, shown.stored, matching(request, cls, shown.stored, where), shown.shown)


def _tied(request: Request, of: Ties) -> Iterator[Result | Class]:
    ask = references if of.references else associators
    if of.class_defs_only:
        found = ask(request, of.target, of.wanted._replace(keys_only=True))
        yield from dict.fromkeys(result.cls for result in found)
    else:
        yield from ask(request, of.target, of.wanted)
