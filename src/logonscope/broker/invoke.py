"""Invocation of methods, and the methods of processes. They run with the caller's rights: the kernel decides.

The ReturnValue of a method of Win32_Process is the documented number: 0 success, 2 access denied, 3 insufficient
privilege, 8 unknown failure, 21 invalid parameter.
"""

import errno
from collections.abc import Mapping
from typing import Any, NamedTuple

from logonscope.broker.access import acting_uid, check_may_act
from logonscope.broker.instances import not_found_error
from logonscope.broker.method_table import SupportedMethod
from logonscope.broker.request import Request
from logonscope.broker.resolve import require_instance, target_of
from logonscope.broker.service_methods import SERVICE_METHODS, check_source_acts
from logonscope.cim.binding import Target
from logonscope.cim.classes import Class, Method
from logonscope.cim.instances import Outcome
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value, convert_value
from logonscope.errors import Hint, HintCode, InvalidMethodParametersError, NotFoundError, NotSupportedError
from logonscope.facts import Process
from logonscope.machine import Owner, ProcessQuery
from logonscope.machine.action import Action
from logonscope.providers.helpers.account_names import account_name_or_uid, domain_and_name, user_sid
from logonscope.providers.helpers.priority import NICE_OF
from logonscope.providers.helpers.process_keys import select_pid
from logonscope.providers.helpers.text import clean

DONE, ACCESS_DENIED, INSUFFICIENT_PRIVILEGE, UNKNOWN_FAILURE, INVALID_PARAMETER = 0, 2, 3, 8, 21

KERNEL_THREAD = 0x00200000
"""PF_KTHREAD of the flags in /proc/PID/stat."""

_FACTS = frozenset({"start", "flags", "state", "uids"})


class MethodTarget(NamedTuple):
    """The process that a method is called on, as the caller sees it, and the request."""

    request: Request
    process: Process
    owner: Owner

    @property
    def runs_as_foreign_uid(self) -> bool:
        """Return whether the effective uid of the process does not belong to this host: see ``broker/foreign.py``."""
        return self.request.foreign.is_foreign_uid(self.process, self.owner, self.effective_uid)

    @property
    def effective_uid(self) -> int | None:
        """Return the effective uid of the process.

        None: the caller may not see the uid, or the user namespace of this program does not map it.
        """
        return self.process.uids[1] if self.process.uids else None


def invoke(
    request: Request,
    path: str | ObjectPath,
    method_name: str,
    parameters: Mapping[str, Any] | None = None,
    namespace: str | None = None,
) -> Outcome:
    """Run a method of an instance.

    Raises:
        NotFoundError: there is no such instance, or the caller may not see it.
        InvalidMethodError: its class has no such method.
        InvalidMethodParametersError, TypeMismatchError: the parameters are not those of the method.
        NotSupportedError: the method is not implemented, or the host does not support methods that change it.
        InvalidObjectPathError, InvalidNamespaceError, InvalidClassError: the path is invalid.
        AccessDeniedError: the caller is not authenticated, or may only read and the method changes something.
    """
    request.admit()
    target = target_of(request, path, namespace)
    method = target.cls.method_named(method_name)
    arguments = _bind_parameters(target.cls, method, parameters or {})
    supported_method = SUPPORTED_METHODS.get(f"{method.origin}.{method.name}")
    if supported_method is None:
        raise NotSupportedError(
            f"{target.cls.name}.{method.name} is not supported on Linux",
            f"supported are: {', '.join(SUPPORTED_METHODS)}",
        )
    # before the instance is looked for: a caller who may not act learns nothing about it
    if supported_method.acts:
        check_may_act(request.caller)
    return supported_method.function(supported_method.read_target(request, require_instance(target)), arguments)


def _bind_parameters(cls: Class, method: Method, parameters: Mapping[str, Any]) -> dict[str, Value]:
    """Return the parameters by their names as declared, as values of their CIM types."""
    declared = {parameter.name.lower(): parameter for parameter in method.parameters if parameter.is_in}
    bound: dict[str, Value] = {}
    for name, value in parameters.items():
        parameter = declared.get(name.lower())
        if parameter is None:
            names = ", ".join(parameter.name for parameter in declared.values()) or "none"
            raise InvalidMethodParametersError(
                f"{cls.name}.{method.name} has no parameter '{name}'", f"its parameters: {names}"
            )
        # null means the same as a parameter that is left out
        if value is not None:
            bound[parameter.name] = convert_value(value, parameter.type, f"the parameter {parameter.name}")
    return bound


def _read_target(request: Request, target: Target) -> MethodTarget:
    (handle,) = target.keys or ("",)
    query = ProcessQuery(_FACTS | request.ownership.access_facts, pids=select_pid(handle).pids or frozenset())
    read_result = request.read(query, include_hidden=True, with_owners=False)
    pair = next(iter(read_result.pairs), None)
    if pair is None:
        raise not_found_error(request, target)
    return MethodTarget(request, *pair)


def _get_owner(target: MethodTarget, _: Mapping[str, Value]) -> Outcome:
    uid = target.effective_uid
    if uid is None:
        return Outcome(ACCESS_DENIED)
    if target.runs_as_foreign_uid:
        # a foreign uid has no name here: the answer has the uid, and as domain the container, if there is one
        container = target.request.container(target.process)
        return Outcome(DONE, {"User": str(uid), "Domain": container and clean(container.id)})
    name = account_name_or_uid(uid, target.request.accounts)
    domain, user = domain_and_name(name, target.request.machine.hostname)
    return Outcome(DONE, {"User": user, "Domain": domain})


def _get_owner_sid(target: MethodTarget, _: Mapping[str, Value]) -> Outcome:
    uid = target.effective_uid
    if uid is None:
        return Outcome(ACCESS_DENIED)
    if target.runs_as_foreign_uid:
        return Outcome(UNKNOWN_FAILURE)  # the SID of a Unix uid is that of this host's account
    return Outcome(DONE, {"Sid": user_sid(uid)})


def _terminate(target: MethodTarget, _: Mapping[str, Value]) -> Outcome:
    process = target.process
    check_source_acts(target.request)
    # kill(2) reports success for process 1 and kernel threads, but the signal has no effect
    if process.pid == 1 or (process.flags or 0) & KERNEL_THREAD:
        return Outcome(ACCESS_DENIED)
    return _act(target, None)


def _set_priority(target: MethodTarget, parameters: Mapping[str, Value]) -> Outcome:
    priority = parameters.get("Priority")
    nice = NICE_OF.get(priority) if isinstance(priority, int) else None
    return Outcome(INVALID_PARAMETER) if nice is None else _act(target, nice)


def _act(target: MethodTarget, nice: int | None) -> Outcome:
    """Act on a process as the caller: set its nice value, or terminate it if ``nice`` is None."""
    process, source = target.process, target.request.source
    check_source_acts(target.request)
    if process.state in {"Z", "X"}:
        raise NotFoundError(f"process {process.pid} has ended (zombie)", Hint(HintCode.LIST_PROCESSES))
    # a process without uids is one of which the caller may see only the identity
    if process.uids is None:
        return Outcome(ACCESS_DENIED)
    if process.start is None:
        return Outcome(UNKNOWN_FAILURE)
    try:
        # pid and start are given together: if the pid was reused since, the action fails, and hits no other process
        source.act(Action(process.pid, process.start, nice, acting_uid(target.request.caller)))
    except ProcessLookupError:
        raise NotFoundError(f"process {process.pid} has ended", Hint(HintCode.LIST_PROCESSES)) from None
    except PermissionError as error:
        return Outcome(INSUFFICIENT_PRIVILEGE if error.errno == errno.EACCES else ACCESS_DENIED)
    except OSError:
        return Outcome(UNKNOWN_FAILURE)
    return Outcome(DONE)


SUPPORTED_METHODS: Mapping[str, SupportedMethod] = {
    "Win32_Process.GetOwner": SupportedMethod(_get_owner, acts=False, read_target=_read_target),
    "Win32_Process.GetOwnerSid": SupportedMethod(_get_owner_sid, acts=False, read_target=_read_target),
    "Win32_Process.Terminate": SupportedMethod(_terminate, acts=True, read_target=_read_target),
    "Win32_Process.SetPriority": SupportedMethod(_set_priority, acts=True, read_target=_read_target),
    **SERVICE_METHODS,
}
"""The supported methods; all other methods of the schema raise NotSupportedError."""
