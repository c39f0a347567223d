"""What kind of login was it? Maps what is known of it to LogonType and AuthenticationPackage of Win32_LogonSession.

The rules stand in RULES, the first that matches speaks. 9 NewCredentials has no counterpart here and is never given;
8 NetworkCleartext would need the method of authentication, which only a login program's own log has.
"""

from collections.abc import Callable
from typing import NamedTuple

SYSTEM, INTERACTIVE, NETWORK, BATCH, SERVICE = 0, 2, 3, 4, 5
UNLOCK, REMOTE_INTERACTIVE = 7, 10

_SSHD = {"sshd", "ssh", "sshd-session", "dropbear"}
_BATCH = {"cron", "crond", "CRON", "atd", "anacron", "fcron"}
LOGIN_PROGRAMS = _SSHD | _BATCH | {"login", "systemd"}
"""Kernel names of processes that a logon session can begin with, and that then say what kind it is."""

_SWITCH = {"su", "su-l", "runuser", "runuser-l", "systemd-run0", "machine-shell"}
_NETWORK = {
    "ftp", "vsftpd", "proftpd", "pure-ftpd", "smb", "samba", "smbd", "imap", "pop3", "dovecot", "cyrus", "rsync",
    "rexec", "rsh", "webmin", "openvpn",
}  # fmt: skip
_LOCAL = {"login", "remote", "sddm", "lightdm", "xdm", "kdm", "greetd", "ly", "slim", "lxdm", "agetty"}
_REMOTE_DESKTOP = {"vnc", "tigervnc", "xrdp-sesman", "xrdp", "gnome-remote-desktop", "xvnc", "x2go"}
_GRAPHICAL = {"x11", "wayland", "mir", "web"}


class Traits(NamedTuple):
    """What is known of one login, gathered from its login record and from the kernel."""

    system: bool = False
    cls: str | None = None
    type: str | None = None
    service: str | None = None  # PAM service
    seat: str | None = None
    remote: bool | None = None
    tty: str | None = None
    tty_known: bool = True  # False where the leader is gone and nobody kept its terminal
    origin: str | None = None  # kernel name of the process that it began with, where no login service vouches


class Rule(NamedTuple):
    """When it applies, which LogonType it gives (None: it cannot be known), and how that is said."""

    applies: Callable[[Traits], bool]
    logon_type: Callable[[Traits], int | None]
    because: Callable[[Traits], str]


def logon_type(traits: Traits) -> tuple[int | None, str]:
    """Return the LogonType, and in words where it comes from."""
    rule = next(rule for rule in RULES if rule.applies(traits))
    return rule.logon_type(traits), rule.because(traits)


def authentication_package(traits: Traits) -> tuple[str | None, str]:
    """Return the AuthenticationPackage, and in words where it comes from.

    sshd checks keys without PAM, and only its log says which it was: unknown stays None.
    """
    if traits.system or not traits.service or traits.service in _SSHD:
        return None, "only the login program's own log tells"
    return "PAM", f"PAM service {traits.service}"


def _always(value: int) -> Callable[[Traits], int | None]:
    return lambda _: value


def _is(word: str | None, words: set[str]) -> bool:
    return word is not None and (word in words or word.split("-", 1)[0] in words)


def _ssh(traits: Traits) -> int | None:
    if not traits.tty and not traits.tty_known:
        return None
    if traits.tty:
        return REMOTE_INTERACTIVE
    return NETWORK


def _desktop(traits: Traits) -> bool:
    return traits.type in _GRAPHICAL or bool(traits.tty) or _is(traits.service, _REMOTE_DESKTOP)


def _local(traits: Traits) -> bool:
    place = traits.seat or traits.tty or traits.type in _GRAPHICAL or traits.type == "tty"
    return bool(place) or _is(traits.service, _LOCAL) or (traits.service or "").startswith("gdm")


def _by_service(traits: Traits) -> str:
    return f"PAM service {traits.service}"


def _by_class(traits: Traits) -> str:
    return f"class {traits.cls}"


def _by_place(traits: Traits) -> str:
    if traits.seat or traits.tty:
        return f"seat {traits.seat}" if traits.seat else f"terminal {traits.tty}"
    return f"type {traits.type}" if traits.type in _GRAPHICAL | {"tty"} else _by_service(traits)


def _by_remote(traits: Traits) -> str:
    return f"remote, {_by_place(traits._replace(seat=None))}"


def _by_ssh(traits: Traits) -> str:
    terminal = f"terminal {traits.tty}" if traits.tty else "no terminal"
    return f"sshd, {terminal}" if traits.tty or traits.tty_known else "sshd; whether it had a terminal cannot be told"


def _by_origin(traits: Traits) -> str:
    return f"began with {traits.origin}"


RULES = (
    Rule(lambda t: t.system, _always(SYSTEM), lambda _: "no login started it"),
    Rule(lambda t: (t.cls or "").startswith("manager") or t.service == "systemd-user", _always(SERVICE),
         lambda t: _by_class(t) if t.cls else _by_service(t)),
    Rule(lambda t: t.service in _BATCH, _always(BATCH), _by_service),
    Rule(lambda t: t.cls == "lock-screen", _always(UNLOCK), _by_class),
    Rule(lambda t: t.cls == "greeter", _always(INTERACTIVE), _by_class),
    Rule(lambda t: t.service in _SWITCH, lambda t: INTERACTIVE if t.tty else BATCH, _by_service),
    Rule(lambda t: t.service in _SSHD, _ssh, _by_ssh),
    Rule(lambda t: bool(t.remote) and _desktop(t), _always(REMOTE_INTERACTIVE), _by_remote),
    Rule(lambda t: _is(t.service, _NETWORK), _always(NETWORK), _by_service),
    Rule(lambda t: (t.cls or "").startswith("background"), _always(BATCH), _by_class),
    Rule(lambda t: t.cls is not None and not t.remote and _local(t), _always(INTERACTIVE),
         _by_place),
    Rule(lambda t: t.origin in _SSHD, _ssh, _by_ssh),
    Rule(lambda t: t.origin in _BATCH, _always(BATCH), _by_origin),
    Rule(lambda t: t.origin == "systemd", _always(SERVICE), _by_origin),
    Rule(lambda t: t.origin == "login", _always(INTERACTIVE), _by_origin),
    Rule(lambda _: True, lambda _: None, lambda _: "nothing says what kind of login it was"),
)  # fmt: skip
"""The mapping, one row a rule; the first that applies speaks."""
