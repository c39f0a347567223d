"""tests/peers/sysmon.py: LogonId and TerminalSessionId, on sample hosts."""

from tests.peers.samples import DETACHED, FOREGROUND, LOGGED_IN, SEEN, SHELL, SUDO, WINDOW, WINDOW_SERVER
from tests.peers.sysmon import logon_id, terminal_session_id


def test_a_logon_id_is_the_uid_and_the_terminal() -> None:
    pids = (SHELL, FOREGROUND, SUDO, DETACHED, WINDOW)
    expected = [2**32 + 1000, 2**32 + 1000, 2**32 + 1001, 1000, 2 * 2**32 + 1000]
    assert [logon_id(LOGGED_IN[pid]) for pid in pids] == expected


def test_a_terminal_session_id_is_the_kernel_id() -> None:
    pids = (SHELL, FOREGROUND, SUDO, DETACHED, WINDOW, WINDOW_SERVER)
    assert [terminal_session_id(LOGGED_IN[pid]) for pid in pids] == [41] * 6
    assert terminal_session_id(LOGGED_IN[10]) is None


def test_a_process_that_has_executed_nothing_has_no_event() -> None:
    assert (logon_id(SEEN[WINDOW_SERVER]), terminal_session_id(SEEN[WINDOW_SERVER])) == (None, None)
    assert (logon_id(None), terminal_session_id(None)) == (None, None)
