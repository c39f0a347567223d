"""Tests of ownership/unseen_logins.py: chains of processes that show a login without the kernel's knowledge."""

import pytest

from logonscope.answers.session_process import SWITCHERS
from logonscope.facts import Machine, Process
from logonscope.ownership.unseen_logins import LOGIN_DAEMONS, find_unseen_logins

MACHINE = Machine("web1")
SYSTEM, LOGIN = "4294967295", "41"
ALICE, BOB, WWW = 1000, 1001, 33
Link = tuple[str, int]
"""The kernel name and the uid of a process."""


def chain(*links: Link, first: int = 1, cgroup: str = "/system.slice/x.service") -> list[Process]:
    """Return a chain of processes, each the parent of the next, numbered from the first pid."""
    pids = [first, *range(100, 100 + len(links) - 1)]
    parents = [0, *pids]
    return [
        Process(pid, comm=comm, uids=(uid,) * 4, ppid=parent, cgroup=cgroup)
        for pid, parent, (comm, uid) in zip(pids, parents, links, strict=False)
    ]


def kinds(links: list[Process], logon_id: str = SYSTEM, login_uid: int | None = None) -> list[tuple[str, int]]:
    """Return kind and pid of each sign."""
    return [sign[:2] for sign in find_unseen_logins(links, logon_id, login_uid, MACHINE)]


INIT = ("systemd", 0)
DOCKER = f"/system.slice/docker-{'3f' * 32}.scope"


@pytest.mark.parametrize(
    ("links", "signs"),
    [
        ([INIT], []),
        ([INIT, ("nginx", 0), ("nginx", WWW)], []),
        ([INIT, ("dropbear", 0)], []),
        ([INIT, ("dropbear", 0), ("dropbear", 0), ("bash", 0)], [("daemon", 101)]),
        ([INIT, ("dropbear", 0), ("dropbear", 0), ("bash", ALICE)], [("daemon", 101), ("user change", 102)]),
        ([INIT, ("sshd", 0), ("sshd-session", 0), ("sshd-session", ALICE), ("bash", ALICE)],
         [("daemon", 102), ("user change", 102)]),
        ([INIT, ("amazon-ssm-agen", 0), ("ssm-session-wor", 0), ("sh", ALICE)],
         [("daemon", 101), ("user change", 102)]),
        ([INIT, ("unknown-agent", 0), ("bash", ALICE)], [("user change", 101)]),
        ([INIT, ("unknown-agent", 0), ("bash", WWW)], []),
        ([INIT, ("bash", 0), ("su", 0), ("bash", ALICE)], []),
        ([INIT, ("app", ALICE)], []),
        ([INIT, ("app", ALICE), ("app", ALICE)], []),
        ([INIT, ("su", ALICE), ("bash", 0)], []),
    ],
)  # fmt: skip
def test_a_chain_of_the_system_session(links: list[Link], signs: list[tuple[str, int]]) -> None:
    assert kinds(chain(*links)) == signs


@pytest.mark.parametrize("name", sorted(SWITCHERS))
def test_a_program_that_switches_users_is_no_login(name: str) -> None:
    assert kinds(chain(INIT, ("bash", 0), (name, 0), ("bash", ALICE))) == []


@pytest.mark.parametrize("name", sorted(LOGIN_DAEMONS))
def test_a_daemon_that_lets_users_in_is_known_by_its_kernel_name(name: str) -> None:
    assert len(name.encode()) <= 15
    assert kinds(chain(INIT, (name, 0), ("bash", 0))) == [("daemon", 100)]


@pytest.mark.parametrize(
    ("cgroup", "signs"),
    [
        ("/system.slice/app.service", []),
        ("/system.slice/system-app.slice/app@1.service", []),
        ("/system.slice/dropbear.service", [("unit", 101)]),
        ("/system.slice/system-dropbear.slice/dropbear@3-127.0.0.1:22.service", [("unit", 101)]),
        ("/system.slice/snap.amazon-ssm-agent.amazon-ssm-agent.service", [("unit", 101)]),
        ("/system.slice/snap.lxd.daemon.service", []),
        ("/", [("orphan", 100)]),
        ("/init.scope", [("orphan", 100)]),
    ],
)
def test_a_process_whose_parents_have_ended(cgroup: str, signs: list[tuple[str, int]]) -> None:
    assert kinds(chain(INIT, ("bash", ALICE), ("sleep", ALICE), cgroup=cgroup)) == signs


def test_a_process_that_root_left_in_the_unit_of_a_login_daemon() -> None:
    unit = "/system.slice/dropbear.service"
    assert kinds(chain(INIT, ("sleep", 0), cgroup=unit)) == [("unit", 100)]
    assert kinds(chain(INIT, ("dropbear", 0), cgroup=unit)) == []


@pytest.mark.parametrize(
    ("command", "signs"),
    [
        ("/usr/sbin/sshd -D", [("unit", 100, "x")]),
        ("/usr/bin/amazon-ssm-agent", [("unit", 100, "x")]),
        ("ttyd", [("unit", 100, "x")]),
        ("/usr/sbin/nginx sshd", []),
        ("", []),
        (None, []),
    ],
)
def test_a_process_that_a_user_left_in_a_unit_with_the_command_of_a_login_daemon(
    command: str | None, signs: list[tuple[str, int, str]]
) -> None:
    links = chain(INIT, ("sleep", ALICE))
    assert [*find_unseen_logins(links, SYSTEM, None, MACHINE, read_service_command=lambda: command)] == signs


def test_the_command_of_a_service_is_read_only_where_it_decides() -> None:
    reads = list[int]()

    def read() -> None:
        reads.append(1)

    for links in (
        chain(INIT, ("nginx", 0), ("nginx", WWW)),
        chain(INIT, ("nginx", WWW)),
        chain(INIT, ("ttyd", ALICE)),
        chain(INIT, ("sleep", ALICE), cgroup="/system.slice/dropbear.service"),
        chain(INIT, ("sleep", ALICE), cgroup="/"),
    ):
        find_unseen_logins(links, SYSTEM, None, MACHINE, read_service_command=read)
    assert reads == []


@pytest.mark.parametrize(
    ("first", "link", "signs"),
    [
        (1, ("bash", ALICE), ["outside"]),
        (1, ("bash", 0), []),
        (7, ("bash", 0), ["outside"]),
        (7, ("bash", ALICE), ["outside"]),
        (2, ("kthreadd", 0), []),
    ],
)
def test_a_chain_that_begins_outside_this_pid_namespace(first: int, link: Link, signs: list[str]) -> None:
    assert [kind for kind, _ in kinds(chain(link, first=first))] == signs


@pytest.mark.parametrize(
    ("links", "signs"),
    [
        ([("sshd", 0), ("sshd", ALICE), ("bash", ALICE), ("sudo", 0), ("bash", 0)], []),
        ([("sshd", 0), ("sshd", ALICE), ("bash", ALICE), ("sudo", 0), ("bash", BOB)], []),
        ([("cron", 0), ("sh", ALICE), ("backup", ALICE)], []),
        ([("sshd", 0), ("sshd", 0), ("bash", ALICE), ("sudo", 0), ("dropbear", 0), ("dropbear", 0), ("bash", BOB)],
         [("daemon", 104), ("user change", 105)]),
        ([("sshd", 0), ("sshd", 0), ("bash", ALICE), ("sudo", 0), ("dropbear", 0), ("dropbear", 0), ("bash", ALICE)],
         [("daemon", 104), ("user change", 105)]),
        ([("dropbear", 0), ("dropbear", 0), ("bash", BOB)], [("user change", 101)]),
        ([("dropbear", 0), ("dropbear", 0), ("bash", ALICE)], []),
        ([("sshd", 0), ("bash", ALICE), ("sudo", 0), ("nginx", 0), ("nginx", WWW)], []),
    ],
)  # fmt: skip
def test_a_login_inside_a_login(links: list[Link], signs: list[tuple[str, int]]) -> None:
    assert kinds(chain(*links, first=99), LOGIN, ALICE) == signs


@pytest.mark.parametrize(
    ("cgroups", "signs"),
    [
        (["/system.slice/docker.service", DOCKER], []),
        (["/", DOCKER, DOCKER], [("user change", 102)]),
        (["/", DOCKER, f"{DOCKER}/inner"], [("user change", 102)]),
        (["/system.slice/agent.service", "/system.slice/agent.service"], [("user change", 101)]),
    ],
)
def test_the_first_process_of_a_container_is_no_login(cgroups: list[str], signs: list[tuple[str, int]]) -> None:
    roots = [(f"root{number}", 0) for number in range(len(cgroups) - 1)]
    links = chain(INIT, *roots, ("sleep", ALICE))
    placed = [link._replace(cgroup=cgroup) for link, cgroup in zip(links, ["/init.scope", *cgroups], strict=True)]
    assert kinds(placed) == signs


def test_what_is_masked_is_no_sign() -> None:
    masked = [link._replace(uids=None) for link in chain(INIT, ("agent", 0))]
    assert kinds([*masked, *chain(("bash", ALICE), first=101)]) == []


def test_a_daemon_in_a_login_that_does_not_descend_from_its_leader_is_a_sign() -> None:
    """The sshd that a login started, and its own user once more through it: kernel id and record are the first ones."""
    links = chain(("sshd", 0), ("sshd-session", 0), ("sshd-session", ALICE), ("bash", ALICE), first=99)
    own_leader, gone_leader = 99, 50
    assert find_unseen_logins(links, LOGIN, ALICE, MACHINE, leader=own_leader) == ()
    signs = find_unseen_logins(links, LOGIN, ALICE, MACHINE, leader=gone_leader)
    assert [sign[:2] for sign in signs] == [("daemon", 100)]
    assert (
        find_unseen_logins(links[2:], LOGIN, ALICE, MACHINE, leader=gone_leader) == ()
    )  # runs as the user: it proves nothing
    assert find_unseen_logins(links[:1], LOGIN, ALICE, MACHINE, leader=gone_leader) == ()  # the daemon itself
