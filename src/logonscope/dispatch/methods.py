"""Methods as operations of a door: invoked, and written to the audit log whatever comes of them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker import Request
from logonscope.broker.classes import get_class
from logonscope.broker.invoke import METHODS, invoke
from logonscope.broker.resolve import instance_of
from logonscope.cim.classes import Class, Method, has
from logonscope.cim.instances import Outcome
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.dispatch.audit import BEGUN
from logonscope.errors import AccessDeniedError, LogonscopeError, NotSupportedError

TERMINATE = "Terminate"
"""The method that deletes an instance of Win32_Process."""

Record = Callable[[ObjectPath, str, str], None]
"""Writes to the audit log what was done: the object path, the method, and the ReturnValue or the name of an error."""


class Invocation(NamedTuple):
    """A method that was run, as its class declares it, and what it returned."""

    cls: Class
    method: Method
    outcome: Outcome


def only_reads(request: Request, path: str | ObjectPath, method: str = TERMINATE, **_: object) -> bool:
    """Return whether a method is one that is offered and changes nothing on the host."""
    try:
        path = object_path(path)
        declared = get_class(request, path.class_name, path.namespace).method_named(method)
    except LogonscopeError:
        return False
    offered = METHODS.get(f"{declared.origin}.{declared.name}")
    return offered is not None and not offered.acts


def unrecorded(path: ObjectPath, method: str, outcome: str) -> None:
    """Record nothing: reading is not written to the audit log."""


def invoke_method(
    request: Request,
    path: str | ObjectPath,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    record: Record,
) -> Invocation:
    """Run a method of an instance, or a static one of a class.

    Raises:
        LogonscopeError: as ``broker.invoke.invoke``.
    """
    path = object_path(path)
    cls = get_class(request, path.class_name, path.namespace)
    declared = cls.method_named(method)
    if has(declared.qualifiers, "Static"):
        path = path._replace(keys=None)
    else:
        instance_of(request, path)
    return Invocation(cls, declared, _recorded(request, path, declared.name, parameters, record))


def delete_instance(request: Request, path: str | ObjectPath, *, record: Record) -> None:
    """Delete an instance: end a process, as DeleteInstance of Win32_Process does.

    Raises:
        AccessDeniedError: the process was not ended.
        LogonscopeError: as ``broker.invoke.invoke``.
    """
    path = object_path(path)
    cls = get_class(request, path.class_name, path.namespace)
    instance_of(request, path)
    if TERMINATE not in cls.methods:
        raise NotSupportedError(f"no instance of {cls.name} can be deleted", "end what it describes")
    outcome = _recorded(request, path, TERMINATE, None, record)
    if outcome.return_value != 0:
        raise AccessDeniedError(f"{path.relative} cannot be ended: {outcome.return_value}", "ask as its owner")


def object_path(path: str | ObjectPath) -> ObjectPath:
    """Return an object path, which doors give as text or parsed.

    Raises:
        InvalidObjectPathError: a text is none.
    """
    return parse_path(path) if isinstance(path, str) else path


def _recorded(
    request: Request, path: ObjectPath, method: str, parameters: Mapping[str, Any] | None, record: Record
) -> Outcome:
    """Run a method, and record before that it is run, and then what came of it.

    Raises:
        InternalError: the first record cannot be written, and the method was not run.
    """
    record(path, method, BEGUN)
    try:
        outcome = invoke(request, path, method, parameters)
    except LogonscopeError as error:
        record(path, method, error.name)
        raise
    record(path, method, str(outcome.return_value))
    return outcome
