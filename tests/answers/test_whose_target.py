"""Tests of answers/whose_target.py: the meaning of each form of a target, and the invalid forms."""

from contextlib import suppress

import pytest

from logonscope import InvalidParameterError
from logonscope.answers.whose_target import WhoseTarget, parse_target, service_name


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("4312", WhoseTarget("pid", "4312")),
        (":8080", WhoseTarget("port", ":8080", 8080)),
        ("*:8080", WhoseTarget("port", "*:8080", 8080)),
        ("127.0.0.1:8080", WhoseTarget("port", "127.0.0.1:8080", 8080, "127.0.0.1")),
        ("[::1]:8080", WhoseTarget("port", "[::1]:8080", 8080, "::1")),
        ("[0:0:0::1]:1", WhoseTarget("port", "[0:0:0::1]:1", 1, "::1")),
        ("[fe80::1%eth0]:1", WhoseTarget("port", "[fe80::1%eth0]:1", 1, "fe80::1")),
        ("/usr/bin/python3", WhoseTarget("path", "/usr/bin/python3")),
        ("unix:/run/app.sock", WhoseTarget("unix", "/run/app.sock")),
        ("unix:@app", WhoseTarget("unix", "@app")),
        ("@app", WhoseTarget("unix", "@app")),
        ("alice", WhoseTarget("word", "alice")),
        ("tmux: server", WhoseTarget("word", "tmux: server")),
        ("(sd-pam)", WhoseTarget("word", "(sd-pam)")),
        ("kworker/0:1", WhoseTarget("word", "kworker/0:1")),
        ("user:alice", WhoseTarget("account", "alice")),
        ("name:postgres: checkpointer", WhoseTarget("name", "postgres: checkpointer")),
    ],
)
def test_a_target_means_one_thing(text: str, target: WhoseTarget) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("99999999999", "invalid pid"),
        (":", "invalid port"),
        (":0", "invalid port"),
        (":65536", "invalid port"),
        (":ssh", "invalid port"),
        (": 80", "invalid port"),
        ("127.0.0.1:0", "invalid port"),
        ("999.0.0.1:80", "invalid address"),
        ("[zz]:80", "invalid address"),
        ("::1:8080", "write IPv6 addresses in brackets"),
        ("tcp:80", "expected a port without a protocol; give :80"),
        ("UDP6:domain", "expected a port without a protocol"),
        ("unix:app.sock", "give its absolute path"),
        ("unix:", "invalid unix socket"),
        ("unix:/run/a\0b", "invalid unix socket"),
        ("@", "invalid unix socket"),
    ],
)
def test_what_has_no_meaning_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse_target(text)


@pytest.mark.parametrize("text", [":" * 65_535 + "x", "1:" * 32_000 + "x"])
def test_a_text_of_colons_is_read_quickly(text: str, promptly: None) -> None:
    with suppress(InvalidParameterError):
        assert parse_target(text).kind == "word"
    assert promptly is None


def test_a_service_name_is_distinguished_from_a_number() -> None:
    assert [service_name(text) for text in (":ssh", "127.0.0.1:http-alt", "[::1]:domain")] == [
        "ssh",
        "http-alt",
        "domain",
    ]
    assert [service_name(text) for text in (":80", "ssh", "user:alice", "tmux: server")] == [None, None, None, None]
