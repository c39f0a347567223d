"""What can be done to an instance? Methods, with the rights of the caller: the kernel decides what it may do.

A method's ReturnValue is the documented number (Win32_Process): 0 done, 2 access denied, 3 insufficient privilege, 8
unknown failure, 9 path not found, 21 invalid parameter.
"""

import errno
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker.access import acting_uid
from logonscope.broker.instances import missing
from logonscope.broker.request import Request
from logonscope.broker.resolve import instance, target_of
from logonscope.cim.binding import Target
from logonscope.cim.classes import Class, Method
from logonscope.cim.instances import Outcome
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value, value_of
from logonscope.errors import Hint, HintCode, InvalidMethodParametersError, NotFoundError, NotSupportedError
from logonscope.facts import Process
from logonscope.machine import ProcessQuery
from logonscope.machine.action import Action
from logonscope.providers.helpers.account_names import domain_and_name, name_of, user_sid
from logonscope.providers.helpers.priority import NICE_OF
from logonscope.providers.helpers.process_keys import pid_meant

DONE, ACCESS_DENIED, INSUFFICIENT_PRIVILEGE, UNKNOWN_FAILURE, INVALID_PARAMETER = 0, 2, 3, 8, 21

KERNEL_THREAD = 0x00200000
"""PF_KTHREAD of the flags in /proc/PID/stat."""

_FACTS = frozenset({"start", "flags", "state", "uids"})


class Meant(NamedTuple):
    """The process that a method is of, as the caller sees it, and who asks."""

    request: Request
    process: Process


def invoke(
    request: Request,
    path: str | ObjectPath,
    method_name: str,
    parameters: Mapping[str, Any] | None = None,
    namespace: str | None = None,
) -> Outcome:
    """Run a method of an instance.

    Raises:
        NotFoundError: there is no such instance, or none for this caller to see.
        InvalidMethodError: its class has no such method.
        InvalidMethodParametersError, TypeMismatchError: the parameters are not those of the method.
        NotSupportedError: the method is not offered here, or nothing can be done to this host.
        InvalidObjectPathError, InvalidNamespaceError, InvalidClassError: the path names nothing.
        AccessDeniedError: the caller is nobody.
    """
    request.admit()
    target = target_of(request, path, namespace)
    method = target.cls.method_named(method_name)
    given = _bound(target.cls, method, parameters or {})
    run = METHODS.get(f"{method.origin}.{method.name}")
    if run is None:
        raise NotSupportedError(
            f"{target.cls.name}.{method.name} is not offered on Linux", f"these are: {', '.join(METHODS)}"
        )
    return run.function(_meant(request, instance(target)), given)


def _bound(cls: Class, method: Method, given: Mapping[str, Any]) -> dict[str, Value]:
    """Return the parameters by name, as values of their types."""
    takes = {parameter.name.lower(): parameter for parameter in method.parameters if parameter.is_in}
    bound: dict[str, Value] = {}
    for name, value in given.items():
        parameter = takes.get(name.lower())
        if parameter is None:
            known = ", ".join(found.name for found in takes.values()) or "none"
            raise InvalidMethodParametersError(
                f"{cls.name}.{method.name} takes no parameter '{name}'", f"it takes {known}"
            )
        if value is not None:
            bound[parameter.name] = value_of(value, parameter.type, f"the parameter {parameter.name}")
    return bound


def _meant(request: Request, target: Target) -> Meant:
    (handle,) = target.keys or ("",)
    asked = ProcessQuery(_FACTS, pids=pid_meant(handle).pids or frozenset())
    owned = request.read(asked, foreign=True, owners=False)
    process = next((process for process, _ in owned.pairs), None)
    if process is None:
        raise missing(request, target)
    return Meant(request, process)


def _get_owner(meant: Meant, _: Mapping[str, Value]) -> Outcome:
    if meant.process.uids is None:
        return Outcome(ACCESS_DENIED)
    name = name_of(meant.process.uids[1], meant.request.accounts)
    domain, user = domain_and_name(name, meant.request.machine.hostname)
    return Outcome(DONE, {"User": user, "Domain": domain})


def _get_owner_sid(meant: Meant, _: Mapping[str, Value]) -> Outcome:
    if meant.process.uids is None:
        return Outcome(ACCESS_DENIED)
    return Outcome(DONE, {"Sid": user_sid(meant.process.uids[1])})


def _terminate(meant: Meant, _: Mapping[str, Value]) -> Outcome:
    process = meant.process
    if process.pid == 1 or (process.flags or 0) & KERNEL_THREAD:  # the kernel would say yes, and not do it
        return Outcome(ACCESS_DENIED)
    return _act(meant, None)


def _set_priority(meant: Meant, parameters: Mapping[str, Value]) -> Outcome:
    priority = parameters.get("Priority")
    nice = NICE_OF.get(priority) if isinstance(priority, int) else None
    return Outcome(INVALID_PARAMETER) if nice is None else _act(meant, nice)


def _act(meant: Meant, nice: int | None) -> Outcome:
    """Do it as the caller; a process of which the caller sees no more than which one it is was not looked at."""
    process, source = meant.process, meant.request.source
    if "act" not in source.abilities:
        raise NotSupportedError("nothing can be done to this host", "it only tells; ask the machine itself")
    if process.state in {"Z", "X"}:
        raise NotFoundError(
            f"process {process.pid} has ended, and waits for its parent to notice", Hint(HintCode.LIST_PROCESSES)
        )
    if process.uids is None:
        return Outcome(ACCESS_DENIED)
    if process.start is None:
        return Outcome(UNKNOWN_FAILURE)
    try:
        source.act(Action(process.pid, process.start, nice, acting_uid(meant.request.caller)))
    except ProcessLookupError:
        raise NotFoundError(f"process {process.pid} has ended", Hint(HintCode.LIST_PROCESSES)) from None
    except PermissionError as error:
        return Outcome(INSUFFICIENT_PRIVILEGE if error.errno == errno.EACCES else ACCESS_DENIED)
    except OSError:
        return Outcome(UNKNOWN_FAILURE)
    return Outcome(DONE)


class Offered(NamedTuple):
    """A method that is offered: the function that runs it, and whether it changes something on the host."""

    function: Callable[[Meant, Mapping[str, Value]], Outcome]
    acts: bool


METHODS: Mapping[str, Offered] = {
    "Win32_Process.GetOwner": Offered(_get_owner, acts=False),
    "Win32_Process.GetOwnerSid": Offered(_get_owner_sid, acts=False),
    "Win32_Process.Terminate": Offered(_terminate, acts=True),
    "Win32_Process.SetPriority": Offered(_set_priority, acts=True),
}
"""The methods that are offered; every other one of the schema is refused."""
