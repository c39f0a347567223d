"""What a login service says of one login: raw, and beside it what the kernel says of the login's leader and scope."""

from typing import NamedTuple

from logonscope.facts.process import Process


class Login(NamedTuple):
    """One session of logind or elogind, or one user manager (``cls`` manager), as its state file says.

    Where the service has no record of it any more, its scope alone is known: ``recorded`` is false.
    """

    id: str  # "41", "c1"; of a user manager without a session of its own "user@1000.service"
    uid: int
    leader: int | None = None  # pid
    audit: int | None = None  # the kernel id, where the service names it
    since: int | None = None  # microseconds since the epoch
    created: int | None = None  # the same in clock ticks since the boot, as a process's start; rather too early
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
    source: str = ""  # the file that says so
    service_name: str = "logind"  # who says so: logind or elogind
    process: Process | None = None  # the leader as found (ses, stat); None where it is gone
    gone: bool | None = None  # the leader is: logged out; None where that cannot be told
    inherited: bool | None = (
        None  # the kernel id is an older login's, proved (True) or disproved (False); None: neither
    )
    recorded: bool = True  # the login service has a record of it
    scope_inode: int | None = None  # of the scope's cgroup directory
    scope_ids: tuple[int, ...] | None = None  # kernel ids that the scope's processes carry; None where not read
    present: int | None = None  # when the earliest known process in its scope started, in ticks: it is no younger
    remembered: int | None = None  # the kernel id that an earlier look joined it with
