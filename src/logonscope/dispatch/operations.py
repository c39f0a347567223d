"""The operations that doors offer, in one table: a row each. A door chooses rows, and adds nothing to what they do.

To offer another operation, add a row. Its function takes a request and the arguments of the operation by name; what
it returns goes to the door's ``render`` as it is, but Rows go there as an Enumeration, which the door may keep open.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from logonscope.broker import Request
from logonscope.broker.associations import Wanted, associators, references
from logonscope.broker.classes import classes, get_class
from logonscope.broker.instances import enumerate_instances, get
from logonscope.broker.plan import LANGUAGE, plan
from logonscope.broker.plan import Rows as RowsPlan
from logonscope.broker.query import run
from logonscope.cim.paths import ObjectPath
from logonscope.dispatch.enumerations import Enumerations, Rows
from logonscope.dispatch.methods import delete_instance, invoke_method

PRODUCT = "Logonscope"


class Identity(NamedTuple):
    """The product; its version is for authenticated callers."""

    product: str
    version: str | None


class Row(NamedTuple):
    """An operation.

    Attributes:
        function: of the broker, with the arguments of the request by name.
        about: what it is for, in the reference.
        acts: it changes something on this host: it is off until ``allow_methods``, and takes ``record``, by which it
            writes to the audit log.
        needs_caller: it is for authenticated callers alone; else it takes None in place of a request for anybody else.
        of_enumerations: it takes the open enumerations in place of the request, and the caller by name.
    """

    function: Callable[..., Any]
    about: str
    acts: bool = False
    needs_caller: bool = True
    of_enumerations: bool = False


def identify(request: Request | None) -> Identity:
    """Return which product this is; to callers who did not authenticate, without its version (DSP0226 11)."""
    return Identity(PRODUCT, None if request is None else version("logonscope"))


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
        request: source and caller.
        class_name: the class.
        properties: of this class; None: all that each instance has.
        namespace: where the class is; None: root/cimv2.
        deep: those of the classes below it too.
        as_base: show all as instances of this class, with its properties alone (DSP0227 8.3.2).
    """
    base = get_class(request, class_name, namespace) if as_base else None
    names = properties if base is None else tuple(base.properties)
    return Rows(enumerate_instances(request, class_name, names, namespace, deep=deep), base=base)


def run_query(request: Request, text: str, namespace: str | None = None, language: str = LANGUAGE) -> Rows:
    """Return what a query asks for; see ``broker.query.query``."""
    planned = plan(request, text, namespace, language)
    return Rows(run(request, planned), projected=isinstance(planned, RowsPlan) and planned.projected)


def list_associators(request: Request, path: str | ObjectPath, namespace: str | None = None, **wanted: Any) -> Rows:
    """Return the instances that are tied to an instance; ``wanted``: the fields of ``broker.associations.Wanted``."""
    return Rows(associators(request, path, Wanted(**wanted), namespace))


def list_references(request: Request, path: str | ObjectPath, namespace: str | None = None, **wanted: Any) -> Rows:
    """Return the associations that an instance is an end of; ``wanted`` as above."""
    return Rows(references(request, path, Wanted(**wanted), namespace))


OPERATIONS: Mapping[str, Row] = {
    "identify": Row(identify, "which product this is", needs_caller=False),
    # classes and instances, as CIM has them
    "get": Row(get, "one instance by its keys"),
    "get_class": Row(get_class, "the definition of a class"),
    "classes": Row(list_classes, "the definitions of the classes of a namespace"),
    "enumerate": Row(list_instances, "the instances of a class"),
    "query": Row(run_query, "what a WQL query asks for"),
    "associators": Row(list_associators, "the instances that are tied to an instance"),
    "references": Row(list_references, "the associations of an instance"),
    "invoke": Row(invoke_method, "a method of an instance", acts=True),
    "delete": Row(delete_instance, "end a process", acts=True),
    # enumerations that a door kept open
    "pull": Row(Enumerations.find, "more of an enumeration", of_enumerations=True),
    "renew": Row(Enumerations.renew, "how long an enumeration lasts, and for longer", of_enumerations=True),
    "release": Row(Enumerations.release, "an enumeration is no longer wanted", of_enumerations=True),
    # questions about logon sessions: sessions, session_of, processes, tree, whose, leftovers, doctor
    # subscriptions to events
}
