"""The rules of Sysmon for Linux: LogonId and TerminalSessionId of a process.

Sources: GetProcess() and GetProcessInfo() in linuxHelpers.cpp, set_ProcCreate_info() in ebpfKern/sysmonProcCreate.c of
https://github.com/microsoft/SysmonForLinux.

LogonId has the current uid in its lower half and the terminal's number in its upper half. TerminalSessionId is the
kernel id as it is, joined with no login, no user and no time. Both belong to the event of a program's execution.
Processes that ran before the service was started have no such event, but the service reads both of them from /proc;
here they count, in the peer's favour.
"""

from tests.peers.facts import UNSET, Process


def logon_id(process: Process | None) -> int | None:
    """Return the LogonId of a process, or None without an event."""
    if process is None or not process.has_executed:
        return None
    return process.uid + ((process.tty & 0xFF) << 32)


def terminal_session_id(process: Process | None) -> int | None:
    """Return the TerminalSessionId of a process, or None without an event or a kernel id."""
    if process is None or not process.has_executed or process.kernel_id == UNSET:
        return None
    return process.kernel_id
