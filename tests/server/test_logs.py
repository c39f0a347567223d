"""Tests of server/logs.py: an event is one line of the log, whatever text clients send."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from logonscope.server.configuration import Settings
from logonscope.server.logs import configure_log


@pytest.fixture
def own_log() -> Iterator[None]:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    levels = [(logger, logger.level) for logger in map(logging.getLogger, ("root", "uvicorn", "logonscope.audit"))]
    yield
    root.handlers[:] = before
    for logger, level in levels:
        logger.setLevel(level)


@pytest.mark.usefixtures("own_log")
def test_what_clients_send_cannot_break_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(Settings())
    logging.getLogger("a").warning("user %s", "x\n2026 INFO all is well\x1b[2J\u2028\x9b")
    logging.getLogger("a").debug("not asked for")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r" WARNING user x\x0a2026 INFO all is well\x1b[2J\x2028\x9b")


@pytest.mark.usefixtures("own_log")
def test_the_text_of_an_exception_cannot_forge_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(Settings())
    forged = "a\nFORGED line\r2026 INFO all is well\x1b[2J\u2028\x9b\x0b\x85end"
    error = ValueError(forged)
    error.add_note(forged)
    logging.getLogger("a").error("no %s", "answer\nFORGED", exc_info=error)
    logging.getLogger("a").warning("with a stack", stack_info=True)
    written = capsys.readouterr().err
    first, *others = written.splitlines()
    assert first.endswith(r" ERROR no answer\x0aFORGED")
    events = [line for line in others if not line.startswith("    ")]
    assert [line.partition(" WARNING ")[2] for line in events] == ["with a stack"]
    assert r"    FORGED line\x0d2026 INFO all is well\x1b[2J\x2028\x9b\x0b\x85end" in others
    assert written.endswith("\n")


@pytest.mark.usefixtures("own_log")
def test_what_is_audited_is_written_whatever_else_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(Settings(log_level="error"))
    logging.getLogger("logonscope.audit").info("alice came in")
    logging.getLogger("logonscope.server").warning("not asked for")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" INFO alice came in")


@pytest.mark.usefixtures("own_log")
def test_a_log_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(Settings(log_format="json", log_level="debug"))
    logging.getLogger("a.b").debug("user %s", "x\ny")
    logging.getLogger("a.b").error("no", exc_info=ZeroDivisionError("0"))
    logging.getLogger("logonscope.audit").info("%s", '{"user": "alice"}')
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert (third["logger"], third["audit"]) == ("logonscope.audit", {"user": "alice"})
    assert {key: first[key] for key in ("level", "logger", "message")} == {
        "level": "debug", "logger": "a.b", "message": "user x\ny",
    }  # fmt: skip
    assert "ZeroDivisionError" in second["exception"]
