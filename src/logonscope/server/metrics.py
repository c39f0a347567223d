"""Metrics for Prometheus: of the host and its history, and of the requests, sinks and subscriptions of the server.

The metrics of the host are read at each scrape, with the rights of an administrator.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller, Request
from logonscope.broker.sessions import sessions
from logonscope.dispatch.push_receivers import ReceiverStatus
from logonscope.dispatch.watches import WatchStatus
from logonscope.machine.history import HistoryState
from logonscope.server.sinks.sink import SinkStatus

ADMINISTRATOR = Caller("metrics", None, administrator=True)
"""The caller on whose behalf the server reads the metrics of the host, and the events for its sinks."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Bounds of the buckets of logonscope_request_seconds."""

UNKNOWN = "unknown"
_WATCH_LABELS = ("door", "mode")
"""The names of the two values of ``WatchStatus.kind``."""


class Metrics:
    """The metrics of one server and its host."""

    def __init__(self, make_request: Callable[[], Request]) -> None:
        """Create the metrics; ``make_request`` returns a new broker request of an administrator."""
        self._registry = CollectorRegistry()
        self._registry.register(_HostCollector(make_request))
        self._requests = CounterMetric(
            "logonscope_requests",
            "Requests by operation and outcome.",
            ("operation", "outcome"),
            registry=self._registry,
        )
        self._items = CounterMetric("logonscope_items", "Items returned.", ("operation",), registry=self._registry)
        self._seconds = Histogram(
            "logonscope_request_seconds", "Duration of requests in seconds.", ("operation",), buckets=SECONDS,
            registry=self._registry,
        )  # fmt: skip

    def add_sinks(self, statuses: Callable[[], Iterable[SinkStatus]]) -> None:
        """Add the metrics of sinks; ``statuses`` returns the status of each."""
        self._registry.register(_SinkCollector(statuses))

    def add_subscriptions(
        self, watches: Callable[[], Iterable[WatchStatus]], receivers: Callable[[], Iterable[ReceiverStatus]]
    ) -> None:
        """Add the metrics of subscriptions to events.

        Args:
            watches: returns a status for each kind of watch.
            receivers: returns a status for each server that events are pushed to.
        """
        self._registry.register(_SubscriptionCollector(watches, receivers))

    def count_answer(self, operation: str, outcome: str, items: int, seconds: float) -> None:
        """Count a request that was answered or refused; ``outcome`` says which."""
        self._requests.labels(operation, outcome).inc()
        self._items.labels(operation).inc(items)
        self._seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


# prometheus_client calls `collect` at each scrape: the metrics of the host need no updates in between.
class _HostCollector(Collector):
    """Reads the logon sessions of the host, and the state of its history, at each scrape."""

    def __init__(self, make_request: Callable[[], Request]) -> None:
        self._make_request = make_request

    def collect(self) -> Iterator[Metric]:
        request = self._make_request()
        logon_sessions = sessions(request)
        yield _gauges(
            "logonscope_logon_sessions", "Logon sessions by LogonType and state.", ("logon_type", "state"),
            Counter((session.logon_type_name or UNKNOWN, session.state or UNKNOWN) for session in logon_sessions),
        )  # fmt: skip
        yield _gauges(
            "logonscope_processes", "Processes by the class of their logon session.", ("login_class",),
            _sum_counts((_login_class(session), session.processes) for session in logon_sessions),
        )  # fmt: skip
        leftovers = GaugeMetricFamily("logonscope_leftovers", "Processes whose login is logged out.")
        leftovers.add_metric((), sum(session.leftovers or 0 for session in logon_sessions))
        yield leftovers
        if request.source.history is not None:
            yield from _history_gauges(request.source.history.state())


class _SinkCollector(Collector):
    """Reads the status of each sink at each scrape."""

    def __init__(self, statuses: Callable[[], Iterable[SinkStatus]]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[Metric]:
        statuses = list(self._statuses())
        counts = (
            ("logonscope_sink_delivered", "Events that a sink delivered.", "delivered"),
            ("logonscope_sink_rejected", "Events that the target of a sink refused for good.", "rejected"),
            ("logonscope_sink_lost", "Events that were dropped before a sink could deliver them.", "lost"),
            ("logonscope_sink_losses", "Gaps in the events of a sink.", "losses"),
            ("logonscope_sink_retries", "Repeated deliveries of a sink.", "retries"),
        )
        yield from _counters(counts, ("sink",), [((status.name,), status) for status in statuses])
        checkpoint_failing = GaugeMetricFamily(
            "logonscope_sink_checkpoint_failing", "1: the checkpoint could not be stored.", labels=("sink",)
        )
        failing = GaugeMetricFamily("logonscope_sink_failing", "1: the latest delivery failed.", labels=("sink",))
        for status in statuses:
            failing.add_metric((status.name,), int(bool(status.failure)))
            checkpoint_failing.add_metric((status.name,), int(bool(status.checkpoint_failure)))
        yield failing
        yield checkpoint_failing


class _SubscriptionCollector(Collector):
    """Reads the status of subscriptions, and of the receivers of pushed ones, at each scrape."""

    def __init__(
        self, watches: Callable[[], Iterable[WatchStatus]], receivers: Callable[[], Iterable[ReceiverStatus]]
    ) -> None:
        self._watches, self._receivers = watches, receivers

    def collect(self) -> Iterator[Metric]:
        statuses = list(self._watches())
        watches = GaugeMetricFamily("logonscope_subscriptions", "Open subscriptions to events.", labels=_WATCH_LABELS)
        for watch in statuses:
            watches.add_metric(watch.kind, watch.open)
        yield watches
        counts = (
            ("logonscope_subscription_events", "Events that were sent to subscribers.", "delivered"),
            ("logonscope_subscription_lost", "Events that were dropped before they were sent.", "lost"),
            ("logonscope_subscription_losses", "Gaps in the events of subscriptions.", "losses"),
        )
        yield from _counters(counts, _WATCH_LABELS, [(watch.kind, watch) for watch in statuses])
        receivers = list(self._receivers())
        counts = (
            ("logonscope_push_delivered", "Messages that a server of subscribers accepted.", "delivered"),
            ("logonscope_push_failures", "Attempts to send a message that failed.", "failures"),
            ("logonscope_push_ended", "Subscriptions that ended while messages were not accepted.", "ended"),
        )
        yield from _counters(counts, ("receiver",), [((receiver.receiver,), receiver) for receiver in receivers])
        failing = GaugeMetricFamily(
            "logonscope_push_failing", "Subscriptions whose latest message failed.", labels=("receiver",)
        )
        for receiver in receivers:
            failing.add_metric((receiver.receiver,), receiver.failing)
        yield failing


def _history_gauges(state: HistoryState) -> Iterator[Metric]:
    """Yield the metrics of a history."""
    last_event = GaugeMetricFamily(
        "logonscope_journal_through", "Number of the last event that is kept.", labels=("journal", "epoch")
    )
    last_event.add_metric((state.journal_id, str(state.epoch)), state.last_event)
    yield last_event
    for name, help_, value in (
        ("logonscope_journal_bytes", "Size of the history.", state.bytes),
        ("logonscope_journal_rows", "Processes, changes, command lines and other rows that are kept.", state.rows),
        ("logonscope_journal_gaps", "Gaps in which events were not seen.", state.losses),
        ("logonscope_journal_writes", "1: events are written; 0: they are not, see the log.", int(not state.problem)),
        ("logonscope_journal_since_seconds", "When the history begins (Unix time).", (state.since or 0) / 1e6),
        ("logonscope_journal_bytes_a_day", "Growth in the last 24 hours; 0: not known.", state.bytes_a_day or 0),
        ("logonscope_journal_max_bytes", "Size from which on the oldest processes are deleted.", state.max_bytes or 0),
    ):
        yield GaugeMetricFamily(name, help_, value)


def _login_class(session: LogonSession) -> str:
    return session.login_class or ("system" if session.logon_type == 0 else UNKNOWN)


def _sum_counts(counts: "Iterator[tuple[str, int | None]]") -> "Counter[tuple[str, ...]]":
    """Return the sum of the counts of each label; a count that is not known is 0."""
    total = Counter[tuple[str, ...]]()
    for label, count in counts:
        total[(label,)] += count or 0
    return total


def _counters(
    counts: Iterable[tuple[str, str, str]], labels: tuple[str, ...], statuses: Sequence[tuple[tuple[str, ...], object]]
) -> Iterator[Metric]:
    """Yield counters of several statuses.

    Args:
        counts: name, help and field of each counter.
        labels: the names of the labels, which all counters have.
        statuses: for each status the values of its labels, and the status, which has the fields.
    """
    for name, help_, field in counts:
        family = CounterMetricFamily(name, help_, labels=labels)
        for values, status in statuses:
            family.add_metric(values, getattr(status, field))
        yield family


def _gauges(name: str, help_: str, labels: tuple[str, ...], counts: "Counter[tuple[str, ...]]") -> GaugeMetricFamily:
    """Return a gauge for each combination of label values."""
    family = GaugeMetricFamily(name, help_, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
