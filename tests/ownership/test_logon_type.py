"""Tests of ownership/logon_type.py: every way to log in gets the LogonType that Windows would give, without a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.ownership.logon_type import RULES, Traits, authentication_package, logon_type

SSH = Traits(cls="user", type="tty", service="sshd", remote=True)
LOCAL = Traits(cls="user", type="unspecified", remote=False)

TABLE = [
    # nobody logged in
    (Traits(system=True), 0, "no login is known to the kernel"),
    # user managers
    (Traits(cls="manager", service="systemd-user"), 5, "class manager"),
    (Traits(cls="manager-early"), 5, "class manager-early"),
    (Traits(service="systemd-user"), 5, "PAM service systemd-user"),
    # batches
    (Traits(cls="background", service="cron"), 4, "PAM service cron"),
    (Traits(service="crond"), 4, "PAM service crond"),
    (Traits(cls="background-light", service="atd"), 4, "PAM service atd"),
    (Traits(service="anacron"), 4, "PAM service anacron"),
    (Traits(cls="background", service="login"), 4, "class background"),
    (Traits(cls="background-light", service="my-unit"), 4, "class background-light"),
    # the screens of a display manager
    (Traits(cls="lock-screen", seat="seat0"), 7, "class lock-screen"),
    (Traits(cls="greeter", seat="seat0", service="gdm-launch-environment"), 2, "class greeter"),
    # a change of user that is a login of its own
    (Traits(cls="background", service="su-l"), 4, "PAM service su-l"),
    (Traits(cls="background", service="su-l", tty="pts/3"), 2, "PAM service su-l"),
    (Traits(cls="user", service="su", tty="pts/3"), 2, "PAM service su"),
    (Traits(cls="background", service="runuser-l"), 4, "PAM service runuser-l"),
    (Traits(cls="background", service="systemd-run0", tty="pts/0"), 2, "PAM service systemd-run0"),
    (Traits(cls="user", service="machine-shell", tty="pts/0"), 2, "PAM service machine-shell"),
    # ssh
    (SSH._replace(tty="pts/0"), 10, "sshd, terminal pts/0"),
    (SSH, 3, "sshd, no terminal"),
    (SSH._replace(tty_known=False), None, "sshd; whether it had a terminal is not known"),
    (SSH._replace(tty_known=False, tty="pts/0"), 10, "sshd, terminal pts/0"),
    # other remote logins with a screen or a terminal
    (Traits(cls="user", type="x11", service="xrdp-sesman", remote=True), 10, "PAM service xrdp-sesman"),
    (Traits(cls="user", type="wayland", service="gdm-password", remote=True), 10, "remote, type wayland"),
    (Traits(cls="user", type="web", service="cockpit", remote=True), 10, "remote, type web"),
    (Traits(cls="user", type="unspecified", service="tigervnc", remote=True), 10, "PAM service tigervnc"),
    # remote desktops by their service: not all of them tell PAM where the user comes from
    (Traits(cls="user", type="unspecified", service="xrdp-sesman", remote=False), 10, "PAM service xrdp-sesman"),
    (LOCAL._replace(type="x11", service="vncserver-x11-serviced"), 10, "PAM service vncserver-x11-serviced"),
    (LOCAL._replace(tty="pts/9", service="x2gobroker"), 10, "PAM service x2gobroker"),
    (LOCAL._replace(type="wayland", service="gnome-remote-desktop"), 10, "PAM service gnome-remote-desktop"),
    (LOCAL._replace(service="nx"), 10, "PAM service nx"),
    (LOCAL._replace(seat="seat0", service="nxinx"), 2, "seat seat0"),
    (Traits(cls="user", type="tty", service="remote", tty="pts/1", remote=True), 10, "remote, terminal pts/1"),
    # network services
    (Traits(service="vsftpd", remote=True), 3, "PAM service vsftpd"),
    (Traits(service="dovecot"), 3, "PAM service dovecot"),
    (Traits(cls="background", service="samba"), 3, "PAM service samba"),
    (Traits(service="rsync"), 3, "PAM service rsync"),
    # in front of the machine
    (LOCAL._replace(seat="seat0", service="gdm-password"), 2, "seat seat0"),
    (LOCAL._replace(tty="tty1", service="login"), 2, "terminal tty1"),
    (LOCAL._replace(type="wayland"), 2, "type wayland"),
    (LOCAL._replace(type="tty"), 2, "type tty"),
    # where no login service vouches, what it began with
    (Traits(program="sshd"), 3, "sshd, no terminal"),
    (Traits(program="sshd-session", tty="pts/0"), 10, "sshd, terminal pts/0"),
    (Traits(program="dropbear", tty="pts/0"), 10, "dropbear, terminal pts/0"),
    (Traits(program="dropbear", tty_known=False), None, "dropbear; whether it had a terminal is not known"),
    (SSH._replace(service="dropbear"), 3, "dropbear, no terminal"),
    (Traits(program="cron"), 4, "started by cron"),
    (Traits(program="CRON"), 4, "started by CRON"),
    (Traits(program="sshd", tty_known=False), None, "sshd; whether it had a terminal is not known"),
    (Traits(program="atd"), 4, "started by atd"),
    (Traits(program="systemd"), 5, "started by systemd"),
    (Traits(program="login"), 2, "started by login"),
    # what is not known is no guess
    (Traits(), None, "no evidence of the kind of login"),
    (Traits(program="bash"), None, "no evidence of the kind of login"),
    (Traits(cls="user", type="unspecified", service="mystery", remote=True), None,
     "no evidence of the kind of login"),
    (Traits(tty="pts/0"), None, "no evidence of the kind of login"),
]  # fmt: skip


@pytest.mark.parametrize(("traits", "number", "because"), TABLE)
def test_the_logon_type_is_that_of_the_table(traits: Traits, number: int | None, because: str) -> None:
    assert logon_type(traits) == (number, because)


@pytest.mark.parametrize("service", ["login", "sddm", "lightdm", "gdm-password", "sddm-autologin"])
def test_a_login_program_of_the_machine_itself_says_so_by_its_name(service: str) -> None:
    assert logon_type(LOCAL._replace(service=service)) == (2, f"PAM service {service}")


words = st.none() | st.sampled_from([
    "sshd", "cron", "login", "su-l", "systemd-user", "user", "manager", "greeter", "lock-screen", "background", "x11",
    "tty", "unspecified", "seat0", "pts/0", "vsftpd", "xrdp-sesman", "sshd-session", "systemd", "bash",
])  # fmt: skip
flags = st.none() | st.booleans()
any_traits = st.builds(
    Traits, system=st.booleans(), cls=words, type=words, service=words, seat=words, remote=flags, tty=words,
    tty_known=st.booleans(), program=words,
)  # fmt: skip


@given(any_traits)
def test_every_login_gets_a_documented_type_or_none_and_never_one_that_linux_has_no_fact_for(traits: Traits) -> None:
    number, because = logon_type(traits)
    assert number is None or number in LOGON_TYPES
    assert number not in {8, 9}  # how a user authenticated, and credentials for the network alone
    assert because


def test_every_rule_speaks_for_some_login_of_the_table() -> None:
    spoken = {next(at for at, rule in enumerate(RULES) if rule.applies(traits)) for traits, _, _ in TABLE}
    assert spoken == set(range(len(RULES)))


def test_the_names_are_those_that_are_documented() -> None:
    assert sorted(LOGON_TYPES) == [0, *range(2, 14)]
    assert (LOGON_TYPES[0], LOGON_TYPES[2], LOGON_TYPES[3], LOGON_TYPES[10]) == (
        "System",
        "Interactive",
        "Network",
        "RemoteInteractive",
    )


@pytest.mark.parametrize(
    ("traits", "package"),
    [
        (Traits(system=True), None),
        (Traits(), None),
        (Traits(service="sshd"), None),
        (Traits(service="login"), "PAM"),
        (Traits(service="cron"), "PAM"),
    ],
)
def test_the_authentication_package_is_pam_or_not_known(traits: Traits, package: str | None) -> None:
    assert authentication_package(traits)[0] == package


def test_the_system_session_has_no_authentication() -> None:
    assert authentication_package(Traits(system=True)) == (None, "no login is known to the kernel")
