"""Changes of user: a process executed a program as another user than the process ran as before."""

from typing import NamedTuple


class UserChange(NamedTuple):
    """A change of the user of a process. The kernel reports the change; sudo's log can add the command.

    Attributes:
        from_uid: the real uid before the change; None: not known.
        from_user: the account name of that uid.
        to_uid: the effective uid after the change.
        to_user: the account name of that uid.
        is_complete: the real uid changed, too. If not, the process executed a set-user-ID program, and has the other
            user's rights only as long as that program runs.
        program: the name (comm) of the program that the process ran after the change; None: it could not be read.
        through: the name of the set-user-ID program that made the change possible, such as sudo; None: not known.
        command: the command line as sudo logged it.
        source: kernel, or "kernel, sudo's line in the journal".
    """

    from_uid: int | None
    from_user: str | None
    to_uid: int
    to_user: str | None
    is_complete: bool
    program: str | None = None
    through: str | None = None
    command: str | None = None
    source: str = "kernel"

    @property
    def gains_root(self) -> bool:
        """Return whether another user, or an unknown user, became root."""
        return self.to_uid == 0 and self.from_uid != 0
