"""Tests of server/metrics.py: the metrics are those of the host and of the requests, in the format of Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from logonscope.server.metrics import ADMINISTRATOR, Metrics
from tests.broker.memory import Memory
from tests.providers.asked import SNAPSHOT


def numbers(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Read what Prometheus would read: the values by name and labels."""
    families = text_string_to_metric_families(metrics.text().decode())
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}


def test_numbers_of_the_host() -> None:
    found = numbers(Metrics(lambda: Memory(SNAPSHOT).request(ADMINISTRATOR)))
    assert found["logonscope_logon_sessions", "RemoteInteractive", "active"] == 1
    assert found["logonscope_logon_sessions", "System", "unknown"] == 1
    processes = [value for (name, *_), value in found.items() if name == "logonscope_processes"]
    assert sum(processes) == len(tuple(SNAPSHOT.processes))
    assert found[("logonscope_leftovers",)] == 2


def test_numbers_of_what_was_asked() -> None:
    metrics = Metrics(lambda: Memory(SNAPSHOT).request(ADMINISTRATOR))
    metrics.count_answer("Pull", "answered", 500, 0.004)
    metrics.count_answer("Pull", "refused", 0, 0.2)
    found = numbers(metrics)
    assert found["logonscope_requests_total", "Pull", "answered"] == 1
    assert found["logonscope_requests_total", "Pull", "refused"] == 1
    assert found["logonscope_items_total", "Pull"] == 500
    assert found["logonscope_request_seconds_bucket", "0.005", "Pull"] == 1
    assert found["logonscope_request_seconds_count", "Pull"] == 2
