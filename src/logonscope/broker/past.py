"""Requests to the host as it was at a moment."""

from datetime import datetime

from logonscope.broker.access import past_caller
from logonscope.broker.request import Request


def request_at(request: Request, moment: datetime) -> Request:
    """Return a request to the host as it was at a moment.

    A caller that is no administrator owns what belonged to its uid then only if that uid had the same account name.

    Raises:
        AccessDeniedError: the caller is not authenticated.
        NotSupportedError: no history of the host is kept.
        NotFoundError: nothing was recorded at that moment.
    """
    request.admit()
    past_source, caller = request.source.at(moment), request.caller
    if not caller.administrator and caller.uid is not None:
        present = request.source.account(request.look, caller.uid)
        past = past_source.account(request.look, caller.uid)
        caller = past_caller(caller, present and present.name, past and past.name)
    return Request(past_source, request.ownership, caller, request.look, request.__dict__.get("schema"))
