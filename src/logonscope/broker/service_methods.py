"""Methods of services. The system's service manager acts on the service, with the rights of the caller.

A method's ReturnValue is the documented number (Win32_BaseService): 0 success, 1 not supported, 2 access denied, 5 the
state of the service does not permit the request, 6 not active, 7 timeout, 8 unknown failure, 10 already running, 14
disabled, 24 already paused. A paused service is frozen: systemd stops all of its processes.
"""

import errno
from collections.abc import Mapping
from typing import NamedTuple

from logonscope.broker.access import acting_uid
from logonscope.broker.instances import not_found_error
from logonscope.broker.method_table import SupportedMethod
from logonscope.broker.request import Request
from logonscope.cim.binding import Target
from logonscope.cim.instances import Outcome
from logonscope.cim.types import Value
from logonscope.errors import NotFoundError, NotSupportedError
from logonscope.facts import Service
from logonscope.machine import ServiceQuery
from logonscope.machine.action import ServiceAction, ServiceVerb

DONE, NOT_SUPPORTED, ACCESS_DENIED, CANNOT_ACCEPT, NOT_ACTIVE, TIMEOUT, UNKNOWN_FAILURE = 0, 1, 2, 5, 6, 7, 8
ALREADY_RUNNING, DISABLED, ALREADY_PAUSED = 10, 14, 24

RUNNING_STATES = {"active", "reloading", "refreshing"}
FROZEN = "frozen"


class ServiceTarget(NamedTuple):
    """The service that a method is called on, and the request."""

    request: Request
    service: Service


def read_service(request: Request, target: Target) -> ServiceTarget:
    """Return the service that a path names.

    Raises:
        NotFoundError: there is no such service.
    """
    (name,) = target.keys or ("",)
    matching_services = request.source.services(request.look, ServiceQuery(frozenset({str(name)})))
    services = {service.name: service for service in matching_services}
    # names that differ only in case are different services: a service that is spelled like the key has priority
    service = services.get(str(name)) or next(iter(services.values()), None)
    if service is None:
        raise not_found_error(request, target)
    return ServiceTarget(request, service)


def _start(target: ServiceTarget, _: Mapping[str, Value]) -> Outcome:
    # systemd reports success for a service that runs already; Windows does not
    if target.service.active_state in RUNNING_STATES:
        return Outcome(ALREADY_RUNNING)
    return Outcome(DISABLED) if target.service.load_state == "masked" else _act(target, "start")


def _stop(target: ServiceTarget, _: Mapping[str, Value]) -> Outcome:
    # as in _start: systemd reports success for a service that is stopped already; Windows does not
    if target.service.active_state in {"inactive", "failed"}:
        return Outcome(NOT_ACTIVE)
    return Outcome(CANNOT_ACCEPT) if target.service.can_stop is False else _act(target, "stop")


def _pause(target: ServiceTarget, _: Mapping[str, Value]) -> Outcome:
    service = target.service
    if service.can_freeze is False:
        return Outcome(NOT_SUPPORTED)
    if service.freezer_state == FROZEN:
        return Outcome(ALREADY_PAUSED)
    return _act(target, "freeze") if service.active_state in RUNNING_STATES else Outcome(NOT_ACTIVE)


def _resume(target: ServiceTarget, _: Mapping[str, Value]) -> Outcome:
    if target.service.active_state not in RUNNING_STATES:
        return Outcome(NOT_ACTIVE)
    return _act(target, "thaw") if target.service.freezer_state == FROZEN else Outcome(CANNOT_ACCEPT)


def _interrogate(target: ServiceTarget, _: Mapping[str, Value]) -> Outcome:
    state = target.service.active_state
    if state is None:
        return Outcome(UNKNOWN_FAILURE)
    return Outcome(DONE if state in RUNNING_STATES else NOT_ACTIVE)


def check_source_acts(request: Request) -> None:
    """Check that the source can change something on the host.

    Raises:
        NotSupportedError: the source can only be read, such as a recording.
    """
    if "act" not in request.source.abilities:
        reason = "cannot run methods that change something on a recording, or on another host that can only be read"
        raise NotSupportedError(reason, "run the method on the machine itself")


def _act(target: ServiceTarget, verb: ServiceVerb) -> Outcome:
    """Request an action on a service from the service manager, with the rights of the caller."""
    service, source = target.service, target.request.source
    check_source_acts(target.request)
    # a script of OpenRC or sysvinit is not run: its processes would inherit the logon session of this process
    if service.manager != "systemd":
        return Outcome(NOT_SUPPORTED)
    try:
        source.act_on_service(ServiceAction(service.name, verb, acting_uid(target.request.caller)))
    except ProcessLookupError:
        raise NotFoundError(f"there is no service {service.name}", "list services with Win32_Service") from None
    except TimeoutError:
        return Outcome(TIMEOUT)
    except PermissionError as error:
        # EPERM: not even root can start a masked unit
        return Outcome(DISABLED if error.errno == errno.EPERM else ACCESS_DENIED)
    except OSError as error:
        return Outcome(NOT_SUPPORTED if error.errno == errno.EOPNOTSUPP else UNKNOWN_FAILURE)
    return Outcome(DONE)


SERVICE_METHODS: Mapping[str, SupportedMethod] = {
    "Win32_BaseService.StartService": SupportedMethod(_start, acts=True, read_target=read_service),
    "Win32_BaseService.StopService": SupportedMethod(_stop, acts=True, read_target=read_service),
    "Win32_BaseService.PauseService": SupportedMethod(_pause, acts=True, read_target=read_service),
    "Win32_BaseService.ResumeService": SupportedMethod(_resume, acts=True, read_target=read_service),
    "Win32_BaseService.InterrogateService": SupportedMethod(_interrogate, acts=False, read_target=read_service),
}
"""The supported methods of services."""
