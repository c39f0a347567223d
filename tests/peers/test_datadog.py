"""tests/peers/datadog.py: the SSH session, on sample hosts."""

from tests.peers.datadog import ssh_session
from tests.peers.samples import (
    DETACHED,
    FOREGROUND,
    LOGGED_IN,
    LOGGED_OUT,
    SEEN,
    SHELL,
    SHELL_PROCESS,
    SUDO,
    WINDOW,
    WINDOW_SERVER,
)


def test_a_child_of_sshd_begins_a_session_that_its_descendants_inherit() -> None:
    assert [ssh_session(pid, LOGGED_IN) for pid in (SHELL, FOREGROUND, SUDO)] == [SHELL] * 3


def test_orphans_are_in_no_session() -> None:
    assert [ssh_session(pid, LOGGED_IN) for pid in (DETACHED, WINDOW_SERVER, WINDOW)] == [None] * 3
    assert [ssh_session(pid, LOGGED_OUT) for pid in (SUDO, DETACHED)] == [None] * 2


def test_who_has_seen_the_parent_keeps_the_session() -> None:
    assert [ssh_session(pid, SEEN) for pid in (DETACHED, WINDOW_SERVER, WINDOW)] == [SHELL] * 3


def test_sshd_itself_is_in_no_session() -> None:
    assert [ssh_session(pid, LOGGED_IN) for pid in (1, 10, 20, 21, 99)] == [None] * 5


def test_since_openssh_9_8_the_parent_is_another_program() -> None:
    parent = LOGGED_IN[21]._replace(name="sshd-session")
    assert ssh_session(SHELL, {21: parent, SHELL: SHELL_PROCESS}) == SHELL
