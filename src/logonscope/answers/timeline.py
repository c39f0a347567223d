"""Result types of the timeline: the logins of a span of time, each with numbers of processes in parts of the span."""

from datetime import datetime, timedelta
from typing import NamedTuple

from logonscope.display import short_row_repr


class TimelineSpan(NamedTuple):
    """A span of time, and the length of its parts, the bins."""

    since: datetime
    until: datetime
    resolution: timedelta


class TimelineBin(NamedTuple):
    """What a login ran in one bin. Bins in which it ran nothing are left out."""

    number: int  # 0: the bin at the beginning of the span
    running: int  # processes that ran at any time in it
    started: int  # of ``running``, those that started in it
    as_root: int  # of ``running``, those that ran as root (through sudo or su, for example) in another user's login
    failed: int  # of ``running``, those that ended in it with another status than 0 or by a signal


class TimelineLogin(NamedTuple):
    """A login that existed in the span."""

    record: str  # its key in the history
    logon_id: str
    user: str | None
    uid: int | None
    logon_type: int | None
    start: datetime | None
    logout: datetime | None
    end: datetime | None  # None: the login still exists
    end_is_approximate: bool  # the end was not seen: ``end`` is an estimate
    service: str | None
    tty: str | None
    remote_host: str | None
    remote_address: str | None
    authentication_method: str | None
    bins: tuple[TimelineBin, ...]  # in the order of time

    def __repr__(self) -> str:
        return short_row_repr(self, ("logon_id", "user", "start", "end"))
