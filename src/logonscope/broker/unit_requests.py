"""Unit requests: which process requested the start of a unit, and the owner of that process."""

from collections.abc import Iterator

from logonscope.broker.request import Request
from logonscope.facts import UnitRequest
from logonscope.machine import Owner


def read_unit_requests(request: Request) -> Iterator[tuple[UnitRequest, Owner]]:
    """Yield each request that led to the last start of a unit, with the owner of the requesting process.

    Requests of logon sessions that the caller may not see are left out.
    """
    unit_requests = list(request.source.unit_requests(request.look))
    if not unit_requests:
        return
    # the requesting processes have ended: the facts that determine their owners come from the log
    logons = request.index_for(*(unit_request.requester for unit_request in unit_requests))
    for unit_request in unit_requests:
        owner = logons.owner(unit_request.requester)
        if owner.logon_id is not None and request.visibility.sees_session(unit_request.requester, owner):
            yield unit_request, owner
