"""Two moments of one host, as facts: a login with its processes, and the orphans after its logout."""

from tests.peers.facts import UNSET, Process

PTS_1 = 136 << 8 | 1
PTS_2 = 136 << 8 | 2
SHELL, FOREGROUND, DETACHED, SUDO, WINDOW_SERVER, WINDOW = 30, 31, 32, 34, 35, 36


def host(*more: Process) -> dict[int, Process]:
    """Return a host with one sshd, one connection of it, and more processes."""
    processes = (
        Process(1, 0, 1, 0, "systemd", "/usr/lib/systemd/systemd", 0, UNSET),
        Process(2, 0, 0, 0, "kthreadd", "", 0, UNSET),
        Process(9, 2, 0, 0, "kworker/0:1", "", 0, UNSET),
        Process(10, 1, 10, 0, "sshd", "/usr/sbin/sshd", 0, UNSET),
        Process(20, 10, 10, 0, "sshd", "/usr/sbin/sshd", 0, 41),
        Process(21, 20, 10, 0, "sshd", "/usr/sbin/sshd", 1000, 41),
        *more,
    )
    return {process.pid: process for process in processes}


SHELL_PROCESS = Process(SHELL, 21, SHELL, PTS_1, "bash", "/usr/bin/bash", 1000, 41)
LOGGED_IN = host(
    SHELL_PROCESS,
    Process(FOREGROUND, SHELL, SHELL, PTS_1, "sleep", "/usr/bin/sleep", 1000, 41),
    Process(DETACHED, 1, DETACHED, 0, "sleep", "/usr/bin/sleep", 1000, 41),
    Process(33, SHELL, SHELL, PTS_1, "sudo", "/usr/bin/sudo", 0, 41),
    Process(SUDO, 33, SHELL, PTS_1, "sleep", "/usr/bin/sleep", 1001, 41),
    Process(WINDOW_SERVER, 1, WINDOW_SERVER, 0, "tmux: server", "/usr/bin/tmux", 1000, 41),
    Process(WINDOW, WINDOW_SERVER, WINDOW, PTS_2, "sleep", "/usr/bin/sleep", 1000, 41),
)
"""Read after everything was started."""

SEEN = {
    **LOGGED_IN,
    # setsid forked it, and tmux's client forked the server
    DETACHED: LOGGED_IN[DETACHED]._replace(ppid=40),
    40: Process(40, SHELL, SHELL, PTS_1, "setsid", "/usr/bin/setsid", 1000, 41),
    WINDOW_SERVER: LOGGED_IN[WINDOW_SERVER]._replace(ppid=41, has_executed=False),
    41: Process(41, SHELL, SHELL, PTS_1, "tmux: client", "/usr/bin/tmux", 1000, 41),
}
"""The same, as the history of an agent that has seen every process start."""

LOGGED_OUT = host(LOGGED_IN[SUDO]._replace(ppid=1, tty=0), LOGGED_IN[DETACHED])
"""Read after the connection has ended."""
