"""Login records as JSON: they come back as they were; and logon sessions whose end no event reports."""

from pathlib import Path

from logonscope.facts import Login, Process
from logonscope.journal.logon_rows import LogonRows, StoredLogons, decode_login, encode_login
from logonscope.machine import Look, Owner
from logonscope.machine.events import ProcessEnded, ProcessStarted
from logonscope.machine.history import LogonRecordQuery
from logonscope.ownership import LINUX
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM, owner_of
from tests.journal.test_recorder import head, make


def test_a_record_is_unchanged_by_writing_and_reading() -> None:
    leader = Process(41, ses=41, loginuid=1000, comm="sshd", ppid=1, tty_nr=0, start=500)
    login = Login(
        "41", 1000, leader=41, user="al", remote=True, remote_host="web\u00e9", process=leader, scope_ids=(41,)
    )
    assert decode_login(encode_login(login)) == login
    assert decode_login('{"id": "c1", "uid": 7, "of a newer version": 1}') == Login("c1", 7)


def test_the_record_of_a_login_of_root_keeps_its_uid() -> None:
    login = Login("c1", 0, leader=41, user="root", service="su-l")
    assert '"uid":0' in encode_login(login)
    assert decode_login(encode_login(login)) == login
    assert decode_login('{"id":"c1","user":"root"}') == Login("c1", 0, user="root")  # as earlier versions wrote it


def test_a_logon_session_has_one_row_until_it_ends() -> None:
    rows = LogonRows(StoredLogons(1, [], {}), 1, LINUX)
    first = rows.find_or_add(owner_of(3), 10, 500)
    assert rows.find_or_add(owner_of(3), 11, 600) == first
    assert rows.find_or_add(SYSTEM, 12, 600) != first
    assert rows.end(owner_of(3), 13, 700) == first
    assert rows.end(owner_of(3), 14, 700) is None
    assert rows.find_or_add(owner_of(3), 15, 800) != first
    assert rows.end_others({None}, 20, 900) == [2, 3]


def test_a_short_logon_session_that_no_event_reports_ends_with_its_last_process(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    # as of another machine, or of cron without a login service: no record describes it
    owner = Owner("77", "audit")
    short, long = make(50, 5000, ses=77), make(60, 5000, ses=78)
    kept.feed([
        ProcessStarted(head(5000), short, owner, None), ProcessStarted(head(5000), long, Owner("78", "audit"), None),
    ])  # fmt: skip
    kept.feed([ProcessEnded(head(6500), short, owner, 0)])

    def ended() -> dict[str, bool]:
        return {record.logon_id: record.end is not None for record in kept.history().logons(Look(), LogonRecordQuery())}

    assert ended() == {"77": False, "78": False}
    kept.clock.ms = 20_000
    kept.feed([ProcessEnded(head(20_000), make(61, 5000), SYSTEM, 0)])
    assert ended() == {"77": True, "78": False}
    (record,) = kept.history().logons(Look(), LogonRecordQuery(logon_ids=frozenset({"77"})))
    assert record.start is not None
    assert record.end == record.start + 1_500_000
    kept.keeper.stop()
