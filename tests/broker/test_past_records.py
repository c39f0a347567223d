"""broker/past_records.py: what is shown of a record depends on who asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.broker.past_records import PastRecords
from logonscope.machine.history import ChangeRecordQuery, LogonRecordQuery, ProcessRecordQuery
from tests.broker.past import BOB, keep, request
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path, 80)
    yield story
    story.keeper.stop()


def test_a_user_gets_the_records_of_its_own_logon_sessions(kept: Kept) -> None:
    asked = request(kept, BOB)
    assert asked.source.history is not None
    records = PastRecords(asked, asked.source.history)
    assert {record.user for record in records.logons(LogonRecordQuery())} == {"user1001"}
    assert list(records.logons(LogonRecordQuery(users=frozenset({"user1002"})))) == []
    owned = list(records.processes(ProcessRecordQuery()))
    assert {logon.user for _, logon in owned if logon} == {"user1001"}
    everything = asked.source.history.processes(asked.look, ProcessRecordQuery())
    hidden = next(record for record in everything if record.id not in {record.id for record, _ in owned})
    assert list(records.processes(ProcessRecordQuery(ids=frozenset({hidden.id})))) == []
    assert all(logon is not None for _, logon in records.changes(ChangeRecordQuery()))
