"""Datadog's rule: the SSH session of a process.

Sources: https://github.com/DataDog/datadog-agent, pull requests 41481 ("SSH sessions are inferred from the process
tree") and 45506; HandleSSHUserSession() in pkg/security/resolvers/usersessions/resolver_linux.go; setSSHUserSession()
in pkg/security/secl/model/process_cache_entry_unix.go.

Two things are decided in the peer's favour. The agent draws a random number for each session, another at each start;
here the pid of the session's first process stands for it. And an agent that reads /proc at its start gives the session
to the child of sshd alone; here its descendants inherit it, as they do when the agent sees them start.
"""

from collections.abc import Mapping

from tests.peers.facts import Process


def ssh_session(pid: int, processes: Mapping[int, Process]) -> int | None:
    """Return the first process of the SSH session that a process is in, or None outside of any."""
    process = processes.get(pid)
    if process is None:
        return None
    parent = processes.get(process.ppid)
    if parent is None:
        return None
    if parent.name.startswith("sshd") and not process.name.startswith("sshd"):
        return pid
    return ssh_session(parent.pid, processes)
