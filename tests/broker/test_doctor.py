"""Tests of broker/doctor.py: checks report what is missing, what is worth knowing, and what helps."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from logonscope.answers.check import Check
from logonscope.facts import UNSET, LoginHistory, Process, Service, Socket, UnitRequest
from logonscope.machine import Look, Trouble
from logonscope.machine.snapshot import Snapshot
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT, user


def checks(snapshot: Snapshot | None = None, caller: Any = ROOT) -> dict[str, Check]:
    """Return what doctor finds, by what it looked at."""
    found = broker.doctor(Memory(snapshot or example.snapshot()).request(caller))
    assert len({check.subject for check in found}) == len(found)
    return {check.subject: check for check in found}


def with_machine(**facts: Any) -> Snapshot:
    """Return the example host on another machine."""
    return example.snapshot()._replace(machine=example.MACHINE._replace(**facts))


def test_a_sound_machine_needs_nothing_done() -> None:
    found = checks()
    assert [check.ok for check in found.values()] == [True] * 5
    assert found["rights"].finding == "root may see every logon session"
    assert found["/proc"].finding == "16 processes"
    assert found["login service"].finding == "4 login records"
    finding = "1 without a login record: 63 (root), as is usual for jobs of cron and at"
    assert found["logon sessions"] == Check("logon sessions", True, finding, "")


def test_a_login_without_a_record_is_not_a_job() -> None:
    snapshot = example.snapshot()
    logins = tuple(login for login in snapshot.logins if login.audit != 41)
    found = checks(snapshot._replace(logins=logins))["logon sessions"]
    assert found.ok is None
    assert found.finding.startswith("2 without a login record: ")
    assert "such as 41 get one" in found.advice


def test_a_caller_without_elevation_is_reported() -> None:
    found = checks(caller=user(1000))
    assert found["rights"] == Check(
        "rights", None, "uid 1000 may see only its own logon sessions", "run it as root to see all"
    )
    assert found["/proc"].finding == "16 processes, of which you may see 6"
    assert found["login service"].finding == "2 login records"


def test_of_login_records_that_are_hidden_it_says_no_more_than_of_none() -> None:
    found = checks(caller=user(12345))["login service"]
    assert found == Check(
        "login service", None, "no login that you may see has a record", "run it as root to check the others"
    )
    without = example.snapshot()._replace(logins=())
    assert checks(without, user(12345))["login service"] == found


def test_what_access_rules_hide_is_no_fault_of_the_machine() -> None:
    """The process is alice's, but runs as root: its details are hidden from her, and could be read."""
    assert [name for name in checks(caller=user(1000)) if name.startswith("fact ")] == []
    assert [name for name in checks(caller=user(110)) if name.startswith("fact ")] == []


def test_a_kernel_without_audit_is_wrong() -> None:
    assert checks(with_machine(audit=False))["kernel ids"].ok is False
    assert checks()["kernel ids"].ok is True


def test_a_proc_that_hides_process_1_is_wrong() -> None:
    snapshot = example.snapshot()._replace(processes=example.PROCESSES[1:])
    assert checks(snapshot)["/proc"].ok is False
    assert checks(snapshot, user(1000))["/proc"].ok is True


def test_what_cannot_be_read_is_counted_by_its_reason() -> None:
    unread = {"fds": "Permission denied", "exe": "No such file or directory"}
    processes = [process._replace(fds=None, exe=None, unread=unread) for process in example.PROCESSES[:3]]
    found = checks(example.snapshot()._replace(processes=[*processes, *example.PROCESSES[3:]]))
    pids = ", ".join(str(process.pid) for process in example.PROCESSES[:2])
    assert found["fact fds"].finding == f"not readable for 3 of 16 processes (pid {pids}, ...): Permission denied"
    assert "fact exe" not in found


def test_the_pids_of_what_cannot_be_read_are_for_callers_who_see_everything() -> None:
    processes = [process._replace(cgroup=None, unread={"cgroup": "x"}) for process in example.PROCESSES]
    snapshot = example.snapshot()._replace(processes=processes)
    assert "(pid " in checks(snapshot)["fact cgroup"].finding
    hers = [check.finding for check in checks(snapshot, user(1000)).values() if check.finding.endswith(": x")]
    assert hers
    assert "(pid " not in "".join(hers)


def test_the_reader_of_a_partial_recording_gets_all_that_it_has() -> None:
    processes = [process._replace(exe=None, unread={"exe": "Permission denied"}) for process in example.PROCESSES]
    memory = Memory(example.snapshot()._replace(processes=processes))
    memory.partial = "made by alice"
    found = {check.subject: check for check in broker.doctor(memory.request(ROOT))}
    assert "(pid " in found["fact exe"].finding
    # the user who made the recording was not root
    assert found["fact exe"].advice == "run it as root"


def test_the_remedy_for_what_cannot_be_read_depends_on_the_reason() -> None:
    hang = "the processes wait for something, often a dead FUSE or NFS mount; see /proc/PID/wchan"
    rights = "a security module (SELinux, AppArmor) denies it, or the container or service lacks CAP_SYS_PTRACE"
    for reason, remedy in (
        ("Permission denied", rights),
        ("no answer within 2 s", hang),
        ("not tried: the arguments of too many other processes hang", hang),
    ):
        processes = [process._replace(cmdline=None, unread={"cmdline": reason}) for process in example.PROCESSES]
        snapshot = example.snapshot()._replace(processes=processes)
        assert checks(snapshot)["fact cmdline"].advice == remedy
    # another user with the capability in the own process can become root
    processes = [process._replace(cmdline=None, unread={"cmdline": "x"}) for process in example.PROCESSES]
    found = checks(example.snapshot()._replace(processes=processes), ROOT._replace(uid=1000))["fact cmdline"]
    assert found.advice.endswith("or logonscope lacks CAP_SYS_PTRACE: run it as root")


def test_one_fact_of_each_unreadable_file_is_reported() -> None:
    reasons = dict.fromkeys(("ses", "loginuid", "cgroup", "comm", "ppid", "start", "uids", "gids"), "No such process")
    processes = [example.BY_PID[1]._replace(unread=reasons), *example.PROCESSES[1:]]
    found = checks(example.snapshot()._replace(processes=processes))
    assert [what for what in found if what.startswith("fact ")] == [
        "fact cgroup", "fact comm", "fact loginuid", "fact ses", "fact uids",
    ]  # fmt: skip


def test_without_any_record_a_login_service_is_advised() -> None:
    found = checks(example.snapshot()._replace(logins=()))
    assert found["login service"].ok is None
    assert found["login service"].finding == (
        "no login has a record: remote host and service are unknown,"
        " and leftovers are found only of ssh, cron, at and console logins"
    )


@pytest.mark.parametrize(
    ("comm", "uid", "advice"),
    [
        ("systemd-logind", 0, "systemd-logind runs: it has dropped its records of these logins"),
        ("elogind-daemon", 0, "elogind-daemon runs: it has dropped its records of these logins"),
        ("systemd-logind", 1000, "to get them, run systemd-logind or elogind"),  # a user can choose this name
    ],
)
def test_a_login_service_that_runs_without_any_record_need_not_be_started(comm: str, uid: int, advice: str) -> None:
    service = Process(640, comm=comm, uids=(uid,) * 4, ppid=1, start=1, ses=UNSET, cgroup="/system.slice/x.service")
    processes = [*example.PROCESSES, service]
    found = checks(example.snapshot()._replace(processes=processes, logins=()))["login service"]
    assert found.ok is None
    assert found.advice.startswith(advice)


def test_of_elogind_it_says_that_a_record_ends_with_the_login() -> None:
    service = Process(640, comm="elogind-daemon", uids=(0,) * 4, ppid=1, start=1, ses=UNSET, cgroup="/")
    logins = tuple(login for login in example.LOGINS if login.audit != 41)
    snapshot = example.snapshot()._replace(processes=[*example.PROCESSES, service], logins=logins)
    advice = checks(snapshot)["logon sessions"].advice
    assert advice.startswith("elogind-daemon has dropped the record, or the PAM stack lacks pam_elogind; with ")
    assert advice.endswith("elogind removes it when the login ends, although processes are left over")


def test_a_host_without_any_login_is_not_said_to_lack_a_login_service() -> None:
    processes = [process for process in example.PROCESSES if process.pid in {1, 2, 650, 700}]
    found = checks(example.snapshot()._replace(processes=processes, logins=()))
    assert found["login service"] == Check(
        "login service", None, "there is no login now: whether logins get a record cannot be checked",
        "repeat the check while a user is logged in",
    )  # fmt: skip
    assert "logon sessions" not in found


def shared() -> Snapshot:
    """Return the example host after alice restarted sshd through sudo, and postgres came through it."""
    heir = example.LOGINS[2]._replace(process=Process(3900, ses=41), inherited=True)
    return example.snapshot()._replace(logins=(example.LOGINS[1], heir))


def test_logins_that_share_a_kernel_id_are_named() -> None:
    found = checks(shared())["kernel id 41"]
    assert (found.ok, found.finding) == (None, "shared by logins that do not own it: c1")
    assert "restart" in found.advice


def test_a_user_does_not_learn_of_others_that_share_a_kernel_id() -> None:
    assert "kernel id 41" not in checks(shared(), user(1000))
    assert "kernel id 41" in checks(shared(), user(110))


def test_records_that_were_leaked_are_counted() -> None:
    leaked = example.LOGINS[1]._replace(id="99", audit=99, process=None)
    found = checks(example.snapshot()._replace(logins=(*example.LOGINS, leaked)))
    assert found["login records"].finding == "1 without a process: 99"


def test_many_are_not_all_listed() -> None:
    leaked = tuple(example.LOGINS[1]._replace(id=str(number), audit=number, process=None) for number in range(100, 130))
    found = checks(example.snapshot()._replace(logins=leaked))["login records"].finding
    assert found.startswith("30 without a process: 100, 101, ")
    assert found.endswith("109, ...")


def test_troubles_are_wrong() -> None:
    snapshot = example.snapshot()._replace(troubles=[Trouble("the name service", "no answer", "see getent")])
    assert checks(snapshot)["the name service"] == Check("the name service", False, "no answer", "see getent")


class WithoutFiles(Memory):
    """A source whose own files cannot be read, each with a trouble of its own."""

    def read_services(self, look: Look) -> Iterable[Service]:
        return self._failed(look, "systemctl")

    def read_login_history(self, look: Look) -> Iterable[LoginHistory]:
        return self._failed(look, "/var/log/lastlog")

    def read_unit_requests(self, look: Look) -> Iterable[UnitRequest]:
        return self._failed(look, "the journal")

    def read_sockets(self, look: Look) -> Iterable[Socket]:
        return self._failed(look, "sockets")

    @staticmethod
    def _failed(look: Look, subject: str) -> Iterator[Any]:
        # reported while the rows are iterated, as sources do
        look.report(Trouble(subject, "permission denied", "run it as root"))
        yield from ()


def test_troubles_of_queries_whose_rows_no_check_needs_are_reported() -> None:
    found = {check.subject: check for check in broker.doctor(WithoutFiles(example.snapshot()).request(ROOT))}
    for subject in ("systemctl", "/var/log/lastlog", "the journal", "sockets"):
        assert found[subject] == Check(subject, False, "permission denied", "run it as root")


def test_sockets_are_not_read_of_other_network_namespaces_and_no_account_is_listed() -> None:
    """A host can have a thousand of the one, and a directory of any size of the other."""
    memory = Memory(example.snapshot())
    broker.doctor(memory.request(ROOT))
    assert [query.all_namespaces for query in memory.asked.sockets] == [False]
    assert all(query.users != "ALL" and query.groups != "ALL" for query in memory.asked.accounts)
