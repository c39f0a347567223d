"""The operations that run methods. A method that changes something is recorded in the audit log, with its outcome."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker import Request
from logonscope.broker.classes import get_class
from logonscope.broker.invoke import SUPPORTED_METHODS, invoke
from logonscope.broker.resolve import instance_of
from logonscope.cim.classes import Class, Method, has_qualifier
from logonscope.cim.instances import Outcome
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.dispatch.audit import BEGUN
from logonscope.errors import AccessDeniedError, InternalError, InvalidMethodError, LogonscopeError, NotSupportedError

TERMINATE = "Terminate"
"""The method of Win32_Process by which an instance is deleted."""

WriteAuditLine = Callable[[ObjectPath, str, str], None]
"""A function that writes a line about a method to the audit log: object path, method, and BEGUN or the outcome."""


class Invocation(NamedTuple):
    """A method that was run: its class, its declaration, and what it returned."""

    cls: Class
    method: Method
    outcome: Outcome


def is_read_only_method(request: Request, path: str | ObjectPath, method: str = TERMINATE, **_: object) -> bool:
    """Return whether an invocation needs no permission to change the host.

    True if the method only reads. Also True if the class has no such method: the error of the invocation says so.
    False if the method changes something or is not supported, or if the path or the class is invalid.
    """
    try:
        path = parse_object_path(path)
        declared = get_class(request, path.class_name, path.namespace).method_named(method)
    except InvalidMethodError:
        return True
    except LogonscopeError:
        return False
    implementation = SUPPORTED_METHODS.get(f"{declared.origin}.{declared.name}")
    return implementation is not None and not implementation.acts


def record_nothing(path: ObjectPath, method: str, outcome: str) -> None:
    """Write no line: the audit log has only methods that change something."""


def invoke_method(
    request: Request,
    path: str | ObjectPath,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    record: WriteAuditLine,
) -> Invocation:
    """Run a method of an instance, or a static method of a class.

    Raises:
        LogonscopeError: as ``broker.invoke.invoke``; or the audit log cannot be written.
    """
    path = parse_object_path(path)
    cls = get_class(request, path.class_name, path.namespace)
    declared = cls.method_named(method)
    if has_qualifier(declared.qualifiers, "Static"):
        path = path._replace(keys=None)
    else:
        _check_path_names_instance(request, path)
    return Invocation(cls, declared, _invoke_recorded(request, path, declared.name, parameters, record))


def delete_instance(request: Request, path: str | ObjectPath, *, record: WriteAuditLine) -> None:
    """Delete an instance: end a process, as DeleteInstance of Win32_Process does.

    Raises:
        AccessDeniedError: Terminate returned an error code: the process was not ended.
        LogonscopeError: as ``broker.invoke.invoke``; or the audit log cannot be written.
    """
    path = parse_object_path(path)
    cls = get_class(request, path.class_name, path.namespace)
    _check_path_names_instance(request, path)
    if TERMINATE not in cls.methods:
        raise NotSupportedError(f"cannot delete instances of {cls.name}: the class is read-only", "delete a process")
    outcome = _invoke_recorded(request, path, TERMINATE, None, record)
    if outcome.return_value != 0:
        reason = f"cannot end {path.relative}: Terminate returned {outcome.return_value}"
        raise AccessDeniedError(reason, "connect as the user that the process runs as, or as an administrator")


def _check_path_names_instance(request: Request, path: ObjectPath) -> None:
    """Check that a path names an instance, and not a class; whether the instance exists is not checked.

    Raises:
        InvalidObjectPathError, InvalidClassError, InvalidNamespaceError, TypeMismatchError: the path names no instance.
    """
    instance_of(request, path)


def parse_object_path(path: str | ObjectPath) -> ObjectPath:
    """Return a parsed object path; some doors pass the path as text, others have parsed it.

    Raises:
        InvalidObjectPathError: the text is not an object path.
    """
    return parse_path(path) if isinstance(path, str) else path


def _invoke_recorded(
    request: Request, path: ObjectPath, method: str, parameters: Mapping[str, Any] | None, record: WriteAuditLine
) -> Outcome:
    """Run a method; record it before it runs, and its outcome afterwards.

    Raises:
        InternalError: the first record cannot be written; the method was not run.
        LogonscopeError: as ``broker.invoke.invoke``.
    """
    record(path, method, BEGUN)
    try:
        outcome = invoke(request, path, method, parameters)
    except Exception as error:  # after any error, the method may have run; the client gets the error that is recorded
        record(path, method, (error if isinstance(error, LogonscopeError) else InternalError).name)
        raise
    record(path, method, str(outcome.return_value))
    return outcome
