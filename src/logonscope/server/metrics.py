"""Metrics for Prometheus: the logon sessions of the host, and the requests that the server answered.

Those of the host are read when Prometheus asks for them, as an administrator sees them.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as Told
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller, Request
from logonscope.broker.sessions import sessions

ADMINISTRATOR = Caller("metrics", None, administrator=True)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
UNKNOWN = "unknown"


class Metrics:
    """The metrics of one server and its host."""

    def __init__(self, request: Callable[[], Request]) -> None:
        """Take what makes a question to the host, of an administrator."""
        self._registry = CollectorRegistry()
        self._registry.register(_Host(request))
        self._requests = Told(
            "logonscope_requests",
            "Requests by operation and outcome.",
            ("operation", "outcome"),
            registry=self._registry,
        )
        self._items = Told("logonscope_items", "Items that were told.", ("operation",), registry=self._registry)
        self._seconds = Histogram(
            "logonscope_request_seconds", "How long answers took.", ("operation",), buckets=SECONDS,
            registry=self._registry,
        )  # fmt: skip

    def answered(self, operation: str, outcome: str, items: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(operation, outcome).inc()
        self._items.labels(operation).inc(items)
        self._seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self._registry)


class _Host(Collector):
    def __init__(self, request: Callable[[], Request]) -> None:
        self._request = request

    def collect(self) -> Iterator[Metric]:
        found = sessions(self._request())
        yield _family(
            "logonscope_logon_sessions", "Logon sessions by LogonType and state.", ("logon_type", "state"),
            Counter((session.logon_type_name or UNKNOWN, session.state or UNKNOWN) for session in found),
        )  # fmt: skip
        yield _family(
            "logonscope_processes", "Processes by the class of their logon session.", ("login_class",),
            _summed((_class(session), session.processes) for session in found),
        )  # fmt: skip
        leftovers = GaugeMetricFamily("logonscope_leftovers", "Processes whose login is logged out.")
        leftovers.add_metric((), sum(session.leftovers or 0 for session in found))
        yield leftovers


def _class(session: LogonSession) -> str:
    return session.login_class or ("system" if session.logon_type == 0 else UNKNOWN)


def _summed(pairs: "Iterator[tuple[str, int | None]]") -> "Counter[tuple[str, ...]]":
    total = Counter[tuple[str, ...]]()
    for label, count in pairs:
        total[(label,)] += count or 0
    return total


def _family(name: str, about: str, labels: tuple[str, ...], counts: "Counter[tuple[str, ...]]") -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
