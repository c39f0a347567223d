"""Tests of faces/cli/whose_text.py: every answer is a sentence, whatever is unknown."""

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import OuterLogin, UnseenLogin, Whose
from logonscope.faces.cli.whose_text import (
    describe_authentication,
    describe_evidence,
    describe_login,
    describe_outer_logins,
    describe_parents,
    describe_processes,
    describe_unseen_logins,
    group_headline,
    headline,
    lookup_commands,
)
from logonscope.facts import Socket

ALICE = LogonSession("41", user="alice", uid=1000, logon_type=3, logon_type_name="Network", sources={"logon_type": "x"})


def row(pid: int, name: str = "sh", uid: int | None = 1000, ppid: int = 1) -> SessionProcess:
    user = {0: "root", 1000: "alice"}.get(uid or 0)
    return SessionProcess("41", "audit", pid, ppid, name, user, uid, 1000, None, None, "S", None, None, None, {})


def whose(*chain: SessionProcess, session: LogonSession = ALICE, sockets: tuple[Socket, ...] = ()) -> Whose:
    last = chain[-1]
    return Whose(":22", last.pid, session.logon_id, "audit", session, last, chain, sockets)


def test_what_is_not_known_is_left_out_of_the_headline() -> None:
    assert headline(whose(row(7))) == "7 (sh) belongs to logon session 41: alice (uid 1000) logged in."
    unknown_user = ALICE._replace(user=None, uid=None)
    assert (
        headline(whose(row(7), session=unknown_user))
        == "7 (sh) belongs to logon session 41: an unknown user logged in."
    )


def test_the_remote_user_is_one_of_the_remote_host_or_of_this_one() -> None:
    remote = ALICE._replace(remote_host="203.0.113.7", remote_user="root", service="rlogin")
    assert headline(whose(row(7), session=remote)).endswith("logged in from 203.0.113.7 (there root) through rlogin.")
    local = ALICE._replace(remote_user="root", service="su-l")
    assert headline(whose(row(7), session=local)).endswith("alice (uid 1000) logged in through su-l (called by root).")


def test_an_unknown_login_program_can_have_been_sshd() -> None:
    assert describe_authentication(ALICE) == "not known: no ssh login"
    for dropbear in (
        ALICE._replace(service="dropbear"),
        ALICE._replace(service=None, sources={"logon_type": "dropbear, terminal pts/0"}),
    ):
        expected = "not known: only the log of sshd is read, not that of dropbear"
        assert describe_authentication(dropbear) == expected
    unknown = ALICE._replace(logon_type=None, logon_type_name=None, sources={})
    assert describe_authentication(unknown) == "not known: the login program is not known"


def test_a_thread_is_named_as_one() -> None:
    answer = whose(row(7))._replace(target="8")
    assert headline(answer).startswith("8 is a thread of 7 (sh), which belongs to logon session 41")


def test_a_connection_names_both_ends() -> None:
    socket = Socket("tcp6", "::1", 22, "fe80::2", 5022, "ESTABLISHED", 1)
    assert "which holds the tcp6 connection [::1]:22 with [fe80::2]:5022," in headline(whose(row(7), sockets=(socket,)))
    assert headline(whose(row(7), sockets=(socket, socket))).count("[::1]:22") == 1
    listener = socket._replace(state="LISTEN", remote_address="::", remote_port=0)
    both = headline(whose(row(7), sockets=(listener, listener._replace(protocol="udp6", state=""))))
    assert "which listens on tcp6 [::1]:22 and listens on udp6 [::1]:22," in both
    many = tuple(socket._replace(remote_port=port) for port in range(9))
    assert " and 6 more," in headline(whose(row(7), sockets=many))


def test_a_chain_that_lost_its_parents_says_so() -> None:
    assert describe_parents(whose(row(7, ppid=1))) == "sh 7 (its parents in this login have ended)"
    assert describe_parents(whose(row(6), row(7, ppid=6))) == "sh 6 > sh 7"


def test_without_a_login_record_it_says_so() -> None:
    assert describe_login(ALICE).startswith(
        "Network (3): x; no login service has a record of it: state and origin are not known"
    )
    forgotten = ALICE._replace(login="c1", scope="session-c1.scope")
    assert "has a record of it any more: type, state and origin are not known" in describe_login(forgotten)
    assert "journalctl -t systemd-logind --grep 'session c1 '" in list(
        lookup_commands(whose(row(7), session=forgotten))
    )
    answer = whose(row(7), session=forgotten)._replace(evidence="scope")
    assert "is that of a login whose record is gone, c1" in describe_evidence(answer)


def test_without_a_login_record_an_empty_unit_means_logged_out() -> None:
    left = ALICE._replace(state="logged out", sources={"logon_type": "cron", "state": "nothing runs there"})
    assert describe_login(left) == "Network (3): cron; logged out: nothing runs there; the process is a leftover"


def test_a_terminal_is_that_of_the_process() -> None:
    answer = whose(row(7)._replace(tty="pts/1"), session=ALICE._replace(tty="pts/0"))
    assert headline(answer) == "7 (sh) on pts/1 belongs to logon session 41: alice (uid 1000) logged in."


@pytest.mark.parametrize(
    ("join", "ending"),
    [
        ("record", "inherited"),
        ("leader", "which has this id"),
        ("scope", "whose processes have this id"),
        (None, "inherited"),
    ],
)
def test_the_evidence_says_by_what_the_record_was_found(join: str | None, ending: str) -> None:
    assert describe_evidence(whose(row(7), session=ALICE._replace(join_evidence=join))).endswith(ending)


def test_a_login_that_is_gone_names_its_leader() -> None:
    gone = ALICE._replace(recorded_by="logind", login="41", state="logged out", leader=99)
    assert (
        describe_login(gone)
        == "Network (3): x; logged out (logind session 41): its leader 99 is gone, the process is a leftover"
    )


def test_an_unknown_evidence_is_passed_on() -> None:
    answer = whose(row(7))
    assert describe_evidence(answer).startswith("audit: ")
    assert describe_evidence(answer._replace(evidence="live")) == "live"


def test_look_ups_are_commands_that_exist_elsewhere() -> None:
    assert list(lookup_commands(whose(row(7)))) == [
        "journalctl _AUDIT_SESSION=41",
        "ausearch --session 41",
        "logonscope tree 41",
    ]


@pytest.mark.parametrize(
    ("runtime", "container_id", "pod_uid", "command"),
    [
        ("docker", "3f9a", None, "docker inspect 3f9a"),
        ("podman", "3f9a", None, "podman inspect 3f9a"),
        ("containerd", "3f9a", None, "nerdctl inspect 3f9a"),
        ("containerd", "3f9a", "5a7c", "crictl inspect 3f9a"),
        ("cri-o", "3f9a", "5a7c", "crictl inspect 3f9a"),
        ("kubernetes", "3f9a", "5a7c", "crictl inspect 3f9a"),
        ("lxc", "web;reboot", None, "lxc-info -n 'web;reboot'"),
        ("nspawn", "web", None, "machinectl status web"),
    ],
)
def test_the_look_up_of_a_container_is_its_engines(
    runtime: str, container_id: str, pod_uid: str | None, command: str
) -> None:
    process = row(7)._replace(container_id=container_id, container_runtime=runtime, pod_uid=pod_uid)
    assert next(lookup_commands(whose(process))) == command


SYSTEM = LogonSession("4294967295", logon_type=0, logon_type_name="System", sources={"logon_type": "x"})
INIT = row(1, "systemd", 0, 0)


def system(*chain: SessionProcess, signs: tuple[UnseenLogin, ...] | None = ()) -> Whose:
    return whose(*chain, session=SYSTEM)._replace(evidence="none", unseen_logins=signs)


def test_a_process_of_the_system_session_says_as_whom_it_runs() -> None:
    assert headline(system(INIT)) == "1 (systemd) belongs to the System session: no login started it."
    answer = system(INIT, row(7))
    end = "belongs to the System session: no login started it; it runs as alice (uid 1000)."
    assert headline(answer) == f"7 (sh) {end}"
    assert describe_parents(answer) == "systemd 1 > sh 7 [as alice]"
    unnamed = system(INIT, row(7)._replace(user=None, uid=4000))
    assert headline(unnamed).endswith("it runs as uid 4000.")
    assert describe_parents(unnamed) == "systemd 1 > sh 7 [as 4000]"


def test_a_process_of_an_unknown_user_says_so() -> None:
    processes = [row(7), row(8)._replace(user=None, uid=4000), row(9)._replace(user=None, uid=None)]
    text = describe_processes([whose(process) for process in processes])
    assert text == "sh 7 as alice, sh 8 as 4000, sh 9 as an unknown user"


@pytest.mark.parametrize("signs", [None, (UnseenLogin("daemon", 6, "dropbear"),)])
def test_the_text_no_login_started_it_appears_only_where_that_is_known(signs: tuple[UnseenLogin, ...] | None) -> None:
    answer = system(INIT, row(6, "dropbear", 0), row(7, ppid=6), signs=signs)
    end = "no login is known to the kernel; it runs as alice (uid 1000)."
    assert headline(answer) == f"7 (sh) belongs to the System session: {end}"
    root = system(INIT, row(6, "dropbear", 0), row(7, uid=0, ppid=6), signs=signs)
    assert headline(root).endswith("kernel; it runs as root (uid 0)." if signs else "kernel.")


@pytest.mark.parametrize(
    ("signs", "end"),
    [
        ((), "no login started them."),
        (None, "no login is known to the kernel."),
        ((UnseenLogin("daemon", 6, "dropbear"),), "no login is known to the kernel."),
    ],
)
def test_the_headline_of_a_group_says_no_login_started_them_only_where_that_is_known(
    signs: tuple[UnseenLogin, ...] | None, end: str
) -> None:
    listener = Socket("tcp", "127.0.0.1", 80, "127.0.0.1", 0, "LISTEN", 5)
    processes = (system(INIT, row(pid), signs=signs)._replace(sockets=(listener,)) for pid in (7, 8))
    assert group_headline([*processes]).endswith(f"listen on tcp 127.0.0.1:80, belong to the System session: {end}")


def test_ones_own_process_without_a_login_is_ones_own() -> None:
    answer = system(row(7))._replace(is_own=True)
    assert headline(answer) == "7 (sh) is yours: it runs as alice (uid 1000), and no login is known to the kernel."


@pytest.mark.parametrize(
    ("sign", "sentence"),
    [
        (UnseenLogin("daemon", 6, "dropbear"), "dropbear 6, one of its parents, can let users in without the kernel's"),
        (UnseenLogin("unit", 7, "dropbear"), "it is in the unit dropbear, which can let users in without the kernel's"),
        (
            UnseenLogin("user change", 7, "sh"),
            "dropbear 6 (root) started sh 7 as alice (uid 1000) without su or sudo, as for a login",
        ),
        (UnseenLogin("orphan", 7, "sh"), "the parents of sh 7, which runs as alice (uid 1000), have ended"),
        (UnseenLogin("outside", 6, "dropbear"), "what started dropbear 6 is outside of what can be seen here"),
    ],
)
def test_every_sign_of_an_unseen_login_is_a_sentence(sign: UnseenLogin, sentence: str) -> None:
    answer = system(INIT, row(6, "dropbear", 0), row(7, ppid=6), signs=(sign,))
    (text,) = describe_unseen_logins(answer)
    assert text.startswith(sentence)
    assert ("[as alice, without su or sudo]" in describe_parents(answer)) == (sign.kind == "user change")


def test_the_login_that_a_login_began_in_is_a_sentence() -> None:
    outer = OuterLogin("41", "alice", 1000, 4300, "sudo")
    (text,) = describe_outer_logins(whose(row(7))._replace(outer_logins=(outer,)))
    assert text == "this login began in logon session 41 of alice (uid 1000): sudo 4300 started it"
    outer_logins = (outer, outer._replace(logon_id="37", user=None))
    _, text = describe_outer_logins(whose(row(7))._replace(outer_logins=outer_logins))
    assert text == "that login began in logon session 37 of uid 1000: sudo 4300 started it"
    assert not [*describe_outer_logins(whose(row(7)))]


CONTAINER = "3f9a1c0b2d4e" + "7" * 52


def test_a_container_is_named_by_the_short_form_of_its_id() -> None:
    process = row(7)._replace(container_id=CONTAINER, container_runtime="docker")
    assert headline(whose(process)).startswith("7 (sh) in container 3f9a1c0b2d4e (docker) belongs to logon session 41:")
    process = row(7)._replace(container_id="web", container_runtime="lxc")
    assert headline(whose(process)).startswith("7 (sh) in container web (lxc) belongs")


def test_a_foreign_uid_is_one_of_its_container() -> None:
    foreign = ALICE._replace(user=None, uid=1002, is_foreign=True)
    docker = foreign._replace(container_id=CONTAINER, container_runtime="docker")
    assert headline(whose(row(7), session=docker)).endswith(": uid 1002 of container 3f9a1c0b2d4e (docker) logged in.")
    assert headline(whose(row(7), session=foreign)).endswith(
        ": uid 1002 of another root directory (with its own pid namespace) logged in."
    )
    unmapped = docker._replace(uid=None)
    assert "an unknown user of container 3f9a1c0b2d4e (docker)" in headline(whose(row(7), session=unmapped))
