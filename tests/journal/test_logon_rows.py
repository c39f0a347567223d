"""Login records as JSON: they come back as they were."""

from logonscope.facts import Login, Process
from logonscope.journal.logon_rows import LogonRows, StoredLogons, decode_login, encode_login
from logonscope.ownership import LINUX
from tests.journal.story import SYSTEM, owner_of


def test_a_record_is_unchanged_by_writing_and_reading() -> None:
    leader = Process(41, ses=41, loginuid=1000, comm="sshd", ppid=1, tty_nr=0, start=500)
    login = Login(
        "41", 1000, leader=41, user="al", remote=True, remote_host="web\u00e9", process=leader, scope_ids=(41,)
    )
    assert decode_login(encode_login(login)) == login
    assert decode_login('{"id": "c1", "uid": 7, "of a newer version": 1}') == Login("c1", 7)


def test_a_logon_session_has_one_row_until_it_ends() -> None:
    rows = LogonRows(StoredLogons(1, [], {}), 1, LINUX)
    first = rows.find_or_add(owner_of(3), 10, 500)
    assert rows.find_or_add(owner_of(3), 11, 600) == first
    assert rows.find_or_add(SYSTEM, 12, 600) != first
    assert rows.end(owner_of(3), 13, 700) == first
    assert rows.end(owner_of(3), 14, 700) is None
    assert rows.find_or_add(owner_of(3), 15, 800) != first
    assert rows.end_others({None}, 20, 900) == [2, 3]
