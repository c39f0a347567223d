"""faces/cli/event_command.py: hostile values reach a command as parts of words, and nothing else."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.event_command import MAX_VALUE_BYTES, EventCommand, Invocation, value_text

NAMES = ("event", "user", "pid", "name")


def invocation(text: str, **values: object) -> Invocation:
    return EventCommand(text, NAMES).invocation({**dict.fromkeys(NAMES), **values})


def words(text: str, **values: object) -> list[str]:
    return [word.decode() for word in invocation(text, **values).words[1:]]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("echo {user}", {"user": "alice"}, ["alice"]),
        ("echo 'a b' {user}:{pid}", {"user": "x y", "pid": 7}, ["a b", "x y:7"]),
        ("echo {user}", {"user": "$(id); `id` '\" * \\"}, ["$(id); `id` '\" * \\"]),
        ("echo {user}", {"user": "{pid}", "pid": 7}, ["{pid}"]),
        ("echo {user} x", {}, ["", "x"]),
        ("echo {user}", {"user": "a\nb\x00c\x1b[31m"}, ["a\ufffdb\ufffdc\ufffd[31m"]),
        ("echo {user}", {"user": "--delete"}, ["\ufffd-delete"]),
        ("echo {user}{pid}", {"pid": -7}, ["\ufffd7"]),
        ("echo -- {user}", {"user": "--delete"}, ["--", "--delete"]),
        ("echo --user={user}", {"user": "-x"}, ["--user=-x"]),
        ("echo -{pid}", {"pid": 7}, ["-7"]),
        ("echo {user}", {"user": "\udc80"}, ["\ufffd"]),
        ("sudo -- logger {user}", {"user": "-f/etc/shadow"}, ["--", "logger", "\ufffdf/etc/shadow"]),
        ("echo -- {event} {user}", {"event": "x", "user": "-y"}, ["--", "x", "-y"]),
        ("curl -d {user}", {"user": "@/etc/shadow"}, ["-d", "\ufffd/etc/shadow"]),
        ("curl -F user={user}", {"user": "@/etc/shadow"}, ["-F", "user=\ufffd/etc/shadow"]),
        ("curl -d{user} --data={user} x:{user}", {"user": "@f"}, ["-d\ufffdf", "--data=\ufffdf", "x:\ufffdf"]),
        ("printf -- {user}", {"user": "|id"}, ["--", "\ufffdid"]),
        ("printf x@{user} -{user} {event}{user}", {"user": "@f"}, ["x@@f", "-@f", "\ufffdf"]),
        ("printf x {user}", {"user": "|id"}, ["x", "\ufffdid"]),
        ("touch /run/{user}", {"user": "../etc/nologin"}, ["/run/..\ufffdetc\ufffdnologin"]),
        ("rm -- /run/{user}", {"user": ".."}, ["--", "/run/\ufffd"]),
        ("rm -r /run/{user}", {}, ["-r", "/run/\ufffd"]),
        ("echo {name}/x /run/x-{name}", {"name": "/bin/y"}, ["/bin/y/x", "/run/x-/bin/y"]),
        ("awk '{print $1}' {}", {}, ["{print $1}", "{}"]),
    ],
)
def test_words(text: str, values: dict[str, object], expected: list[str]) -> None:
    assert words(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a program"),
        ("'' x", "expected a program"),
        ("echo 'x", "No closing quotation; close the quotes"),
        ("no-such-program-anywhere {user}", "cannot run 'no-such-program-anywhere': no such program"),
        ("/etc/passwd", "no such program"),
        ("{name} x", "a value cannot be the program"),
        ("sh -c 'echo {user}'", 'use "$LOGONSCOPE_EVENT_USER" in it'),
    ],
)
def test_what_is_rejected(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        EventCommand(text, NAMES)
    assert message in f"{caught.value.message}; {caught.value.hint}"


def test_a_script_may_have_values_as_its_arguments() -> None:
    assert words("sh -c 'echo $1' sh {user}", user="a b") == ["-c", "echo $1", "sh", "a b"]
    assert words("python3 -I x.py --user={user} {pid}", user="a b", pid=7) == ["-I", "x.py", "--user=a b", "7"]
    assert words("env TZ=UTC echo {user}", user="x") == ["TZ=UTC", "echo", "x"]


def test_the_environment_has_the_values_beside_that_of_the_watch() -> None:
    environment = invocation("echo", event="LogonStarted", user="-x\n", pid=None).environment
    assert environment[b"LOGONSCOPE_EVENT"] == b"LogonStarted"
    assert environment[b"LOGONSCOPE_EVENT_USER"].decode() == "-x\ufffd"
    assert environment[b"LOGONSCOPE_EVENT_PID"] == b""
    assert environment[b"PATH"] == os.environb[b"PATH"]


def test_names_of_a_query_are_checked_against_its_events() -> None:
    command = EventCommand("echo {TargetInstance_Name} {x}", None)
    assert command.unknown_names({"TargetInstance_Name": "sh"}) == ["x"]
    assert command.invocation({"TargetInstance_Name": "sh"}).words == (b"echo", b"sh", b"")


@pytest.mark.parametrize(("value", "expected"), [(None, ""), (True, "true"), (0, "0"), ("é" * 4000, "é" * 2048)])
def test_value_text(value: object, expected: str) -> None:
    assert value_text(value) == expected


@given(st.text(), st.sampled_from(["{user}", "x{user}y", "--u={user}", "{user}{user}"]))
def test_every_value_is_passed_on_in_one_word(value: str, word: str) -> None:
    run = invocation(f"printenv {word}", user=value)
    assert len(run.words) == 2
    assert not any(0 in text for text in (*run.words, *run.environment.values()))
    assert word.startswith("-") or not run.words[1].startswith(b"-")
    assert len(run.words[1]) <= 2 * MAX_VALUE_BYTES + len(word)


def test_the_longest_values_can_be_run() -> None:
    run = invocation("true " + "{user}" * 20, user="x" * 100_000, name="y" * 100_000)
    subprocess.run([run.program, *run.words[1:]], env=run.environment, check=True)
