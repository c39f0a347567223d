"""faces/cli/event_command.py: hostile values reach a command as parts of words, and nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.event_command import MAX_VALUE_BYTES, EventCommand, Invocation, value_text
from tests.lab.fixtures import skip_or_fail

NAMES = ("event", "user", "pid", "name")


def invocation(text: str, **values: object) -> Invocation:
    return EventCommand(text, NAMES).invocation({**dict.fromkeys(NAMES), **values})


def words(text: str, **values: object) -> list[str]:
    return [word.decode() for word in invocation(text, **values).words[1:]]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("echo {user}", {"user": "alice"}, ["alice"]),
        ("echo {user}", {"user": "J\u00fcrgen.O_1@example.com"}, ["J\u00fcrgen.O_1@example.com"]),
        ("echo 'a b' {user}:{pid}", {"user": "x y", "pid": 7}, ["a b", "x\u00a0y:7"]),
        ("echo {user}", {"user": "$(id);`id`'\"*\\"}, ["\ufffd\ufffdid\ufffd\ufffd\ufffdid" + "\ufffd" * 5]),
        ("echo {user}", {"user": "{pid}", "pid": 7}, ["\ufffdpid\ufffd"]),
        ("echo {user} x", {}, ["", "x"]),
        ("echo {user}", {"user": "a\nb\x00c\x1b[31m"}, ["a\ufffdb\ufffdc\ufffd\ufffd31m"]),
        ("echo {user}", {"user": "--delete"}, ["\ufffd-delete"]),
        ("echo {user}{pid}", {"pid": -7}, ["\ufffd7"]),
        ("echo {user}-{name}", {"name": "rf"}, ["\ufffdrf"]),
        ("echo -- {user}", {"user": "--delete"}, ["--", "\ufffd-delete"]),
        ("echo --user={user}", {"user": "-x"}, ["--user=\ufffdx"]),
        ("echo -{pid}", {"pid": 7}, ["-7"]),
        ("echo {user}", {"user": "\udc80"}, ["\ufffd"]),
        ("printf -F user={user}", {"user": "@/etc/shadow"}, ["-F", "user=\ufffd/etc/shadow"]),
        ("touch /run/{user}", {"user": "../etc/nologin"}, ["/run/..\ufffdetc\ufffdnologin"]),
        ("rm -- /run/{user}", {"user": ".."}, ["--", "/run/\ufffd"]),
        ("rm -r /run/{user}", {}, ["-r", "/run/\ufffd"]),
        ("echo {name}/x", {"name": "/bin/y"}, ["/bin/y/x"]),
        ("touch /run/x-{name}", {"name": "/../y"}, ["/run/x-\ufffd..\ufffdy"]),
        ("touch /run/{user}{name}", {"user": "a", "name": "/../y"}, ["/run/a\ufffd..\ufffdy"]),
        ("touch /run/.{user}", {"user": "."}, ["/run/.\ufffd"]),
        ("touch /run/.{user}", {"user": "x"}, ["/run/.x"]),
        ("sh -c '/bin/echo {name}'", {"name": "/bin/y"}, ["-c", "/bin/echo /bin/y"]),
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
        ("./{name}", "a value cannot be the program"),
        ("echo {usr}", "unknown value '{usr}'; the values are event, user, pid, name"),
    ],
)
def test_what_is_rejected(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        EventCommand(text, NAMES)
    assert message in f"{caught.value.message}; {caught.value.hint}"


SCRIPTS = (
    "sh -c 'echo {user}'", "sh -c 'echo \"{user}\"'", "sh -c \"echo '{user}'\"", "bash -c 'x={user}; eval echo $x'",
    "bash -c 'echo $(({user}))'", "bash -c '[[ {user} -eq 1 ]]'", "perl -e 'print \"{user}\"'",
    "perl -ne print {user}", "python3 -c 'print(\"{user}\")'", "awk 'BEGIN { print \"{user}\" }'",
    "env -S 'echo {user}'", "sed 's/x/{user}/' /etc/hostname", "xargs -a /dev/null sh -c 'echo {user}'",
    "find /etc/hostname -name {user}", "make -f /dev/null -C {folder} X={user}",
)  # fmt: skip


ATTACKS = (
    "$(touch MARK)", "`touch MARK`", ";touch MARK;", "|touch MARK|", "\ntouch MARK\n", "'; touch MARK; '",
    "&touch MARK&", '"; touch MARK; "', "a[$(touch MARK)]", "touch MARK|", "@{[`touch MARK`]}", "-e touch",
    '"; system("touch MARK"); "', '");__import__("os").system("touch MARK");("', "-exec touch MARK ;",
    "x/e;s/.*/touch MARK/e;", "$(shell touch MARK)", ".shell touch MARK", "${IFS}$(touch${IFS}MARK)",
    "'); .shell touch MARK\n('",
)  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_value_is_run_in_a_script(script: str, tmp_path: Path) -> None:
    """The programs that are installed are the judges: each runs each attack, and nothing that it names happens."""
    command = script.replace("{folder}", str(tmp_path))
    if shutil.which(command.split()[0]) is None:
        skip_or_fail(f"{command.split()[0]} is not installed")
    for attack in ATTACKS:
        run = invocation(command, user=attack.replace("MARK", str(tmp_path / "mark")))
        subprocess.run(
            run.words, executable=run.program, env=run.environment, cwd=tmp_path, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert list(tmp_path.iterdir()) == [], attack


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
