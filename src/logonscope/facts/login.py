"""What a login service says of one login: raw, and beside it what the kernel says of the login's leader."""

from typing import NamedTuple

from logonscope.facts.process import Process


class Login(NamedTuple):
    """One session of logind or elogind, or one user manager (``cls`` manager), as its state file says."""

    id: str  # "41", "c1"; of a user manager without a session of its own "user@1000.service"
    uid: int
    leader: int | None = None  # pid
    audit: int | None = None  # the kernel id, where the service names it
    since: int | None = None  # microseconds since the epoch
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
    inherited: bool | None = None  # the leader's parent carries the same kernel id; None where that is not known
