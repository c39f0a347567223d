"""Tests of formats/record.py: what is not known is left out."""

from datetime import UTC, datetime

from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.logon_session import LogonSession
from logonscope.facts import UNSET
from logonscope.formats.record import Record, is_interactive, utc_text, without_unknown
from tests.formats.records import records


def test_what_is_not_known_is_left_out() -> None:
    assert without_unknown({"a": None, "b": {"c": None}, "d": 0, "e": False, "f": "", "g": {"h": {"i": None}}}) == {
        "d": 0, "e": False, "f": "",
    }  # fmt: skip


def test_the_kernel_id_is_the_logon_id_where_a_login_has_one() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    kernel_ids = {
        logon_id: Record(HostIdentity("h"), moment, LogonSession(logon_id)).kernel_id
        for logon_id in ("41", str(UNSET), str((1 << 32) + 1), str((1 << 33) + 1000))
    }
    assert list(kernel_ids.values()) == [41, None, None, None]
    assert Record(HostIdentity("h"), moment, None).kernel_id is None
    assert utc_text(moment) == "2026-01-01T00:00:00.000000Z"


def test_whether_a_process_has_a_terminal_is_unknown_without_its_state() -> None:
    process = next(record.process for record in records() if record.process is not None and record.process.tty)
    assert is_interactive(process)
    assert is_interactive(process._replace(tty=None)) is False
    assert is_interactive(process._replace(tty=None, state=None)) is None
