"""References to services, and the selections for their keys."""

import re

from logonscope.cim.types import Value
from logonscope.facts import Service, ServiceName
from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import possible_names
from logonscope.providers.helpers.text import clean

SYSTEM_MANAGER = "system"
"""LS_Service.Manager of the system's service manager; for a user manager it is the unit user@UID.service."""

_USER_MANAGER = r"user@(0|[1-9][0-9]{0,9})\.service"


def manager_name(service: Service | ServiceName) -> str:
    """Return the name of the manager of a service."""
    return SYSTEM_MANAGER if service.uid is None else f"user@{service.uid}.service"


def service_reference(service: Service | ServiceName) -> tuple[Value, ...]:
    """Return a reference to a service as an LS_Service."""
    return ("LS_Service", manager_name(service), clean(service.name))


def select_service(name: Value, _: object = None) -> Selection:
    """Return the selection of the services with this name."""
    return Selection(services=possible_names(name, None))


def select_manager(manager: Value, _: object = None) -> Selection:
    """Return the selection of the services of a manager; keys are compared without regard to case."""
    text = str(manager).lower()
    if text == SYSTEM_MANAGER:
        return Selection(service_uids=frozenset({None}))
    match = re.fullmatch(_USER_MANAGER, text)
    return Selection(service_uids=frozenset({int(match[1])} if match else ()))


def select_service_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to a Win32_Service."""
    return select_service(reference[1])
