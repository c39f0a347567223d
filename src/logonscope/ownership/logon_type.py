"""Mapping of login traits to LogonType and AuthenticationPackage of Win32_LogonSession.

RULES is the mapping to LogonType; the first rule that applies decides. Some types are never returned: 6 Proxy and
9 NewCredentials have no counterpart on Linux; 8 NetworkCleartext and 11 to 13 (logons with cached credentials) would
require the authentication method, which is only in logs.
"""

from collections.abc import Callable
from typing import NamedTuple

SYSTEM, INTERACTIVE, NETWORK, BATCH, SERVICE = 0, 2, 3, 4, 5
UNLOCK, REMOTE_INTERACTIVE = 7, 10

SSH_PROGRAMS = {"sshd", "sshd-session", "dropbear"}
"""Kernel names of the processes of ssh servers."""

SSH_SERVICES = SSH_PROGRAMS | {"ssh"}
"""Names of the PAM services of ssh servers. A process named "ssh" is a client."""

_BATCH = {"cron", "crond", "CRON", "atd", "anacron", "fcron"}
LOGIN_PROGRAMS = SSH_PROGRAMS | _BATCH | {"login", "systemd"}
"""Kernel names of processes with which a logon session can begin: they show what kind of login it was."""

NO_LOGIN = "no login is known to the kernel"
"""The reason for LogonType and AuthenticationPackage of the System session."""

# names of PAM services
_SWITCH = {"su", "su-l", "runuser", "runuser-l", "systemd-run0", "machine-shell"}
_NETWORK = {
    "ftp", "vsftpd", "proftpd", "pure-ftpd", "smb", "samba", "smbd", "imap", "pop3", "dovecot", "cyrus", "rsync",
    "rexec", "rsh", "webmin", "openvpn",
}  # fmt: skip
_LOCAL = {"login", "remote", "sddm", "lightdm", "xdm", "kdm", "greetd", "ly", "slim", "lxdm", "agetty"}
_REMOTE_DESKTOP = {"xrdp", "xrdp-sesman", "gnome-remote-desktop", "nx", "nxserver", "nxnode", "nxd", "freerdp-shadow"}
_REMOTE_DESKTOP_WORDS = ("vnc", "x2go", "xrdp", "nomachine", "freerdp")
_GRAPHICAL = {"x11", "wayland", "mir", "web"}


class Traits(NamedTuple):
    """Facts of one login that decide its type, from its login record and from the kernel."""

    system: bool = False  # the System session
    cls: str | None = None
    type: str | None = None
    service: str | None = None  # PAM service
    seat: str | None = None
    remote: bool | None = None
    tty: str | None = None
    tty_known: bool = True  # False: tty None can also mean that the terminal could not be read
    program: str | None = None  # without a record: comm of the login program


class Rule(NamedTuple):
    """A rule of the mapping: when it applies, the LogonType (None: not known), and the reason in words."""

    applies: Callable[[Traits], bool]
    logon_type: Callable[[Traits], int | None]
    reason: Callable[[Traits], str]


def logon_type(traits: Traits) -> tuple[int | None, str]:
    """Return the LogonType (None: not known), and the reason in words."""
    rule = next(rule for rule in RULES if rule.applies(traits))
    return rule.logon_type(traits), rule.reason(traits)


def authentication_package(traits: Traits) -> tuple[str | None, str]:
    """Return the AuthenticationPackage (None: not known), and the reason in words.

    The package is known only for logins with a PAM service other than that of an ssh server: sshd checks keys without
    PAM, and only its log shows whether a login used a key or a password. The System session and logins without a
    record have no PAM service.
    """
    if traits.system:
        return None, NO_LOGIN
    if not traits.service or traits.service in SSH_SERVICES:
        return None, "recorded only in the login program's own log"
    return "PAM", f"PAM service {traits.service}"


def _is_listed(word: str | None, words: set[str]) -> bool:
    # many PAM services have a suffix: "lightdm-autologin" is a service of lightdm
    return word is not None and (word in words or word.split("-", 1)[0] in words)


def _ssh_logon_type(traits: Traits) -> int | None:
    if not traits.tty and not traits.tty_known:
        return None
    if traits.tty:
        return REMOTE_INTERACTIVE
    return NETWORK


def _is_remote_desktop(traits: Traits) -> bool:
    """Return whether the PAM service serves desktops over a network: tigervnc, vncserver-x11, x2gobroker, ..."""
    service = (traits.service or "").lower()
    return _is_listed(service, _REMOTE_DESKTOP) or any(word in service for word in _REMOTE_DESKTOP_WORDS)


def _has_terminal_or_desktop(traits: Traits) -> bool:
    return traits.type in _GRAPHICAL or bool(traits.tty)


def _is_local(traits: Traits) -> bool:
    is_at_this_machine = traits.seat or traits.tty or traits.type in _GRAPHICAL or traits.type == "tty"
    return bool(is_at_this_machine) or _is_listed(traits.service, _LOCAL) or (traits.service or "").startswith("gdm")


def _describe_service(traits: Traits) -> str:
    return f"PAM service {traits.service}"


def _describe_class(traits: Traits) -> str:
    return f"class {traits.cls}"


def _describe_terminal(traits: Traits) -> str:
    if traits.seat or traits.tty:
        return f"seat {traits.seat}" if traits.seat else f"terminal {traits.tty}"
    return f"type {traits.type}" if traits.type in _GRAPHICAL | {"tty"} else _describe_service(traits)


def _describe_remote(traits: Traits) -> str:
    return f"remote, {_describe_terminal(traits._replace(seat=None))}"


def _describe_ssh(traits: Traits) -> str:
    server = "dropbear" if "dropbear" in {traits.service, traits.program} else "sshd"
    if traits.tty:
        return f"{server}, terminal {traits.tty}"
    return f"{server}, no terminal" if traits.tty_known else f"{server}; whether it had a terminal is not known"


def _describe_program(traits: Traits) -> str:
    return f"started by {traits.program}"


RULES = (
    Rule(lambda t: t.system, lambda _: SYSTEM, lambda _: NO_LOGIN),
    Rule(lambda t: (t.cls or "").startswith("manager") or t.service == "systemd-user", lambda _: SERVICE,
         lambda t: _describe_class(t) if t.cls else _describe_service(t)),
    Rule(lambda t: t.service in _BATCH, lambda _: BATCH, _describe_service),
    Rule(lambda t: t.cls == "lock-screen", lambda _: UNLOCK, _describe_class),
    Rule(lambda t: t.cls == "greeter", lambda _: INTERACTIVE, _describe_class),
    Rule(lambda t: t.service in _SWITCH, lambda t: INTERACTIVE if t.tty else BATCH, _describe_service),
    Rule(lambda t: t.service in SSH_SERVICES, _ssh_logon_type, _describe_ssh),
    # whatever the record says: xrdp-sesman sets no PAM_RHOST, so logind records its sessions as local
    Rule(_is_remote_desktop, lambda _: REMOTE_INTERACTIVE, _describe_service),
    Rule(lambda t: bool(t.remote) and _has_terminal_or_desktop(t), lambda _: REMOTE_INTERACTIVE, _describe_remote),
    Rule(lambda t: _is_listed(t.service, _NETWORK), lambda _: NETWORK, _describe_service),
    Rule(lambda t: (t.cls or "").startswith("background"), lambda _: BATCH, _describe_class),
    Rule(lambda t: t.cls is not None and not t.remote and _is_local(t), lambda _: INTERACTIVE,
         _describe_terminal),
    Rule(lambda t: t.program in SSH_PROGRAMS, _ssh_logon_type, _describe_ssh),
    Rule(lambda t: t.program in _BATCH, lambda _: BATCH, _describe_program),
    Rule(lambda t: t.program == "systemd", lambda _: SERVICE, _describe_program),
    Rule(lambda t: t.program == "login", lambda _: INTERACTIVE, _describe_program),
    Rule(lambda _: True, lambda _: None, lambda _: "no evidence of the kind of login"),
)  # fmt: skip
