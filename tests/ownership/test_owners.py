"""ownership/owners.py: every way to come to a process, and the logon session that it then belongs to.

A row of SCENARIOS is what /proc says of one process while the login records of its HOST stand; what comes out is the
LogonId and the evidence. Records and values as systemd 252 and 257 and elogind 246 keep them.
"""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import UNSET, Login, Process
from logonscope.ownership import join, owners

ALICE = "/user.slice/user-1000.slice"
BOB = "/user.slice/user-1001.slice"
POSTGRES = "/user.slice/user-110.slice/session-c1.scope"
SYSTEM = 4294967295
C = 2**32  # and N: logind's cN
M = 2**33  # and the uid: its user manager


def leader(pid: int, ses: int = UNSET) -> Process:
    return Process(pid, ses=ses, start=1)


def login(login_id: str, uid: int = 1000, **more: object) -> Login:
    """Make a record of logind: a session scope, unless it says otherwise."""
    return Login(id=login_id, uid=uid)._replace(**{"scope": f"session-{login_id}.scope", **more})  # type: ignore[arg-type]  # a table of fields


def manager(uid: int, ses: int = UNSET) -> Login:
    return login(f"user@{uid}.service", uid, cls="manager", scope=f"user@{uid}.service", process=leader(90 + uid, ses))


HOSTS = {
    "none": (),
    # alice by ssh (owns 41), her manager has 42, bob's has no kernel id; postgres by `su -` from a daemon
    "systemd 252": (
        login("41", audit=41, since=1, process=leader(4100, 41)),
        manager(1000, 42),
        manager(1001),
        login("c1", 110, since=2, service="su-l"),
    ),
    # in a container logind knows no audit ids, numbers everything cN, and the manager is a session
    "systemd 257": (
        login("c1", since=1, process=leader(4100, 41)),
        login("c2", since=1, cls="manager", scope=None, process=leader(4120, 42)),
        login("c3", 0, since=3, service="systemd-run0"),
        manager(1000, 42),
    ),
    # alice restarted sshd through sudo: c7 and c8 came with her 41
    "shared": (
        login("41", audit=41, since=1, process=leader(4100, 41)),
        login("c7", audit=41, since=5, process=leader(7000, 41), inherited=True),
        login("c8", audit=41, since=9, process=leader(8000, 41), inherited=True),
    ),
    # ... and then her first login ended
    "shared, the first gone": (
        login("c7", audit=41, since=5, process=leader(7000, 41), inherited=True),
        login("c8", audit=41, since=9, process=leader(8000, 41), inherited=True),
    ),
    # ... and of none of them is it known how it came by its id: the oldest owns it
    "shared, leaders gone": (
        login("c7", audit=41, since=5, gone=True),
        login("c8", audit=41, since=9, gone=True),
    ),
    "elogind": (
        login("3", audit=3, scope=None, process=leader(300, 3)),
        login("c4", 110, scope=None),
    ),
}


class Scenario(NamedTuple):
    """What is seen, and what follows."""

    what: str
    host: str
    ses: int | None
    cgroup: str | None
    logon_id: int | None
    evidence: str


SCENARIOS = [
    Scenario("ssh without a terminal", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("ssh -t in a container", "systemd 257", 41, f"{ALICE}/session-c1.scope", 41, "audit"),
    Scenario("sshd's monitor, root's", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("setsid, nohup, double fork", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("tmux after logout, the record gone", "none", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("tmux window from a second login", "shared", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("sudo, su, runuser in a login", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("unshare -Ur: loginuid reads unset", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("su - from a daemon", "systemd 252", UNSET, POSTGRES, C + 1, "scope"),
    Scenario("below its scope", "systemd 252", UNSET, f"{POSTGRES}/x", C + 1, "scope"),
    Scenario("run0", "systemd 257", UNSET, "/user.slice/user-0.slice/session-c3.scope", C + 3, "scope"),
    Scenario("systemd-run, system", "systemd 252", UNSET, "/system.slice/run-u7.service", SYSTEM, "none"),
    Scenario("systemd-run -p PAMName=cron", "systemd 252", 77, "/system.slice/run-u8.service", 77, "audit"),
    Scenario("user manager with a kernel id", "systemd 252", 42, f"{ALICE}/user@1000.service/init.scope", 42, "audit"),
    Scenario("user manager, no kernel id", "systemd 252", UNSET, f"{BOB}/user@1001.service/x", M + 1001, "manager"),
    Scenario("lingering, no record", "none", UNSET, f"{BOB}/user@1001.service/app.slice/x", M + 1001, "manager"),
    Scenario("systemd-run --user", "systemd 252", 42, f"{ALICE}/user@1000.service/app.slice/r.service", 42, "audit"),
    Scenario("systemd-run --user --scope", "systemd 252", 41, f"{ALICE}/user@1000.service/a/r.scope", 41, "audit"),
    Scenario("cron job, at job", "systemd 252", 63, "/system.slice/cron.service", 63, "audit"),
    Scenario("login -f", "systemd 252", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("daemon", "systemd 252", UNSET, "/system.slice/ssh.service", SYSTEM, "none"),
    Scenario("kernel thread", "systemd 252", UNSET, "/", SYSTEM, "none"),
    Scenario("zombie, its cgroup gone", "systemd 252", 41, "/", 41, "audit"),
    Scenario("alice's first login", "shared", 41, f"{ALICE}/session-41.scope", 41, "audit"),
    Scenario("her second, by scope", "shared", 41, f"{ALICE}/session-c7.scope", C + 7, "scope"),
    Scenario("her third, by scope", "shared", 41, f"{ALICE}/session-c8.scope", C + 8, "scope"),
    Scenario("the restarted sshd itself", "shared", 41, "/system.slice/ssh.service", 41, "audit"),
    Scenario("bob through that sshd", "shared", 50, f"{BOB}/session-50.scope", 50, "audit"),
    Scenario("the second, the first gone", "shared, the first gone", 41, f"{ALICE}/session-c7.scope", C + 7, "scope"),
    Scenario("the oldest, how is not known", "shared, leaders gone", 41, f"{ALICE}/session-c7.scope", 41, "audit"),
    Scenario("the other, how is not known", "shared, leaders gone", 41, f"{ALICE}/session-c8.scope", C + 8, "scope"),
    Scenario("moved into a login without an id", "systemd 252", UNSET, f"{ALICE}/session-41.scope", 41, "scope"),
    Scenario("moved below a manager", "systemd 252", UNSET, f"{ALICE}/user@1000.service/x", 42, "manager"),
    Scenario("another's id in a login's scope", "systemd 252", 99, f"{ALICE}/session-41.scope", 99, "audit"),
    Scenario("scope forged below a delegated tree", "systemd 252", UNSET,
             f"{BOB}/user@1001.service{POSTGRES}", M + 1001, "manager"),
    Scenario("forged in one's own login", "shared", 41, f"{ALICE}/session-41.scope/session-c7.scope", 41, "audit"),
    Scenario("container's scope of the same name", "systemd 252", UNSET,
             f"/machine.slice/m.scope{POSTGRES}", SYSTEM, "none"),
    Scenario("nspawn's payload", "systemd 252", UNSET, f"/payload{POSTGRES}", SYSTEM, "none"),
    Scenario("seen from inside a container", "systemd 252", UNSET,
             f"/../..{POSTGRES}", SYSTEM, "none"),
    Scenario("scope in another user's slice", "systemd 252", UNSET,
             "/user.slice/user-1000.slice/session-c1.scope", SYSTEM, "none"),
    Scenario("scope that logind does not know", "systemd 252", UNSET, f"{ALICE}/session-c9.scope", SYSTEM, "none"),
    Scenario("manager of one user in another's slice", "none", UNSET, f"{ALICE}/user@1001.service/x", SYSTEM, "none"),
    Scenario("a name that begins like a scope's", "systemd 252", UNSET,
             f"{POSTGRES}.d", SYSTEM, "none"),
    Scenario("engine started in a login", "systemd 252", 41, "/docker/0123", 41, "audit"),
    Scenario("kernel without audit, in a scope", "systemd 252", None, POSTGRES, C + 1, "scope"),
    Scenario("kernel without audit, daemon", "systemd 252", None, "/system.slice/x.service", SYSTEM, "none"),
    Scenario("hidepid", "systemd 252", None, None, None, "unread"),
    Scenario("elogind, by its id", "elogind", 3, "/3", 3, "audit"),
    Scenario("elogind, without one", "elogind", UNSET, "/c4/sub", C + 4, "scope"),
    Scenario("elogind, another cgroup", "elogind", UNSET, "/c5", SYSTEM, "none"),
]  # fmt: skip


@pytest.mark.parametrize("row", SCENARIOS, ids=[row.what for row in SCENARIOS])
def test_a_process_belongs_to_the_logon_session_that_it_came_from(row: Scenario) -> None:
    owner = owners(join(HOSTS[row.host]))(Process(9, ses=row.ses, cgroup=row.cgroup))
    assert (owner.logon, owner.evidence) == (row.logon_id and str(row.logon_id), row.evidence)


def test_the_owner_carries_the_login_that_vouches_for_it() -> None:
    decide = owners(join(HOSTS["shared"]))
    second = decide(Process(9, ses=41, cgroup=f"{ALICE}/session-c7.scope")).login
    assert second is not None
    assert second.id == "c7"
    assert decide(Process(9, ses=63, cgroup="/")).login is None


def test_a_cgroup_that_could_not_be_read_is_unknown_and_not_the_system() -> None:
    owner = owners(join(()))(Process(9, ses=UNSET, unread={"cgroup": "Permission denied"}))
    assert owner.logon is None


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    rows = [row for row in SCENARIOS if row.host == "shared"]
    for order in (rows, rows[::-1]):
        decide = owners(join(HOSTS["shared"]))
        given_order = [decide(Process(9, ses=row.ses, cgroup=row.cgroup)) for row in order]
        assert [(owner.logon, owner.evidence) for owner in given_order] == [
            (str(r.logon_id), r.evidence) for r in order
        ]


@given(
    st.sampled_from(sorted(HOSTS)),
    st.one_of(st.none(), st.integers(0, UNSET)),
    st.one_of(st.none(), st.text(st.characters(exclude_characters="\n"), max_size=80).map(lambda text: "/" + text)),
)
def test_the_association_is_total(host: str, ses: int | None, cgroup: str | None) -> None:
    owner = owners(join(HOSTS[host]))(Process(9, ses=ses, cgroup=cgroup))
    if ses is None and cgroup is None:
        assert owner.evidence == "unread"
    else:
        assert owner.logon is not None
        assert owner.logon.isdecimal()
        assert owner.evidence in {"scope", "audit", "manager", "none"}
