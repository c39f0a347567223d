"""tests/peers/elastic.py: the entry leader, on sample hosts."""

import pytest

from tests.peers.elastic import CONSOLE, PSEUDO_TERMINAL, SERIAL, Entry, entry_leader, terminal_kind
from tests.peers.facts import Process
from tests.peers.samples import (
    DETACHED,
    FOREGROUND,
    LOGGED_IN,
    LOGGED_OUT,
    PTS_1,
    SEEN,
    SHELL,
    SHELL_PROCESS,
    SUDO,
    WINDOW,
    WINDOW_SERVER,
    host,
)

LOGIN, INIT = Entry("sshd", SHELL), Entry("init", 1)


def test_a_child_of_sshd_leads_what_it_starts() -> None:
    assert [entry_leader(pid, LOGGED_IN) for pid in (SHELL, FOREGROUND, SUDO)] == [LOGIN] * 3


def test_orphans_belong_to_init() -> None:
    assert [entry_leader(pid, LOGGED_IN) for pid in (DETACHED, WINDOW_SERVER, WINDOW)] == [INIT] * 3
    assert [entry_leader(pid, LOGGED_OUT) for pid in (SUDO, DETACHED)] == [INIT] * 2


def test_who_has_seen_the_parent_keeps_the_entry() -> None:
    assert [entry_leader(pid, SEEN) for pid in (DETACHED, WINDOW_SERVER, WINDOW)] == [LOGIN] * 3


def test_sshd_itself_is_a_service() -> None:
    assert [entry_leader(pid, LOGGED_IN) for pid in (1, 10, 20, 21)] == [INIT] * 4


def test_kernel_threads_stand_apart() -> None:
    assert [entry_leader(pid, LOGGED_IN) for pid in (2, 9)] == [Entry("kthread", 2)] * 2


def test_a_process_without_a_known_parent_has_no_entry() -> None:
    assert entry_leader(99, LOGGED_IN) is None
    assert entry_leader(SHELL, {SHELL: SHELL_PROCESS}) is None


@pytest.mark.parametrize(
    ("tty", "program", "parent", "expected"),
    [
        (4 << 8 | 64, "agetty", "systemd", Entry("terminal", 50)),
        (4 << 8 | 1, "login", "systemd", Entry("terminal", 50)),
        (4 << 8 | 1, "bash", "systemd", INIT),
        (PTS_1, "sh", "ssm-session-worker", Entry("ssm", 50)),
        (0, "nginx", "containerd-shim-runc-v2", Entry("container", 50)),
        (0, "pause", "containerd-shim-runc-v2", INIT),
        (PTS_1, "bash", "sshd-session", Entry("sshd", 50)),
    ],
)
def test_other_entries(tty: int, program: str, parent: str, expected: Entry) -> None:
    processes = host(
        Process(49, 1, 10, 0, parent, f"/usr/bin/{parent}", 0, 41),
        Process(50, 49, 50, tty, program, f"/usr/bin/{program}", 0, 41),
    )
    assert entry_leader(50, processes) == expected


def test_terminals_are_identified_by_their_device_numbers() -> None:
    kinds = [terminal_kind(tty) for tty in (0, 4 << 8 | 1, 4 << 8 | 64, PTS_1, 5 << 8)]
    assert kinds == [None, CONSOLE, SERIAL, PSEUDO_TERMINAL, None]
