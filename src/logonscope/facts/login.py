"""Logins: the raw record of a login service, with the kernel's facts of the login's leader and scope."""

from typing import NamedTuple

from logonscope.facts.process import UNSET, Process


class Login(NamedTuple):
    """One session of logind or elogind, or one user manager (``cls`` manager), as in its state file.

    Where the service has no record of it any more, only its scope is known: ``recorded`` is false.

    Attributes:
        id: "41", "c1"; "user@1000.service" for a user manager without a session of its own.
        leader: pid.
        audit: the kernel id, where the record has it.
        since: microseconds since the epoch.
        created: a lower bound of the same time, in clock ticks since the boot.
        cls: Class: user, greeter, manager, background, ...
        type: Type: tty, x11, wayland, unspecified, ...
        service: PAM service.
        scope: systemd unit; None with elogind.
        state: opening, online, active, closing; of a user manager also lingering.
        source: the file of the record.
        service_name: logind or elogind.
        process: the leader (ses, stat); None where it is gone.
        gone: whether the leader is gone: logged out; None where that is not known.
        recorded: the login service has a record of it.
        scope_inode: of the scope's cgroup directory.
        scope_ids: kernel ids of the scope's processes; None: not read.
        remembered: the kernel id with which an earlier reading joined it.
    """

    id: str
    uid: int
    leader: int | None = None
    audit: int | None = None
    since: int | None = None
    created: int | None = None
    user: str | None = None
    cls: str | None = None
    type: str | None = None
    service: str | None = None
    seat: str | None = None
    vt: int | None = None
    tty: str | None = None
    display: str | None = None
    desktop: str | None = None
    remote: bool | None = None
    remote_host: str | None = None
    remote_user: str | None = None
    scope: str | None = None
    state: str | None = None
    source: str = ""
    service_name: str = "logind"
    process: Process | None = None
    gone: bool | None = None
    # the kernel id was inherited from an older login: proved (True), disproved (False), or neither (None)
    inherited: bool | None = None
    recorded: bool = True
    scope_inode: int | None = None
    scope_ids: tuple[int, ...] | None = None
    # start of the earliest known process in its scope, in ticks: the login is at least that old
    earliest_start: int | None = None
    remembered: int | None = None
    # uid in the user namespace of the reader, where the record is of another one; 4294967295: it has none there
    mapped_uid: int | None = None

    @property
    def uid_here(self) -> int | None:
        """Return the uid in the user namespace of the reader; None where it has none there."""
        if self.mapped_uid is None:
            return self.uid
        return None if self.mapped_uid == UNSET else self.mapped_uid
