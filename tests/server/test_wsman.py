"""server/wsman.py: does each request get what the standards and the clients expect? Conversations, as they are held."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logonscope.broker import Caller
from logonscope.broker.deadline import Deadline
from logonscope.machine import Needs, Snapshot, Source
from logonscope.server.audit import Audit
from logonscope.server.contexts import Contexts
from logonscope.server.wsman import Service, answer
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT
from tests.server.soap import request, shown, turns

FOLDER = Path(__file__).parent / "conversations"


def service(**allowed: object) -> Service:
    """Return what answers for the example host."""
    return Service(Memory(SNAPSHOT).broker(ROOT).source, Contexts(10, 5, 60.0))._replace(**allowed)  # type: ignore[arg-type]  # by name


def said(talk: Service, lines: tuple[str, ...], contexts: list[str], caller: Caller = ROOT) -> tuple[str, ...]:
    """Say something, and return the lines of the answer."""
    made = answer(talk, caller, request(lines, contexts), Deadline())
    return tuple(shown(made.status, made.data, contexts))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    talk, contexts = service(allow_methods=path.stem == "invoke"), list[str]()
    for turn in turns(path.read_text(encoding="utf-8")):
        assert said(talk, turn.request, contexts) == turn.answer


def test_what_nobody_thought_of_is_one_fault_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Needs) -> Snapshot:
        raise ZeroDivisionError("a secret")

    told = said(service()._replace(source=Source("broken", broken)), ("Get Win32_LogonSession LogonId=41",), [])
    assert told == (
        "500 wsman/fault",
        "s:Receiver w:InternalError 0x80338003: the request could not be answered; see the server's log",
    )
    assert "ZeroDivisionError: a secret" in caplog.text


def test_a_method_that_is_refused_is_written_down_as_well() -> None:
    lines: list[str] = []
    audit = Audit(lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for allow in (False, True):
        talk = service(allow_methods=allow, audit=audit)
        for asked in ("Terminate Win32_Process Handle=4312", "Delete Win32_Process Handle=4312"):
            said(talk, (asked,), [], Caller("bob", 1001, administrator=False, remote=True))
    told = [json.loads(line) for line in lines]
    assert {(entry["user"], entry["method"], entry["path"]) for entry in told} == {
        ("bob", "Win32_Process.Terminate", 'Win32_Process.Handle="4312"')
    }
    assert [entry["outcome"] for entry in told] == ["WBEM_E_ACCESS_DENIED"] * 2 + ["2"] * 2
