"""Elastic's rule: the entry leader of a process.

Sources: process.entry_leader and entry_meta.type in https://www.elastic.co/guide/en/ecs/current/ecs-process.html;
entry_leader_compute() and entry_leaders_build() in https://github.com/elastic/quark/blob/main/quark.c.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from tests.peers.facts import Process

INIT, KERNEL_THREADS = 1, 2
SERIAL, CONSOLE, PSEUDO_TERMINAL = "serial line", "console", "pseudo-terminal"
CONTAINER_RUNTIMES = ("containerd-shim", "runc", "conmon")
NEVER_LEADERS = (*CONTAINER_RUNTIMES, "calico-node", "check-status", "pause")


class Entry(NamedTuple):
    """How a process came onto the machine, and the process that it began with."""

    kind: str
    leader: int


def entry_leader(pid: int, processes: Mapping[int, Process]) -> Entry | None:
    """Return the entry of a process, or None where the rule has no answer."""
    process = processes.get(pid)
    if process is None:
        return None
    if pid == INIT:
        return Entry("init", INIT)
    is_session_leader = process.sid == pid
    if KERNEL_THREADS in (pid, process.ppid):
        return Entry("kthread", pid if is_session_leader else KERNEL_THREADS)
    terminal, program = terminal_kind(process.tty), os.path.basename(process.executable)
    if is_session_leader and (terminal == SERIAL or (terminal == CONSOLE and program == "login")):
        return Entry("terminal", pid)
    inherited = entry_leader(process.ppid, processes)
    if inherited is None or not is_session_leader or program.startswith(NEVER_LEADERS):
        return inherited
    parent_program = os.path.basename(processes[process.ppid].executable)
    if terminal == PSEUDO_TERMINAL and parent_program == "ssm-session-worker":
        return Entry("ssm", pid)
    # since OpenSSH 9.8 the parent is sshd-session: taken for sshd here, in the peer's favour
    if parent_program in ("sshd", "sshd-session") and program not in ("sshd", "sshd-session"):
        return Entry("sshd", pid)
    return Entry("container", pid) if parent_program.startswith(CONTAINER_RUNTIMES) else inherited


def terminal_kind(tty: int) -> str | None:
    """Return which sort of terminal a device number is; see https://docs.kernel.org/admin-guide/devices.html."""
    major, minor = tty >> 8 & 0xFFF, tty & 0xFF
    if 136 <= major <= 143:
        return PSEUDO_TERMINAL
    if major == 4:
        return CONSOLE if minor <= 63 else SERIAL
    return None
