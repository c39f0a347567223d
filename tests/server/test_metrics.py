"""Tests of server/metrics.py: the metrics are those of the host and of the requests, in the format of Prometheus."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from logonscope.dispatch.push_receivers import ReceiverStatus
from logonscope.dispatch.watches import WatchKind, WatchStatus
from logonscope.server.metrics import ADMINISTRATOR, Metrics
from tests.broker.memory import Memory
from tests.journal.kept import Kept
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


def test_numbers_of_subscriptions() -> None:
    metrics = Metrics(lambda: Memory(SNAPSHOT).request(ADMINISTRATOR))
    watches = [WatchStatus(WatchKind("wsman", "Pull"), 2, 70, 9, 1), WatchStatus(WatchKind("json", "Stream"), 1)]
    receivers = [ReceiverStatus("https://a:1", 3, 1, 40, 5, 2, "no answer", 1.0)]
    metrics.add_subscriptions(lambda: watches, lambda: receivers)
    found = numbers(metrics)
    assert found["logonscope_subscriptions", "Pull", "wsman"] == 2
    assert found["logonscope_subscriptions", "Stream", "json"] == 1
    for name, value in (("events", 70), ("lost", 9), ("losses", 1)):
        assert found[f"logonscope_subscription_{name}_total", "Pull", "wsman"] == value
    for name, value in (("delivered_total", 40), ("failures_total", 5), ("ended_total", 2), ("failing", 1)):
        assert found[f"logonscope_push_{name}", "https://a:1"] == value


RULES = Path(__file__).parents[2] / "packaging/prometheus/logonscope.rules.yml"


def test_alert_rules_name_metrics_that_exist(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(5)
    source = Memory(SNAPSHOT)
    source.history = kept.history()
    found = {name for name, *_ in numbers(Metrics(lambda: source.request(ADMINISTRATOR)))}
    kept.keeper.stop()
    rules = RULES.read_text(encoding="utf-8")
    alerts = re.findall(r"^      - alert: (Logonscope\w+)\n        expr: (.+)$", rules, re.MULTILINE)
    assert len(alerts) == rules.count("- alert:") == len({name for name, _ in alerts})
    for _, expression in alerts:
        assert set(re.findall(r"logonscope_\w+", expression)) <= found
        assert expression.count("(") == expression.count(")")
    assert found >= {"logonscope_journal_bytes_a_day", "logonscope_journal_max_bytes"}
