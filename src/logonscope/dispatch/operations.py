"""The table of operations: what a client can request, by any door. A door maps its requests to rows of this table.

To add an operation, add a row. Its function takes a Request of the broker, and the arguments of the operation by name
(for exceptions, see OperationRow). Its result is passed to the door's ``render``; Rows are passed as an Enumeration,
which the door may keep open.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from logonscope.answers.host_identity import HostIdentity
from logonscope.broker import Request
from logonscope.broker.associations import AssociationOptions, associators, references
from logonscope.broker.classes import classes, get_class
from logonscope.broker.explain import explain
from logonscope.broker.instances import enumerate_instances, get
from logonscope.broker.plan import LANGUAGE, RowsPlan, plan
from logonscope.broker.query import run
from logonscope.broker.subscription import Subscription, WatchOptions, subscribe
from logonscope.broker.whose import session_of
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.cim.paths import ObjectPath
from logonscope.dispatch import questions
from logonscope.dispatch.enumerations import Enumerations, Rows
from logonscope.dispatch.methods import delete_instance, invoke_method
from logonscope.dispatch.subscriptions import open_subscription

PRODUCT = "Logonscope"


class Identity(NamedTuple):
    """The product. If the caller has not authenticated, only the field ``product`` has a value."""

    product: str
    version: str | None
    sees_everything: bool | None = None
    has_history: bool | None = None
    has_events: bool | None = None


class FoundInstance(NamedTuple):
    """An instance as ClassRows with one row, and the request that read it."""

    result: ClassRows
    request: Request

    @property
    def host(self) -> str:
        """Return the name of the host that has the instance."""
        return self.request.host_name


class OperationRow(NamedTuple):
    """An operation.

    Attributes:
        function: runs the operation; called with a request, and with the arguments of the operation by name.
        description: its description in the reference.
        changes_host: the operation can change something on this host. It needs ``allow_methods``, unless it runs a
            method that only reads. Its function gets ``record``, a function that writes a line to the audit log
            (``methods.WriteAuditLine``).
        needs_caller: the operation needs an authenticated caller. If False, its function gets None as the request if
            the caller is not authenticated.
        takes_enumerations: its function is called with the table of open enumerations in place of the request, and
            with the keyword ``caller``.
    """

    function: Callable[..., Any]
    description: str
    changes_host: bool = False
    needs_caller: bool = True
    takes_enumerations: bool = False


def identify_machine(request: Request) -> HostIdentity:
    """Return what identifies the host."""
    return HostIdentity.from_machine(request.machine)


def identify(request: Request | None) -> Identity:
    """Return the product, without its version if the caller has not authenticated (DSP0226 11)."""
    if request is None:
        return Identity(PRODUCT, None)
    source = request.source
    return Identity(
        PRODUCT, _product_version(), request.sees_whole_host, source.history is not None, "events" in source.abilities
    )


@cache
def _product_version() -> str:
    return version("logonscope")


def get_instance(
    request: Request, path: str | ObjectPath, properties: Sequence[str] | None = None, namespace: str | None = None
) -> FoundInstance | Class:
    """Return one instance, or a class; see ``broker.instances.get``."""
    result = get(request, path, properties, namespace)
    return FoundInstance(result, request) if isinstance(result, ClassRows) else result


def list_classes(request: Request, pattern: str | None = None, namespace: str | None = None) -> Rows:
    """Return the definitions of the classes of a namespace; see ``broker.classes.classes``."""
    return Rows(classes(request, pattern, namespace))


def list_instances(
    request: Request,
    class_name: str,
    properties: Sequence[str] | None = None,
    namespace: str | None = None,
    *,
    deep: bool = True,
    as_base: bool = False,
) -> Rows:
    """Return the instances of a class; see ``broker.instances.enumerate_instances``.

    Args:
        request: the source and the caller.
        class_name: the class.
        properties: the properties to return, of this class; None: all properties of each instance.
        namespace: the namespace of the class; None: root/cimv2.
        deep: include instances of its subclasses.
        as_base: return all as instances of this class, with all its properties and no others (DSP0227 8.3.2);
            ``properties`` is ignored.
    """
    base_class = get_class(request, class_name, namespace) if as_base else None
    names = properties if base_class is None else tuple(base_class.properties)
    return Rows(enumerate_instances(request, class_name, names, namespace, deep=deep), base_class=base_class)


def run_query(request: Request, text: str, namespace: str | None = None, language: str = LANGUAGE) -> Rows:
    """Return the result of a query; see ``broker.plan`` and ``broker.query``."""
    query_plan = plan(request, text, namespace, language)
    is_projection = isinstance(query_plan, RowsPlan) and query_plan.is_projection
    return Rows(run(request, query_plan), is_projection=is_projection)


def open_watch(request: Request, **options: Any) -> Subscription:
    """Return a subscription to the events of the host; ``options``: the fields of WatchOptions."""
    return subscribe(request, WatchOptions(**options))


def list_associators(request: Request, path: str | ObjectPath, namespace: str | None = None, **options: Any) -> Rows:
    """Return the instances associated with an instance; ``options``: the fields of AssociationOptions."""
    return Rows(associators(request, path, AssociationOptions(**options), namespace))


def list_references(request: Request, path: str | ObjectPath, namespace: str | None = None, **options: Any) -> Rows:
    """Return the association instances that refer to an instance; ``options`` as for ``list_associators``."""
    return Rows(references(request, path, AssociationOptions(**options), namespace))


OPERATIONS: Mapping[str, OperationRow] = {
    "identify": OperationRow(identify, "the product and its version", needs_caller=False),
    "machine": OperationRow(identify_machine, "the name of the host, and the ids of the machine and of its boot"),
    # classes and instances, as CIM has them
    "get": OperationRow(get_instance, "one instance, or class, by its path"),
    "get_class": OperationRow(get_class, "the definition of a class"),
    "classes": OperationRow(list_classes, "the definitions of the classes of a namespace"),
    "enumerate": OperationRow(list_instances, "the instances of a class"),
    "query": OperationRow(run_query, "the result of a WQL query"),
    "associators": OperationRow(list_associators, "the instances associated with an instance"),
    "references": OperationRow(list_references, "the association instances that refer to an instance"),
    "invoke": OperationRow(invoke_method, "run a method of an instance", changes_host=True),
    "delete": OperationRow(delete_instance, "end a process", changes_host=True),
    # open enumerations and subscriptions; the door takes the rows or events of the one that "pull" returns
    "pull": OperationRow(
        Enumerations.find, "the next rows of an enumeration, or events of a subscription", takes_enumerations=True
    ),
    "renew": OperationRow(
        Enumerations.renew,
        "set or return the remaining lifetime of an enumeration or subscription",
        takes_enumerations=True,
    ),
    "release": OperationRow(Enumerations.release, "end an enumeration or a subscription", takes_enumerations=True),
    # questions about logon sessions, the history and the host
    "sessions": OperationRow(questions.list_sessions, "the logon sessions"),
    "session_of": OperationRow(session_of, "the logon session of a process, with the evidence"),
    "processes": OperationRow(questions.list_processes, "the processes, each with its logon session"),
    "session_processes": OperationRow(
        questions.list_pairs, "the pid and the LogonId of every process whose logon session is visible"
    ),
    "tree": OperationRow(questions.list_tree, "each logon session, followed by its processes"),
    "leftovers": OperationRow(questions.list_leftovers, "the processes whose login is logged out"),
    "services": OperationRow(questions.list_services, "the services of the System session"),
    "whose": OperationRow(questions.list_owners, "the login that started the processes of a target"),
    "history": OperationRow(questions.list_history, "past and present logins, with what they ran"),
    "past_processes": OperationRow(
        questions.list_past_processes,
        "past and present processes, with their exit status; processes of the System session only if `word` of `where` "
        "is `system`, a pid or a process name",
    ),
    "timeline": OperationRow(questions.list_timeline, "the logins of a span of time, with what they ran in each part"),
    "doctor": OperationRow(questions.list_checks, "checks of what can be read"),
    "explain": OperationRow(explain, "the plan of a query"),
    # the dispatcher turns the result of "subscribe" into an OpenSubscription, and the result of "watch" into a stream
    "subscribe": OperationRow(open_subscription, "a subscription to events, which the client pulls"),
    "watch": OperationRow(open_watch, "what happens on the host, as server-sent events"),
}
