"""ownership/logon_type.py: what kind of login is it, row by row of the mapping?"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.ownership.logon_type import NAMES, Traits, authentication_package, logon_type

MAPPING: list[tuple[int | None, dict[str, Any]]] = [
    (0, {"system": True}),
    (0, {"system": True, "service": "sshd", "cls": "user"}),
    (5, {"cls": "manager", "service": "systemd-user"}),
    (5, {"cls": "manager-early"}),
    (5, {"service": "systemd-user"}),
    (5, {"origin": "systemd"}),
    (4, {"cls": "background", "service": "cron"}),
    (4, {"cls": "user", "service": "atd"}),
    (4, {"service": "crond"}),
    (4, {"service": "anacron"}),
    (4, {"cls": "background", "service": "login", "type": "unspecified"}),
    (4, {"cls": "background-light", "service": "my-batch"}),
    (7, {"cls": "lock-screen", "type": "wayland", "seat": "seat0"}),
    (2, {"cls": "greeter", "service": "gdm-launch-environment", "seat": "seat0"}),
    (2, {"cls": "user", "service": "su-l", "tty": "pts/1"}),
    (4, {"cls": "background", "service": "su-l"}),
    (2, {"cls": "user", "service": "runuser-l", "tty": "pts/1"}),
    (4, {"cls": "background", "service": "systemd-run0"}),
    (2, {"service": "machine-shell", "tty": "pts/2", "cls": "user"}),
    (10, {"cls": "user", "service": "gdm-password", "type": "wayland", "remote": True}),
    (10, {"cls": "user", "service": "xrdp-sesman", "type": "x11", "remote": True}),
    (10, {"cls": "user", "service": "tigervnc", "remote": True}),
    (10, {"cls": "user", "service": "cockpit", "type": "web", "remote": True}),
    (10, {"cls": "user", "service": "remote", "tty": "pts/4", "remote": True}),
    (10, {"cls": "user", "service": "sshd", "tty": "pts/0", "remote": True, "type": "tty"}),
    (3, {"cls": "user", "service": "sshd", "remote": True, "type": "tty"}),
    (3, {"cls": "user", "service": "sshd", "remote": True, "password": False}),
    (8, {"cls": "user", "service": "sshd", "remote": True, "password": True}),
    (None, {"cls": "user", "service": "sshd", "remote": True, "tty_known": False}),
    (3, {"cls": "background", "service": "vsftpd", "remote": True}),
    (8, {"cls": "background", "service": "dovecot", "password": True}),
    (3, {"cls": "background", "service": "samba"}),
    (2, {"cls": "user", "service": "login", "tty": "tty1", "seat": "seat0", "remote": False}),
    (2, {"cls": "user", "service": "gdm-password", "type": "x11", "seat": "seat0", "remote": False}),
    (2, {"cls": "user", "service": "lightdm", "remote": False}),
    (2, {"cls": "user", "service": "sddm", "type": "wayland"}),
    (10, {"origin": "sshd", "tty": "pts/3"}),
    (3, {"origin": "sshd"}),
    (10, {"origin": "sshd-session", "tty": "pts/3"}),
    (4, {"origin": "cron"}),
    (4, {"origin": "CRON"}),
    (4, {"origin": "atd"}),
    (2, {"origin": "login", "tty": "tty2"}),
    (None, {"origin": "python3"}),
    (None, {"origin": "bash", "tty": "pts/1"}),
    (None, {}),
]


@pytest.mark.parametrize(("expected", "traits"), MAPPING, ids=[str(sorted(traits.items())) for _, traits in MAPPING])
def test_each_row_of_the_mapping(expected: int | None, traits: dict[str, Any]) -> None:
    assert logon_type(Traits(**traits))[0] == expected


TEXT = st.one_of(st.none(), st.sampled_from(["sshd", "cron", "su-l", "login", "user", "background", "x11", "tty", "?"]))


@given(
    st.builds(
        Traits,
        st.booleans(),
        TEXT,
        TEXT,
        TEXT,
        TEXT,
        st.one_of(st.none(), st.booleans()),
        TEXT,
        st.booleans(),
        st.one_of(st.none(), st.booleans()),
        TEXT,
    )
)
def test_whatever_is_known_it_is_a_documented_value_and_never_new_credentials(traits: Traits) -> None:
    kind, because = logon_type(traits)
    assert kind is None or (kind in NAMES and kind != 9)
    assert because


def test_the_authentication_package_is_pam_where_pam_is_all_that_could_have_decided() -> None:
    assert authentication_package(Traits(service="login"))[0] == "PAM"
    assert authentication_package(Traits(service="sshd"))[0] is None
    assert authentication_package(Traits())[0] is None
    assert authentication_package(Traits(system=True, service="login"))[0] is None
