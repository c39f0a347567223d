"""ownership/sessions.py: what is this logon session, and where does each value come from?"""

from datetime import UTC, datetime

from logonscope.facts import UNSET, Login, Owner, Process
from logonscope.ownership import SYSTEM, earliest, login_uid, logon_session, started_at
from logonscope.ownership.sessions import APPROXIMATE_START
from tests.example import ACCOUNTS, BTIME, BY_PID, LOGINS, MACHINE, PROCESSES, since

ALICE = Owner("41", "audit", LOGINS[1])
MEMBERS = [process for process in PROCESSES if process.ses == 41]


def at(minute: float) -> datetime:
    return datetime.fromtimestamp(BTIME + minute * 60, UTC)


def test_a_vouched_login_takes_the_service_s_word_and_names_it() -> None:
    session = logon_session(ALICE, MEMBERS, MACHINE, ACCOUNTS)
    assert (session.user, session.uid, session.logon_type, session.state) == ("alice", 1000, 10, "active")
    assert (session.start, session.leader, session.tty) == (at(602), 4100, "pts/0")
    assert (session.vouched_by, session.login, session.scope) == ("logind", "41", "session-41.scope")
    assert (session.processes, session.leftovers) == (5, 0)
    assert session.sources["uid"] == "/proc/PID/loginuid"
    assert session.sources["start"] == session.sources["remote_host"] == "/run/systemd/sessions/41"
    assert session.sources["tty"] == "/proc/PID/stat, tty_nr"
    assert "seat" not in session.sources


def test_a_login_that_nobody_vouches_for_has_an_approximate_start_and_says_so() -> None:
    members = [BY_PID[6001], BY_PID[6000]]
    session = logon_session(Owner("63", "audit"), members, MACHINE, ACCOUNTS)
    assert (session.start, session.sources["start"]) == (at(660), APPROXIMATE_START)
    assert (session.user, session.logon_type, session.vouched_by) == ("root", 4, None)
    assert (session.state, session.leftovers, session.leader) == (None, None, None)


def test_the_system_session_began_with_the_machine() -> None:
    session = logon_session(SYSTEM, [BY_PID[1], BY_PID[2]], MACHINE, ACCOUNTS)
    assert (session.logon_id, session.start, session.uid, session.logon_type) == ("4294967295", at(0), None, 0)


def test_of_some_processes_nothing_is_counted() -> None:
    session = logon_session(ALICE, MEMBERS[:1], MACHINE, ACCOUNTS, whole=False)
    assert (session.processes, session.leftovers) == (None, None)


def test_elogind_is_told_from_logind_by_its_lack_of_scopes() -> None:
    login = Login("3", 1000, cls="user", since=since(1), source="/run/systemd/sessions/3")
    assert logon_session(Owner("3", "audit", login), MEMBERS, MACHINE, ACCOUNTS).vouched_by == "elogind"


def test_the_kernel_s_login_uid_goes_before_the_service_s() -> None:
    moved = Login("41", 1234)
    assert login_uid(Owner("41", "audit", moved), MEMBERS) == 1000
    assert login_uid(Owner("41", "audit", moved), [Process(1, ses=41, loginuid=UNSET)]) == 1234
    assert login_uid(Owner(str(2**32 + 1), "scope", moved), MEMBERS) == 1234
    assert login_uid(Owner(str(2**33 + 77), "manager"), []) == 77
    assert login_uid(SYSTEM, [BY_PID[1]]) is None


def test_the_earliest_is_the_first_whose_parent_is_not_among_them() -> None:
    parent = Process(5, ppid=1, start=100)
    child = Process(6, ppid=5, start=50)  # its start is of the time before it was reparented
    assert earliest([child, parent]) == parent
    assert earliest([Process(7)]) is None
    assert earliest([]) is None


def test_a_process_that_was_not_read_has_no_start() -> None:
    assert started_at(Process(1), MACHINE) is None
    assert started_at(Process(1, start=150), MACHINE) == datetime.fromtimestamp(BTIME + 1.5, UTC)
