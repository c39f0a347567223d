"""Parser of the lines that login programs log about refused attempts.

An attempt gives one result, even if several lines are about it. These lines are read:

- of sshd: errors of PAM (auth-pam.c), results of attempts (auth_log() in auth.c), and ends of connections before
  authentication. By default, such an end is all that sshd logs about a refused key;
- of login, su and sudo: their own lines;
- of other programs: the lines of pam_unix(8) and pam_sss(8).

In the lines of sshd, the user name comes from the client and can contain any text. sshd itself writes the rest of the
line, so the end of the line shows where the name ends.
"""

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

from logonscope.facts import FailedLogon
from logonscope.sources.linux.parse import unescape
from logonscope.sources.linux.sudo_line import parse_sudo_line

MAX_LINE_LENGTH = 4096
"""Maximum characters of a line."""

MAX_CONNECTIONS = 4096
"""Maximum number of sshd connections that are remembered so that each attempt is reported once."""

SSHD_PROGRAMS = ("sshd", "sshd-session", "sshd-auth")
PAM_PROGRAMS = (
    "gdm-session-worker", "lightdm", "sddm-helper", "xrdp-sesman", "xrdp-sesexec", "cockpit-session", "vsftpd",
    "greetd",
)  # fmt: skip
"""Programs of which only the lines that PAM modules log are read, not the lines of the program itself."""

_ADDRESS = r"([0-9A-Za-z.:%_-]{1,200})"
_FAILED = re.compile(
    rf"Failed ([a-z0-9-]{{1,64}}(?:/[\x21-\x7e]{{1,64}})?) for (.+) from {_ADDRESS} port ([0-9]{{1,5}}) ssh2(: .*)?"
)
_PAM_ERROR = re.compile(rf"error: PAM: (.{{1,100}}?) for (illegal user )?(.*) from {_ADDRESS}")
_CLOSED = re.compile(
    rf"(?:Connection (?:closed|reset) by|Disconnected from) (authenticating|invalid) user (.*) {_ADDRESS}"
    r" port ([0-9]{1,5})(?: \[preauth\])?"
)
_LOGIN_SHADOW = re.compile(r"FAILED LOGIN \([0-9]{1,9}\) on '([^']*)'(?: from '([^']*)')? FOR '(.*)', ([^']*)")
_LOGIN_UTIL_LINUX = re.compile(
    r"(?:FAILED LOGIN (?:SESSION|[0-9]{1,9})|TOO MANY LOGIN TRIES \([0-9]{1,9}\)) FROM (\S+) FOR (.*), ([^,]*)"
)
_SU = re.compile(r"FAILED SU \(to (.*)\) (\S+) on (\S+)")
_PAM = re.compile(
    r"pam_(?:unix|sss)\(([^():]{1,100}):auth\): authentication failure; logname=\S* uid=[0-9]* euid=[0-9]* tty=(\S*)"
    r" ruser=(\S*) rhost=(\S*)(?: +user=(.*))?"
)
_PAM_FURTHER = re.compile(
    r"PAM ([0-9]{1,4}) more authentication failures?; logname=\S* uid=[0-9]* euid=[0-9]* tty=(\S*) ruser=(\S*)"
    r" rhost=(\S*)(?: +user=(.*))?"
)
_KEY_METHODS = ("publickey", "hostbased")
_PAM_METHOD = "keyboard-interactive/pam"


class FailedLineParser:
    """Parses lines in their order; remembers for which connections of sshd an attempt was reported."""

    def __init__(self) -> None:
        # pid of sshd -> whether sshd may log a line "Failed" about the last attempt, which was reported already
        self._reported: OrderedDict[int, bool] = OrderedDict()
        self._parsers: Mapping[str, Callable[[int, str], FailedLogon | None]] = {
            **dict.fromkeys(SSHD_PROGRAMS, self._parse_sshd), "login": _parse_login, "su": _parse_su,
            "sudo": _parse_sudo, **dict.fromkeys(PAM_PROGRAMS, _parse_pam),
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<FailedLineParser, {len(self._reported)} connections>"

    def parse(self, program: str, pid: int, text: str) -> FailedLogon | None:
        """Return the refused attempt that a line is about; None: there is none, or it was reported already.

        Args:
            program: the file name of the program that logged the line.
            pid: the process that logged the line.
            text: the message.
        """
        parse = self._parsers.get(program)
        if parse is None or len(text) > MAX_LINE_LENGTH or not text.isprintable():
            return None
        attempt = parse(pid, text)
        if attempt is None:
            return None
        # the line about further attempts does not name the PAM service
        return attempt._replace(line=text, service=attempt.service or program)

    def _parse_sshd(self, pid: int, text: str) -> FailedLogon | None:
        pam_error = _parse_pam_error(pid, text)
        attempt = pam_error or _parse_failed(pid, text)
        if attempt is not None and attempt.method == _PAM_METHOD and not pam_error and self._reported.get(pid):
            # sshd logs some attempts, such as those of unknown users, twice: as an error of PAM and as "Failed"
            self._reported[pid] = False
            return None
        closed_match = None if attempt else _CLOSED.fullmatch(text)
        if closed_match is not None and pid not in self._reported:
            is_known_user, port = closed_match[1] == "authenticating", _port(closed_match[4])
            user, address = unescape(closed_match[2]), closed_match[3]
            return FailedLogon("sshd", pid, user, is_known_user, address, port, reason="closed before authentication")
        if attempt is not None:
            self._reported[pid] = pam_error is not None
            if len(self._reported) > MAX_CONNECTIONS:
                self._reported.popitem(last=False)
        elif closed_match is not None:
            # the pid may be used for another connection later
            self._reported.pop(pid, None)
        return attempt


def _parse_failed(pid: int, text: str) -> FailedLogon | None:
    match = _FAILED.fullmatch(text)
    # every client tries "none" first, to ask which methods there are
    if match is None or match[1] == "none":
        return None
    method, name, address, port, key = match.groups()
    is_known_user = not name.startswith("invalid user ")
    attempt = FailedLogon("sshd", pid, None, is_known_user, method=method)
    # the id of a certificate, which follows the client's address, can look like an address and a port
    if key is not None and (method not in _KEY_METHODS or " port " in key or " port " in name):
        return attempt
    user = unescape(name if is_known_user else name.removeprefix("invalid user "))
    return attempt._replace(user=user, address=address, port=_port(port))


def _parse_pam_error(pid: int, text: str) -> FailedLogon | None:
    match = _PAM_ERROR.fullmatch(text)
    if match is None:
        return None
    reason, illegal, user, address = match.groups()
    return FailedLogon("sshd", pid, unescape(user), illegal is None, address, method=_PAM_METHOD, reason=reason)


def _parse_login(pid: int, text: str) -> FailedLogon | None:
    shadow, util_linux = _LOGIN_SHADOW.fullmatch(text), _LOGIN_UTIL_LINUX.fullmatch(text)
    if shadow is not None:
        tty, host, user, reason = shadow.groups()
    elif util_linux is not None:
        tty, (host, user, reason) = None, util_linux.groups()
        if host.startswith("tty"):
            tty, host = host, None
    else:
        return None
    # login does not log a name for which there is no account: the user may have typed a password
    is_hidden = user in {"UNKNOWN", "(unknown)"}
    attempt = FailedLogon("login", pid, None if is_hidden else user, False if is_hidden else None, method="password")
    return _with_host(attempt._replace(tty=_terminal(tty), reason=reason), host)


def _parse_su(pid: int, text: str) -> FailedLogon | None:
    match = _SU.fullmatch(text)
    if match is None:
        return None
    tty = None if match[3] == "none" else match[3]
    return FailedLogon("su", pid, match[1], True, method="password", tty=tty, by_user=match[2])


def _parse_sudo(pid: int, text: str) -> FailedLogon | None:
    line = parse_sudo_line(text)
    if line is None or line.reason is None:
        return None
    method = "password" if "password" in line.reason else None
    return FailedLogon(
        "sudo", pid, line.user, None, method=method, tty=line.tty, by_user=line.account, command=line.command,
        reason=line.reason, attempts=line.attempts,
    )  # fmt: skip


def _parse_pam(pid: int, text: str) -> FailedLogon | None:
    match, further = _PAM.fullmatch(text), _PAM_FURTHER.fullmatch(text)
    if match is not None:
        service, tty, by_user, host, user = match.groups()
        attempts = 1
    elif further is not None:
        attempts, service = int(further[1]), ""
        tty, by_user, host, user = further.groups()[1:]
    else:
        return None
    attempt = FailedLogon(service, pid, user or None, bool(user) or None, attempts=attempts, method="pam")
    return _with_host(attempt._replace(tty=_terminal(tty), by_user=by_user or None), host)


def _with_host(attempt: FailedLogon, host: str | None) -> FailedLogon:
    if not host:
        return attempt
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return attempt._replace(remote_host=host)
    return attempt._replace(address=host)


def _terminal(name: str | None) -> str | None:
    return name.removeprefix("/dev/") if name else None


def _port(text: str) -> int | None:
    port = int(text)
    return port if port < 1 << 16 else None
