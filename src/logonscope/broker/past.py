"""Requests to the host as it was at a moment."""

from datetime import datetime

from logonscope.broker.access import past_caller
from logonscope.broker.event_request import EventRequest
from logonscope.broker.request import Request
from logonscope.errors import NotFoundError


def request_at(request: Request, moment: datetime) -> Request:
    """Return a request to the host as it was at a moment.

    A caller that is no administrator owns what belonged to its uid at that moment, but only if the uid had the same
    account name as now.

    Raises:
        AccessDeniedError: the caller is not authenticated.
        NotSupportedError: no history of the host is kept.
        NotFoundError: nothing was recorded at that moment.
    """
    request.admit()
    past_source, caller = request.source.at(moment), request.caller
    if not caller.administrator and caller.uid is not None:
        account_now = request.source.account(request.look, caller.uid)
        account_then = past_source.account(request.look, caller.uid)
        caller = past_caller(caller, account_now and account_now.name, account_then and account_then.name)
    return Request(past_source, request.ownership, caller, request.look, request.loaded_schema)


def event_request_at(request: Request, moment: datetime, *, is_this_boot: bool) -> EventRequest:
    """Return a request for past events.

    The caller owns what it owned at that moment; an administrator sees everything. For events of this boot, the present
    source is used.

    Args:
        request: the request of the subscription.
        moment: when the events happened.
        is_this_boot: whether they happened in the present boot.
    """
    present_request = EventRequest.renewed(request)
    if is_this_boot and request.caller.administrator:
        return present_request
    try:
        past_request = request_at(present_request, moment)
    except NotFoundError:
        # Nothing was recorded at that moment: which account had the uid is unknown. So a caller that is no
        # administrator owns nothing, and the present source is used.
        caller = past_caller(request.caller, None, None)
        return EventRequest(request.source, request.ownership, caller, present_request.look, request.loaded_schema)
    source = past_request.source
    if is_this_boot:
        source.close()
        source = request.source
    return EventRequest(source, request.ownership, past_request.caller, present_request.look, request.loaded_schema)
