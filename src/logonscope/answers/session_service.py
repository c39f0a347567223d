"""SessionService: the processes of the System session that belong to one service."""

from datetime import datetime
from typing import NamedTuple

from logonscope.display import short_row_repr


class SessionService(NamedTuple):
    """The processes of the System session that belong to one service, or to none.

    Attributes:
        service: "nginx.service"; None: the processes that belong to no service.
        processes: the number of these processes.
        pid: the pid of the first of these processes to start.
        name: the name of the process ``pid``.
        user: the account as which the process ``pid`` runs.
        start: when the service was started; if this is not known, the start of the process ``pid``.
        start_is_approximate: whether ``start`` is the start of the process ``pid``.
    """

    service: str | None
    processes: int
    pid: int
    name: str | None
    user: str | None
    start: datetime | None
    start_is_approximate: bool = False

    def __repr__(self) -> str:
        return short_row_repr(self, ("service", "processes", "pid", "name", "user"))
