"""Unit requests: which process requested the start of a unit, and the logon session of that process, if visible."""

from collections.abc import Iterator

from logonscope.broker.request import Request
from logonscope.facts import UnitRequest
from logonscope.machine import Owner


def read_unit_requests(request: Request) -> Iterator[tuple[UnitRequest, Owner]]:
    """Yield each request that led to the last start of a unit, with the owner of the process that made the request.

    Requests of logon sessions that the caller may not see are left out.
    """
    requests = list(request.source.unit_requests(request.look))
    if not requests:
        return
    # the requesting processes have ended: the facts that determine their owners come from the log
    logons = request.index_for(*(row.requester for row in requests))
    for row in requests:
        owner = logons.owner(row.requester)
        if owner.logon_id is not None and request.visibility.sees_session(row.requester, owner):
            yield row, owner
