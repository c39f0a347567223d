"""The LogonType of each kind of login: logind creates sessions of every type and class.

Types and classes: org.freedesktop.login1(5); LogonTypes: Win32_LogonSession.LogonType. The machine's seat has no
virtual terminals, and logind refuses the names tty1 to tty63 there: serial terminals stand for them.
"""

import contextlib
from typing import NamedTuple

import pytest

from tests.lab.lab import Lab

INTERACTIVE, NETWORK, BATCH, UNLOCK, REMOTE_INTERACTIVE = 2, 3, 4, 7, 10
NAMES = {2: "Interactive", 3: "Network", 4: "Batch", 7: "Unlock", 10: "RemoteInteractive"}


class Kind(NamedTuple):
    """A kind of login as PAM tells it to logind."""

    service: str
    type: str = "unspecified"
    cls: str = "user"
    seat: str = ""
    tty: str = ""
    remote_host: str = ""
    remote_user: str = ""
    display: str = ""

    def options(self) -> list[str]:
        """Spell it for create_session.py."""
        said = {"class" if name == "cls" else name.replace("_", "-"): text for name, text in self._asdict().items()}
        return [f"--{name}={text}" for name, text in said.items()]


FAR = "192.0.2.7"
KINDS: dict[Kind, int] = {
    # a user sits at the machine
    Kind("login", "tty", tty="ttyS1"): INTERACTIVE,
    Kind("login", "tty", seat="seat0", tty="ttyS2"): INTERACTIVE,
    Kind("login", "unspecified", tty="ttyS0"): INTERACTIVE,
    Kind("gdm-password", "x11", seat="seat0", display=":0"): INTERACTIVE,
    Kind("gdm-password", "wayland", seat="seat0"): INTERACTIVE,
    Kind("sddm", "x11", display=":1"): INTERACTIVE,
    Kind("lightdm", "mir", seat="seat0"): INTERACTIVE,
    Kind("cockpit", "web"): INTERACTIVE,
    Kind("gdm-launch-environment", "wayland", "greeter", seat="seat0"): INTERACTIVE,
    Kind("lightdm-greeter", "x11", "greeter", seat="seat0", display=":2"): INTERACTIVE,
    Kind("login", "tty", "greeter", tty="hvc0"): INTERACTIVE,
    Kind("gdm-password", "wayland", "lock-screen", seat="seat0"): UNLOCK,
    Kind("kde", "x11", "lock-screen", seat="seat0", display=":3"): UNLOCK,
    # a user comes from elsewhere
    Kind("sshd", "tty", tty="pts/7", remote_host=FAR): REMOTE_INTERACTIVE,
    Kind("sshd", "unspecified", tty="pts/8", remote_host=FAR, remote_user="root"): REMOTE_INTERACTIVE,
    Kind("xrdp-sesman", "x11", remote_host=FAR, display=":10"): REMOTE_INTERACTIVE,
    Kind("gdm-password", "wayland", remote_host=FAR): REMOTE_INTERACTIVE,
    Kind("remote", "mir", remote_host=FAR): REMOTE_INTERACTIVE,
    Kind("cockpit", "web", remote_host=FAR): REMOTE_INTERACTIVE,
    Kind("login", "tty", tty="pts/9", remote_host=FAR): REMOTE_INTERACTIVE,
    Kind("sshd", "tty", remote_host=FAR): NETWORK,
    Kind("sshd", "unspecified", remote_host=FAR): NETWORK,
    Kind("vsftpd", "unspecified", remote_host=FAR): NETWORK,
    Kind("samba", "unspecified", remote_host=FAR): NETWORK,
    Kind("dovecot", "unspecified", remote_host=FAR): NETWORK,
    # nobody is there
    Kind("cron", "unspecified", "background"): BATCH,
    Kind("crond", "tty", "background"): BATCH,
    Kind("atd", "unspecified", "background"): BATCH,
    Kind("anacron", "unspecified", "background"): BATCH,
    Kind("cron", "unspecified", "user"): BATCH,
    # another user's credentials, in a session of their own
    Kind("su-l", "unspecified", "background"): BATCH,
    Kind("su-l", "unspecified", "user"): BATCH,
    Kind("su", "unspecified", "user"): BATCH,
    Kind("runuser-l", "unspecified", "user"): BATCH,
    Kind("systemd-run0", "unspecified", "background"): BATCH,
    Kind("su-l", "tty", "user", tty="pts/3"): INTERACTIVE,
    Kind("runuser-l", "tty", "user", tty="pts/4"): INTERACTIVE,
    Kind("systemd-run0", "tty", "user", tty="pts/5"): INTERACTIVE,
}


@pytest.mark.parametrize("kernel_id", [True, False], ids=["with a kernel id", "without one"])
def test_each_kind_of_login_has_its_logon_type(lab: Lab, kernel_id: bool) -> None:
    who = [f"--uid={lab.alice.uid}", *([f"--login-uid={lab.alice.uid}"] if kernel_id else [])]
    with contextlib.ExitStack() as stack:
        made = {kind: stack.enter_context(lab.machine.create_session(*who, *kind.options())) for kind in KINDS}
        kernel = lab.truth()
        logind = lab.logins()
        sessions = {row["login"]: row for row in lab.logonscope("sessions")}
        rows = {row["pid"]: row for row in lab.logonscope("ps")}

    assert {kind: logind[login.id]["Type"] for kind, login in made.items()} == {kind: kind.type for kind in KINDS}
    assert {kind: logind[login.id]["Class"] for kind, login in made.items()} == {kind: kind.cls for kind in KINDS}
    assert {kind: sessions[login.id]["logon_type"] for kind, login in made.items()} == KINDS
    for kind, login in made.items():
        session = sessions[login.id]
        assert session["logon_type_name"] == NAMES[KINDS[kind]]
        assert (session["leader"], session["service"], session["recorded_by"]) == (login.leader, kind.service, "logind")
        assert (session["remote_host"], session["remote_user"]) == (kind.remote_host or None, kind.remote_user or None)
        assert (session["seat"], session["user"]) == (kind.seat or None, "alice")
        number = kernel[login.leader]["sessionid"] if kernel_id else 2**32 + int(login.id.removeprefix("c"))
        assert rows[login.leader]["logon_id"] == session["logon_id"] == str(number)
        assert rows[login.leader]["evidence"] == ("audit" if kernel_id else "scope")
