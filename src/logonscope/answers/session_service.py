"""SessionService: the processes of the System session that belong to one service."""

from datetime import datetime
from typing import NamedTuple

from logonscope.display import short_row_repr


class SessionService(NamedTuple):
    """The processes of the System session that belong to one service, or to none."""

    service: str | None  # "nginx.service"; None: the processes that belong to no service
    processes: int  # their number
    pid: int  # the process that started first
    name: str | None  # its name
    user: str | None  # account of its effective uid
    start: datetime | None  # when the service was started; else the start of that process
    start_is_approximate: bool = False  # it is the start of that process

    def __repr__(self) -> str:
        return short_row_repr(self, ("service", "processes", "pid", "name", "user"))
