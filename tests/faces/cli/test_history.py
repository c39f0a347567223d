"""``logonscope history``: lines of logins, trees of processes, and what it refuses."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope import Host
from logonscope.broker import Caller
from logonscope.broker.records import NO_LOGIN
from logonscope.client import LocalHost
from logonscope.faces.cli.history import COLUMNS, duration_text
from logonscope.faces.cli.run import run
from logonscope.facts import FailedLogon
from logonscope.machine.events import LogonFailed
from logonscope.ownership import LINUX
from tests.broker.test_history import Present
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM

ROOT = Caller("root", 0, administrator=True)


@contextmanager
def host_with_history(folder: Path) -> Iterator[Host]:
    """Return a host whose history is a story in a real journal."""
    kept = Kept(folder / "history")
    kept.feed(kept.story.start_logons())
    kept.live(300)
    kept.feed(kept.story.reports())
    kept.move_all()
    source = Present({uid: f"user{uid}" for uid in range(1000, 1007)})
    source.history = kept.history()
    yield LocalHost(source, LINUX, ROOT, lambda *_: 0)
    kept.keeper.stop()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host_with_history(tmp_path_factory.mktemp("kept")) as made:
        yield made


def ask(host: Host, *words: str) -> int:
    return run(["history", *words], lambda *_, **__: host, lambda _: None)  # type: ignore[arg-type,return-value]  # no users


def test_logins_are_lines(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "user1003") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["ID", "USER", "FROM"]
    assert [line.split()[:3] for line in lines[1:]] == [["3", "user1003", "192.0.2.7"], ["10", "user1003", "192.0.2.7"]]
    assert ask(host, "--last", "--columns", "user") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["user1005"]


@pytest.mark.parametrize(("logon_id", "logon_type", "login", "word"), [
    ("17179869191", 10, "7", "17179869191"),  # logind's login 7, whose kernel id 7 belongs to another login
    ("4294967297", 10, "c1", "c1"),
    ("4294967295", 0, None, "system"),
])  # fmt: skip
def test_id_is_a_word_that_selects_the_login(logon_id: str, logon_type: int, login: str | None, word: str) -> None:
    past = NO_LOGIN._replace(logon_id=logon_id, logon_type=logon_type, login=login)
    assert COLUMNS[0].text_of(past) == word
    assert LINUX.parse_logon_id(word) == logon_id


def test_trees_of_several_logins_have_headings(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "3", "--processes") == 0
    third = capsys.readouterr().out.splitlines()
    assert ask(host, "10", "--processes") == 0
    tenth = capsys.readouterr().out.splitlines()
    assert ask(host, "user1003", "--processes") == 0
    lines = capsys.readouterr().out.splitlines()
    first, second = lines.index("logon session 3:"), lines.index("logon session 10:")
    parts = (lines[1:second], lines[second + 1 :]) if first == 0 else (lines[first + 1 :], lines[1:first])
    assert parts == (third, tenth)


def test_last_has_the_boots(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "--last") == 0
    # the boot began before all logins: it is the last line
    assert capsys.readouterr().out.splitlines()[-1].startswith("reboot    system boot  -")
    assert ask(host, "--last", "user1003") == 0
    assert "reboot" not in capsys.readouterr().out


def test_processes_are_trees(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "3", "--processes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(host.past_processes())) or lines
    assert all("(user1003)" in line or line.strip().startswith("= user1003 became root") for line in lines)


def test_failed_logons_follow_the_logins_with_failed_processes(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "--failed") == 0
    logins, _, attempts = capsys.readouterr().out.partition("Failed logons:\n")
    assert logins.split()[0] == "ID"
    assert [line.split()[2] for line in attempts.splitlines()] == ["FROM", "user1001", "hunter2"]
    assert ask(host, "--failed", "--logons-only", "-o", "jsonl", "hunter2") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["remote_address"] == "198.51.100.9"
    assert ask(host, "--logons-only") == 2
    assert "--logons-only without --failed: in `history`, it limits" in capsys.readouterr().err


def test_a_change_of_user_is_below_its_process(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "user1003", "--processes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.strip() == "= user1003 became root through sudo: /usr/bin/id 1003" for line in lines)


def test_verify_and_what_is_refused(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(host, "verify") == 0
    assert capsys.readouterr().out.startswith("intact: ")
    assert ask(host, "nobody-here") == 1
    assert ask(host, "forget") == 2
    assert "needs the name of a user" in capsys.readouterr().err


def test_forget_names_what_it_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(100)
    for user in ("eve", "eve", "mallory"):
        attempt = FailedLogon("sshd", 1, user, is_known_user=True, attempts=3)
        kept.feed([LogonFailed(kept.story.head(kept.story.ms), attempt, SYSTEM)])
    kept.feed([kept.story.end_logon(3)])
    kept.keeper.stop()
    source = Present({})
    source.history = kept.history()
    host = LocalHost(source, LINUX, ROOT, lambda *_: 0)
    assert ask(host, "forget", "eve") == 0
    assert capsys.readouterr().out == "deleted of eve: 2 failed logins\n"
    assert ask(host, "forget", "eve") == 1
    assert capsys.readouterr().out == "deleted of eve: nothing\n"
    assert ask(host, "forget", "mallory", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["failed_logons"] == 1
    assert ask(host, "forget", "mallory", "-o", "json") == 1
    assert ask(host, "forget", "user1003") == 0
    assert re.match("deleted of user1003: 1 login, [0-9]+ process", capsys.readouterr().out.splitlines()[-2])


@pytest.mark.parametrize(("words", "message"), [
    (["nobody-here"], "no login of 'nobody-here' in the history"),
    (["nobody-here", "--processes"], "no process of 'nobody-here' in the history"),
    (["--failed", "--until", "2001-01-01"], "no login with a failed process that matches in the history"),
    (["nobody-here", "--failed", "--processes"], "no failed process of 'nobody-here' in the history"),
])  # fmt: skip
def test_what_is_not_there_is_named(
    host: Host, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert ask(host, *words) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "text"), [
    (0.02, "20ms"), (1.5, "1.5s"), (200, "3:20"), (7800, "2:10:00"), (273_600, "3d4h"),
])  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
