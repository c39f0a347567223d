"""Tests of server/sinks/settings.py: valid tables, and the message for each that is not."""

import tomllib
from pathlib import Path

import pytest

from logonscope.answers.host_event import EVENT_NAMES
from logonscope.errors import InvalidParameterError
from logonscope.server.configuration import read_settings
from logonscope.server.sinks.settings import KEYS, MAX_SINKS, MIN_FILE_BYTES, SinkSettings, Target, parse_sinks

VALID = """
[[sink]]
name = "disk"
type = "file"
to = "/var/log/logonscope/events.jsonl"
max_size = "10 MB"
files = 3
events = "all"

[[sink]]
name = "siem"
type = "syslog"
to = "tls://siem.example.com"
format = "ecs"
events = ["LogonFailed", "logons"]

[[sink]]
name = "hook"
type = "webhook"
to = "https://hooks.example.com/a/b?c=d"
secret_file = "/etc/logonscope/hook"
seconds = 3

[[sink]]
name = "local"
type = "syslog"
to = "/dev/log"
"""


def parse(text: str) -> tuple[SinkSettings, ...]:
    return parse_sinks("file", tomllib.loads(text)["sink"])


def table(**values: object) -> list[dict[str, object]]:
    return [{"name": "a", "type": "file", "to": "/a"} | values]


def test_valid_tables() -> None:
    disk, siem, hook, local = parse(VALID)
    assert (disk.target, disk.max_bytes, disk.files) == (
        Target("file", "", 0, "/var/log/logonscope/events.jsonl"),
        10**7,
        3,
    )
    assert disk.events == EVENT_NAMES
    assert (str(siem.target), siem.format) == ("tls://siem.example.com:6514", "ecs")
    assert siem.events >= {"LogonStarted", "LogonFailed", "UserChanged"}
    assert (hook.target.path, hook.secret_file, hook.seconds) == ("/a/b?c=d", "/etc/logonscope/hook", 3)
    # the path of a webhook can be a secret
    assert str(hook.target) == "https://hooks.example.com:443"
    assert local.target == Target("unix", "", 0, "/dev/log")


def test_the_smallest_size_is_the_one_that_the_message_names() -> None:
    (sink,) = parse_sinks("file", table(max_size="64 KB"))
    assert sink.max_bytes == MIN_FILE_BYTES == 64_000


@pytest.mark.parametrize(("tables", "message"), [
    ({"name": "a"}, "invalid sink: expected tables"),
    (table(name="A"), 'sink 1: invalid name "A"'),
    ([{"type": "file"}], "sink 1: invalid name (missing)"),
    (table(type="kafka"), "sink 'a': invalid type \"kafka\""),
    (table(to=None), "invalid to (missing): expected the absolute path of a file"),
    (table(to="events"), 'invalid to "events"'),
    (table(type="syslog", to="udp://a:514"), 'invalid to "udp://a:514": expected tls://HOST:PORT'),
    (table(type="syslog", to="tls://a/b"), 'invalid to "tls://a/b"'),
    (table(type="otlp", to="https://u:p@a/"), 'invalid to "https://u:p@a/"'),
    (table(type="otlp", to="https://a:99999/"), 'invalid to "https://a:99999/"'),
    (table(type="webhook", to="https://a/"), "secret_file is missing"),
    (table(type="otlp", to="http://a/", token_file="/t"), "a token or a client certificate needs encryption"),  # noqa: S106 -- a path
    (table(colour="red"), "unknown key 'colour'"),
    (table(secret_file="/s"), "unknown key 'secret_file'"),  # noqa: S106 -- a path
    (table(files=True), "invalid files true: expected a whole number from 1 to 1000"),
    (table(max_size="10"), 'invalid max_size "10": expected a size'),
    (table(max_size="0 KB"), 'invalid max_size "0 KB": expected a size of at least 64 KB'),
    (table(type="webhook", to="https://a/b c"), 'invalid to "https://a/b c": expected ASCII without spaces'),
    (table(type="webhook", to="https://a/\u00fc"), "expected ASCII without spaces"),
    ([*table(), *table(name="b")], "two sinks write /"),
    (table(events=["Reboot"]), "invalid events"),
    (table(events=[]), "invalid events"),
    (table(format="xml"), 'invalid format "xml": expected one of jsonl, ecs'),
    (table() * 2, "two sinks have the name 'a'"),
    (table() * (MAX_SINKS + 1), "expected at most"),
])  # fmt: skip
def test_an_invalid_table_is_named(tables: object, message: str) -> None:
    with pytest.raises(InvalidParameterError) as error:
        parse_sinks("file", tables)
    assert message in error.value.message


def test_the_settings_file_has_sinks_only_with_events(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(VALID)
    assert [sink.name for sink in read_settings(str(file)).sinks] == ["disk", "siem", "hook", "local"]
    file.write_text('live = "false"\n' + VALID)
    with pytest.raises(InvalidParameterError, match="sinks need the events of this machine"):
        read_settings(str(file))


def test_every_key_is_in_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs/sinks.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in page] == []
