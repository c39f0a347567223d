"""Who may see what? The only place that decides.

An administrator (elevated, as the documented remark on Win32_SessionProcess has it) sees everything. Anyone else sees
the logon sessions whose login uid is its own, their processes, and every process that runs as its uid; the details
of a process only where its real, effective and saved uid are all its own. Nobody else sees anything.
"""

from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError
from logonscope.facts import Login, Needs, Owner, Process
from logonscope.ownership import login_uid

CAP_SYS_PTRACE = 19
"""capabilities(7): who may look into any process."""

HIDDEN = Owner(None, "hidden")
"""In place of an owner that the caller may not see, of a process that it may."""

DETAILS = (
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cmdline", "exe", "fds", "sockets",
)  # fmt: skip
"""The facts that are masked: what the kernel itself keeps from other users, and the command line."""

MASKED = "not one of your processes; use sudo"


class Caller(NamedTuple):
    """Who asks. ``uid`` None is nobody, unless it is an administrator."""

    name: str
    uid: int | None
    administrator: bool
    remote: bool = False


class Sight(NamedTuple):
    """What one caller sees; the needs are widened by the facts that decide it."""

    needs: Needs
    everything: bool
    uid: int | None

    def session(self, process: Process, owner: Owner) -> bool:
        """Tell whether the caller sees the logon session that owns this process."""
        return self.everything or (self.uid is not None and login_uid(owner, (process,)) == self.uid)

    def process(self, process: Process, owner: Owner) -> bool:
        """Tell whether the caller sees this process."""
        return self.session(process, owner) or (process.uids is not None and self.uid in process.uids[:2])

    def shown(self, process: Process) -> Process:
        """Return the process as the caller sees it: without its details where they are not the caller's."""
        if self.everything or (process.uids is not None and set(process.uids[:3]) == {self.uid}):
            return process
        hidden = [fact for fact in DETAILS if fact in self.needs.process]
        unread = {**(process.unread or {}), **dict.fromkeys(hidden, MASKED)}
        masked: dict[str, Any] = dict.fromkeys(hidden)
        if process.name is not None:
            masked["name"] = process.comm  # a longer one came from the arguments
        return process._replace(unread=unread or None, **masked)

    def login(self, login: Login) -> bool:
        """Tell whether the caller sees the record of a login service."""
        return self.everything or (self.uid is not None and login.uid == self.uid)


def local_caller(name: str, uid: int, capabilities: int) -> Caller:
    """Return the caller that this very process is: root, or CAP_SYS_PTRACE in effect, is elevation."""
    return Caller(name, uid, administrator=uid == 0 or bool(capabilities >> CAP_SYS_PTRACE & 1))


def limit(caller: Caller, needs: Needs) -> Sight:
    """Return what the caller sees, and the needs widened by what that decision asks for.

    Raises:
        AccessDeniedError: the caller is nobody.
    """
    if caller.administrator:
        return Sight(needs, everything=True, uid=caller.uid)
    if caller.uid is None:
        raise AccessDeniedError("nobody sees nothing", "authenticate first")
    named = {"comm"} if "name" in needs.process else set()
    widened = needs._replace(process=needs.process | {"ses", "loginuid", "uids"} | named)
    return Sight(widened, everything=False, uid=caller.uid)
