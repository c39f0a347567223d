"""What can a host be asked? The same on this machine, from a recording, and from another machine."""

from collections.abc import Iterator
from typing import Protocol

from logonscope.facts import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Whose


class Host(Protocol):
    """A machine that answers. Every answer is limited to what the caller may see there."""

    @property
    def everything(self) -> bool:
        """Tell whether the caller sees every logon session of this host."""
        ...

    def sessions(self, which: int | str | None = None) -> list[LogonSession]:
        """Return the logon sessions, the System session first, then by start.

        Args:
            which: only one, by its LogonId (41) or its login's own id ("c1"); or a user's, by the account's name. The
                same word selects in ``processes`` and ``tree``.
        """
        ...

    def session_of(self, pid: int) -> SessionOf:
        """Return the logon session of a process and the evidence for it: scope, audit, manager or none.

        Raises:
            NotFoundError: there is no such process.
            AccessDeniedError: there is one, but its logon session is not yours to see.
        """
        ...

    def processes(self, which: int | str | None = None) -> Iterator[SessionProcess]:
        """Yield processes as they are read: of one logon session, of a user's logon sessions, or all."""
        ...

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """Yield (pid, LogonId) of every process: the pairs of Win32_SessionProcess, as they are read."""
        ...

    def tree(self, which: int | str | None = None) -> list[LogonTree]:
        """Return each logon session with its processes, of one reading; last those whose session is not yours."""
        ...

    def whose(self, target: int | str) -> list[Whose]:
        """Say whose a process is: by pid (4312), by name ("sshd"), or by port (":8080").

        Raises:
            NotFoundError: no such process, or nobody holds that port.
            AccessDeniedError: there is one, but its logon session is not yours to see.
            InvalidParameterError: the target has no meaning.
        """
        ...

    def record(self, path: str, *, replace: bool = False) -> int:
        """Write all that can be seen into one file (mode 0600) and return how many processes it holds.

        Args:
            path: the file; "-" is standard output.
            replace: overwrite a file that is there.

        Raises:
            AccessDeniedError: the file cannot be written.
            InvalidParameterError: there is such a file, and it is not to be replaced.
        """
        ...

    def doctor(self) -> list[Check]:
        """Look at what can be read here, with which rights, what is missing, and how to get it."""
        ...
