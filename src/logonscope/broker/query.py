"""Query operation: runs the plan of a WQL query."""

from collections.abc import Iterator

from logonscope.broker.associations import associators, references
from logonscope.broker.instances import matching_rows
from logonscope.broker.plan import LANGUAGE, AssociationPlan, ClassesPlan, Plan, PlanPart, RowsPlan, plan
from logonscope.broker.request import Request
from logonscope.broker.row_filter import filter_by_condition
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.errors import NotSupportedError
from logonscope.wql.condition import TRUE


def query(
    request: Request,
    text: str,
    namespace: str | None = None,
    *,
    language: str = LANGUAGE,
) -> Iterator[ClassRows | Class]:
    """Return the results of a query: instances or classes, which are read while they are iterated.

    Args:
        request: the source, the caller and the deadline.
        text: the query.
        namespace: the namespace of its classes; None: root/cimv2.
        language: "WQL", in upper or lower case.

    Raises:
        NotSupportedError: the query is an event query.
        NotFoundError, TimedOutError: while the results are iterated: the instance of an association query does not
            exist, or the deadline has passed.
        Others: see ``plan``.
    """
    request.admit()
    return run(request, plan(request, text, namespace, language))


def run(request: Request, query_plan: Plan) -> Iterator[ClassRows | Class]:
    """Return the results of a plan.

    Raises:
        NotSupportedError: the plan is of an event query.
    """
    if isinstance(query_plan, RowsPlan):
        return (_run_part(request, part) for part in query_plan.parts)
    if isinstance(query_plan, ClassesPlan):
        return iter(query_plan.classes)
    if isinstance(query_plan, AssociationPlan):
        return _run_association_plan(request, query_plan)
    raise NotSupportedError(
        f"{query_plan.cls.name} is an event class: its events are watched, not queried",
        "use host.watch(), `logonscope watch` or POST /v1/watch",
    )


def _run_part(request: Request, part: PlanPart) -> ClassRows:
    cls, result_columns, condition = part
    row_filter = None if condition == TRUE else filter_by_condition(request, cls, condition)
    rows = matching_rows(request, cls, result_columns.stored, row_filter)
    return ClassRows(cls, result_columns.stored, rows, result_columns.shown)


def _run_association_plan(request: Request, association_plan: AssociationPlan) -> Iterator[ClassRows | Class]:
    operation = references if association_plan.references else associators
    target, options = association_plan.target, association_plan.options
    if association_plan.class_defs_only:
        # only classes of existing instances are returned, so the instances are found first; their keys are enough
        results = operation(request, target, options._replace(keys_only=True))
        yield from dict.fromkeys(result.cls for result in results)
    else:
        yield from operation(request, target, options)
