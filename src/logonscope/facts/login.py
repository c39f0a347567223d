"""Logins: the raw record of a login service, with the kernel's facts of the login's leader and scope."""

from typing import NamedTuple

from logonscope.facts.process import UNSET, Process


class Login(NamedTuple):
    """One session of logind or elogind, or one user manager (``cls`` manager), as in its state file.

    If the service has lost the record, only the scope of the login is known, and ``recorded`` is false.
    """

    id: str  # "41", "c1"; of a user manager "user@1000.service"
    uid: int
    leader: int | None = None  # pid
    audit: int | None = None  # the kernel id in the record
    since: int | None = None  # microseconds since the epoch
    created: int | None = None  # earliest possible time of the record (``since``), in clock ticks since boot
    user: str | None = None
    cls: str | None = None  # Class: user, greeter, manager, background, ...
    type: str | None = None  # Type: tty, x11, wayland, unspecified, ...
    service: str | None = None  # PAM service
    seat: str | None = None
    vt: int | None = None
    tty: str | None = None
    display: str | None = None
    desktop: str | None = None
    remote: bool | None = None
    remote_host: str | None = None
    remote_user: str | None = None
    scope: str | None = None  # systemd unit; None with elogind
    state: str | None = None  # opening, online, active, closing; of a user manager also lingering
    source: str = ""  # the file of the record
    service_name: str = "logind"  # logind or elogind
    process: Process | None = None  # the leader (ses, stat, loginuid); None: it has ended, or was not read
    gone: bool | None = None  # the leader has ended, so the login is logged out; None: not known
    # the kernel id was inherited from an older login: proved (True), disproved (False), or neither (None)
    inherited: bool | None = None
    recorded: bool = True  # the login service has a record of the login
    scope_inode: int | None = None  # of the scope's cgroup directory
    scope_ids: tuple[int, ...] | None = None  # kernel ids of the scope's processes; None: not read
    # start of the earliest known process in the scope, in clock ticks since the boot: the login is not younger
    earliest_start: int | None = None
    remembered: int | None = None  # the kernel id that an earlier reading of this login found
    # terminal that an earlier reading found below the leader, "" if it found none; None: not known
    seen_tty: str | None = None
    # if ``uid`` is a uid of another user namespace: this uid in the reader's namespace; 4294967295: not mapped there
    mapped_uid: int | None = None

    @property
    def uid_here(self) -> int | None:
        """Return the uid in the user namespace of the reader; None where it is not mapped there."""
        if self.mapped_uid is None:
            return self.uid
        return None if self.mapped_uid == UNSET else self.mapped_uid
