"""Terminals of logins, taken from the processes of the logins.

A login service often does not know the terminal when a login begins: sshd opens it later.
"""

from collections.abc import Callable

from logonscope.facts import Machine, Process
from logonscope.journal.logon_rows import LogonRows
from logonscope.journal.rows import ID, PARENT, Row
from logonscope.machine.kernel_numbers import terminal_name


class LoginTerminals:
    """Finds the terminals of the logins whose terminal is not known yet."""

    def __init__(
        self, logons: LogonRows, machine: Machine, alive: dict[int, Row], program_of: Callable[[Row], int | None]
    ) -> None:
        """Create it.

        Args:
            logons: the logon sessions.
            machine: the facts of the machine.
            alive: the rows of the running processes, by pid.
            program_of: returns the number of the program that a running process executes.
        """
        self._logons, self._machine, self._alive, self._program_of = logons, machine, alive, program_of

    def __repr__(self) -> str:
        return "<LoginTerminals>"

    def note(self, process: Process, row: Row, place: int, tty_nr: int | None) -> None:
        """Store the terminal of a process as the terminal of its login, if the process is close to the leader."""
        # most processes have no terminal, or belong to a login whose terminal is known
        if not tty_nr:
            return
        leader_pid = self._logons.leader_without_terminal(place)
        leader = None if leader_pid is None else self._alive.get(leader_pid)
        terminal = terminal_name(tty_nr)
        if leader is not None and terminal is not None and self._is_close_to_leader(leader, process, row):
            self._logons.note_terminal(place, terminal, self._machine)

    def _is_close_to_leader(self, leader: Row, process: Process, row: Row) -> bool:
        """Return whether a process is the leader, a child of it, or a child of a worker that the leader forked."""
        if leader[ID] in {row[ID], row[PARENT]}:
            return True
        # sshd forks a worker, which executes no other program; the worker starts the shell. Terminals that tmux, script
        # and sudo create are not the terminal of the login: their processes are below other programs
        parent = self._alive.get(process.ppid or 0)
        return (
            parent is not None
            and (parent[ID], parent[PARENT]) == (row[PARENT], leader[ID])
            and self._program_of(parent) == self._program_of(leader)
        )
