"""Tests of server/sinks/sinks.py: real logins of this machine, as a file, a webhook and rsyslog get them."""

import json
from pathlib import Path

import pytest

from logonscope.broker import Caller, Request
from logonscope.ownership import LINUX
from logonscope.server.metrics import Metrics
from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.sinks import Sinks
from logonscope.sources.live.feed import LocalFeed
from tests.kernel import SOMEBODY, Nursery, kernel_id, require_logins
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import wait_until
from tests.server.sinks.receivers import HOST, HttpReceiver
from tests.sources.live.history import live_source


def test_a_login_reaches_every_sink_and_a_restart_tells_the_gap(tmp_path: Path) -> None:
    require_logins()
    try:
        LocalFeed().close()
    except OSError as error:
        skip_or_fail(f"this machine gives no events: {error}")
    (tmp_path / "secret").write_text("a key")
    log = tmp_path / "events.jsonl"
    with live_source() as source, HttpReceiver() as receiver, Nursery() as nursery:
        settings = (
            SinkSettings("disk", "file", Target("file", "", 0, str(log)), "ecs"),
            SinkSettings(
                "hook", "webhook", Target("http", "127.0.0.1", receiver.port, "/"), seconds=5,
                secret_file=str(tmp_path / "secret"),
            ),
        )  # fmt: skip

        def request() -> Request:
            return Request(source, LINUX, Caller("test", None, administrator=True))

        sinks = Sinks(settings, str(tmp_path), HOST, request)
        sinks.start()
        try:
            wait_until(lambda: source.subscribers, 20)
            (pid,) = nursery.login(SOMEBODY)
            logon_id = str(kernel_id(pid))
            wait_until(lambda: logon_id in _logons_of_file(log), 20, "the login in the file")
            wait_until(lambda: logon_id in _logons_of_posts(receiver), 20, "the login at the webhook")
        finally:
            sinks.stop()
        assert [check.subject for check in sinks.checks()] == ["sink disk", "sink hook"]
        assert all(check.ok for check in sinks.checks())
        metrics = Metrics(request)
        metrics.add_sinks(sinks.statuses)
        text = metrics.text().decode()
        assert 'logonscope_sink_delivered_total{sink="disk"}' in text
        assert 'logonscope_sink_failing{sink="hook"} 0.0' in text
        assert 'logonscope_sink_checkpoint_failing{sink="disk"} 0.0' in text
    assert sorted(path.name for path in (tmp_path / "sinks").iterdir()) == ["disk.json", "hook.json"]
    # a checkpoint of an earlier run is no position in this one: the gap is told
    with live_source() as source:
        later = Sinks(
            settings[:1], str(tmp_path), HOST, lambda: Request(source, LINUX, Caller("t", None, administrator=True))
        )
        later.start()
        try:
            with Nursery() as nursery:
                nursery.login(SOMEBODY)
                wait_until(lambda: "events-lost" in log.read_text(), 20, "the gap")
        finally:
            later.stop()


def _logons_of_file(path: Path) -> set[str]:
    if not path.exists():
        return set()
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    return {str(document["auditd"]["session"]) for document in documents if document["event"]["action"] == "logged-in"}


def _logons_of_posts(receiver: HttpReceiver) -> set[str]:
    rows = [json.loads(line) for post in receiver.posts for line in post.body.splitlines()]
    return {row["session"]["logon_id"] for row in rows if row["event"] == "LogonStarted"}


def test_every_kind_of_sink_has_a_delivery(tmp_path: Path) -> None:
    targets = {
        "file": Target("file", "", 0, "/a"), "syslog": Target("tls", "a", 1, ""),
        "otlp": Target("https", "a", 1, "/"), "webhook": Target("https", "a", 1, "/"),
    }  # fmt: skip
    settings = [SinkSettings(name, name, target) for name, target in targets.items()]
    settings.append(SinkSettings("local", "syslog", Target("unix", "", 0, "/dev/log")))

    def refuse() -> Request:
        pytest.fail("nothing is asked before the start")

    assert [status.name for status in Sinks(settings, str(tmp_path), HOST, refuse).statuses()] == [*targets, "local"]
