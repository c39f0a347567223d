"""The timeline operation: the visible logins of a span, with numbers of processes for each bin.

The numbers count the rows that ``past_processes`` yields for the same logins.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from logonscope.answers.timeline import TimelineBin, TimelineLogin, TimelineSpan
from logonscope.broker.history import history_of
from logonscope.broker.past_records import PastRecords
from logonscope.broker.request import Request
from logonscope.errors import InvalidParameterError
from logonscope.facts.history import LogonRecord
from logonscope.machine.history import Activity, ActivityQuery, LogonRecordQuery
from logonscope.machine.kernel_numbers import datetime_of_microseconds
from logonscope.providers.helpers.text import clean

MAX_BINS = 2000
"""Maximum number of bins of a span."""

ROOT = 0
"""The uid of root."""


def timeline(request: Request, since: datetime, until: datetime, resolution: timedelta) -> Iterator[TimelineLogin]:
    """Yield the logins that existed in a span, in the order in which the history recorded them.

    Raises:
        AccessDeniedError: the caller is not authenticated.
        InvalidParameterError: the span does not end after it begins, or has too many bins.
        NotSupportedError: no history of the host is kept, or this process cannot read it.
    """
    past = history_of(request)
    _check(TimelineSpan(since, until, resolution))
    system = request.ownership.system_owner.logon_id
    past_records = PastRecords(request, past)
    visible_records = past_records.logons(LogonRecordQuery(since=since, until=until))
    records = [record for record in visible_records if record.logon_id != system]
    query = ActivityQuery(
        frozenset(record.id for record in records), _microseconds(since), _microseconds(until),
        bin_us=resolution // timedelta(microseconds=1),
        non_root_records=frozenset(record.id for record in records if record.login_uid != ROOT),
    )  # fmt: skip
    counters: dict[int, BinCounter] = defaultdict(lambda: BinCounter(query))
    for activity in past.activity(request.look, query):
        counters[activity.logon_record].add(activity)
    empty_counter = BinCounter(query)
    for record in records:
        key, bins = past_records.keys.key("logon", record.id), counters.get(record.id, empty_counter).bins()
        yield _make_login(key, record, bins)


def _check(span: TimelineSpan) -> None:
    if span.until <= span.since:
        raise InvalidParameterError("invalid span: it does not end after it begins", "until must be later than since")
    if span.resolution * MAX_BINS < span.until - span.since:
        raise InvalidParameterError(
            f"invalid resolution: the span has more than {MAX_BINS} bins", "use a shorter span or longer bins"
        )


class BinCounter:
    """Counts the processes of one login by bins. Long processes cost as much as short ones."""

    def __init__(self, query: ActivityQuery) -> None:
        self._bin_count = -(-(query.until - query.since) // query.bin_us)
        # by bin: how many more processes ran in it (or ran as root) than in the bin before. So a long process takes two
        # entries, not hundreds.
        self._running: dict[int, int] = defaultdict(int)
        self._as_root: dict[int, int] = defaultdict(int)
        # by bin: how many processes started in it, and how many failed in it
        self._started: dict[int, int] = defaultdict(int)
        self._failed: dict[int, int] = defaultdict(int)

    def add(self, activity: Activity) -> None:
        """Count the processes of an activity in the bins in which they ran."""
        first_bin, last_bin, processes = activity.first_bin, activity.last_bin, activity.processes
        bin_after = self._bin_count if last_bin is None else min(last_bin + 1, self._bin_count)
        for differences, count in ((self._running, processes), (self._as_root, activity.as_root)):
            differences[max(first_bin, 0)] += count
            differences[bin_after] -= count
        if first_bin >= 0:
            self._started[first_bin] += processes
        if last_bin is not None and last_bin < self._bin_count:
            self._failed[last_bin] += activity.failed

    def bins(self) -> tuple[TimelineBin, ...]:
        """Return the bins in which something ran."""
        return tuple(self._make_bins(sorted(self._running)))

    def _make_bins(self, changed_bins: list[int]) -> Iterable[TimelineBin]:
        running = as_root = 0
        for first_bin, bin_after in pairwise(changed_bins):
            running += self._running[first_bin]
            as_root += self._as_root.get(first_bin, 0)
            if running:
                for number in range(first_bin, bin_after):
                    yield TimelineBin(
                        number, running, self._started.get(number, 0), as_root, self._failed.get(number, 0)
                    )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def _make_login(key: str, record: LogonRecord, bins: tuple[TimelineBin, ...]) -> TimelineLogin:
    start, logout, end = map(datetime_of_microseconds, (record.start, record.logout, record.end))
    return TimelineLogin(
        key, record.logon_id, clean(record.user), record.login_uid, record.logon_type, start,
        logout, end, record.end_is_approximate, record.service, record.tty,
        record.remote_host, record.remote_address, record.method, bins,
    )  # fmt: skip
