"""Operations on services: those of the System session, the service of one process, and the items of service classes."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from logonscope.answers.session_service import SessionService
from logonscope.broker.request import Request
from logonscope.facts import Process, Service, ServiceName
from logonscope.machine import ProcessQuery, Selection, ServiceQuery, datetime_of_microseconds, start_time
from logonscope.providers.helpers.text import clean

_FACTS = frozenset({"comm", "start", "uids"})
_SYSTEM_MANAGER = frozenset[int | None]({None})
"""``Selection.service_uids`` for the services of the system's manager alone, which have no uid."""


def services(request: Request) -> list[SessionService]:
    """Return the services of the System session by name, with the number of their processes.

    Processes that belong to no service (those of the kernel and of containers, and init) are in a last row.
    """
    facts = _FACTS | request.ownership.service_facts
    system = Selection(logon_ids=frozenset({request.ownership.system_owner.logon_id or ""}))
    members: dict[str | None, list[Process]] = {}
    for process, _ in request.read(ProcessQuery(facts), system, include_own_in_sessions_of_others=False).pairs:
        service = request.ownership.service_of(process)
        members.setdefault(service and service.name, []).append(process)
    starts = read_starts(request, frozenset(name for name in members if name))
    rows = (_row(request, name, processes, starts.get(name or "")) for name, processes in members.items())
    return sorted(rows, key=_sort_key)


def read_starts(request: Request, names: frozenset[str]) -> dict[str, datetime]:
    """Return when services of the system's manager were started, as far as that is known."""
    if not names:
        return {}
    matching_services = request.source.services(request.look, ServiceQuery(names, details=False))
    starts = (
        (service.name, datetime_of_microseconds(service.start))
        for service in matching_services
        if service.start is not None
    )
    return {name: start for name, start in starts if start is not None}


def find_service(request: Request, process: Process) -> tuple[str | None, datetime | None]:
    """Return the name of a process's service, and when the service was started; None for what is not known.

    A process without a service has neither. The calling function must have checked that the caller may see the process.
    """
    service = request.ownership.service_of(process)
    if service is None:
        return None, None
    start = None if service.uid is not None else read_starts(request, frozenset({service.name})).get(service.name)
    return clean(service.name), start


def read_service_command(request: Request, process: Process) -> str | None:
    """Return the command line of the service that a process is in, as far as the caller may see it.

    None if the process has no service, or if the service is of a user's manager: its command line is not known.
    """
    service = request.ownership.service_of(process)
    if service is None or service.uid is not None:
        return None
    matching_services = request.source.services(request.look, ServiceQuery(frozenset({service.name})))
    return next((request.visibility.masked_service(service).command for service in matching_services), None)


def read_services(request: Request, selection: Selection, *, with_named: bool) -> Iterator[Service]:
    """Yield the selected services of the system's manager, as the caller may see them.

    ``with_named``: also yield further services that the locations of visible processes name: those of users' managers,
    and those that the system's manager does not list. Of these services, only the name and the user are known.
    """
    names, uids = selection.services, selection.service_uids
    yielded_names: set[ServiceName] = set()
    if uids is None or None in uids:
        for service in request.source.services(request.look, ServiceQuery(names)):
            yielded_names.add(ServiceName(service.name, service.uid))
            yield request.visibility.masked_service(service)
    folded_names = None if names is None else {name.lower() for name in names}
    is_complete = (
        folded_names is not None
        and uids == _SYSTEM_MANAGER
        and folded_names <= {service_name.name.lower() for service_name in yielded_names}
    )
    # if the manager lists every selected service, no process has to be read
    if not with_named or is_complete:
        return
    for process, _ in request.read(ProcessQuery(request.ownership.service_facts)).pairs:
        service_name = request.ownership.service_of(process)
        if service_name is None or service_name in yielded_names or (uids is not None and service_name.uid not in uids):
            continue
        # most services have several processes: each service is returned once
        yielded_names.add(service_name)
        if folded_names is None or service_name.name.lower() in folded_names:
            yield Service(*service_name, manager="process", active_state="active")


def _row(request: Request, name: str | None, processes: Sequence[Process], start: datetime | None) -> SessionService:
    first_process = min(processes, key=_start_key)
    uid = first_process.uids[1] if first_process.uids else None
    return SessionService(
        service=clean(name),
        processes=len(processes),
        pid=first_process.pid,
        name=clean(first_process.comm),
        user=clean(request.accounts.name(uid)) or (None if uid is None else str(uid)),
        start=start or start_time(first_process, request.machine),
        start_is_approximate=start is None,
    )


def _start_key(process: Process) -> tuple[bool, int, int]:
    return process.start is None, process.start or 0, process.pid


def _sort_key(row: SessionService) -> tuple[bool, str]:
    return row.service is None, row.service or ""
