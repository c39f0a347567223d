"""Tests of providers/ls_process.py: the kernel's facts of each process are unchanged, exact bytes included."""

import os
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

import logonscope
from logonscope.cim.schema import LOGONSCOPE
from logonscope.client import LocalHost
from logonscope.facts import Account
from logonscope.machine import MAX_CMDLINE_BYTES
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests import example
from tests.broker.memory import Memory
from tests.hosts import HostFolder, user
from tests.providers.asked import PROCESSES, SNAPSHOT, answers, everything, one, python3, rough, web1

PYTHON3 = "LS_Process=4312"

WHOLE = {
    "Handle": "4312", "ProcessId": 4312, "Name": "python3", "CommandName": b"python3", "ParentProcessId": 4300,
    "StartTime": datetime(2026, 1, 1, 10, 40, tzinfo=UTC), "StartTicks": 640 * 60 * 100,
    "BootId": example.MACHINE.boot_id, "State": "S", "User": "root", "RealUid": 0, "EffectiveUid": 0, "SavedUid": 0,
    "FilesystemUid": 0, "RealGid": 0, "EffectiveGid": 0, "SavedGid": 0, "FilesystemGid": 0, "LoginUid": 1000,
    "KernelSessionId": 41, "Cgroup": "/user.slice/user-1000.slice/session-41.scope", "Terminal": "pts/0", "Nice": 0,
    "KernelPriority": 20, "ThreadCount": 1, "CommandLine": "python3 -m http.server 8080",
    "Arguments": ["python3", "-m", "http.server", "8080"],
    "CommandLineBytes": b"python3\0-m\0http.server\x008080\0", "ExecutablePath": "/usr/bin/python3",
    "ParentCommandLine": "sudo python3 -m http.server 8080",
    "Guid": str(uuid5(UUID("5e1f3bb4-c0a8-4d6f-9a64-f1c2d30e8b57"),
                      f"{example.MACHINE.machine_id}:{example.MACHINE.boot_id}:process:4312:{640 * 60 * 100}")),
}  # fmt: skip


def test_all_that_the_kernel_says_of_a_process() -> None:
    found = web1().get(PYTHON3, namespace=LOGONSCOPE)
    assert {name: value for name, value in found.properties().items() if value is not None} == WHOLE


def test_the_four_ids_of_each_kind_are_distinguished() -> None:
    ids = [f"{which}{kind}" for kind in ("Uid", "Gid") for which in ("Real", "Effective", "Saved", "Filesystem")]
    host = python3(uids=(1000, 0, 1001, 7), gids=(10, 11, 12, 13))
    assert one(host, PYTHON3, *ids, "User") == (1000, 0, 1001, 7, 10, 11, 12, 13, "root")
    assert one(python3(uids=None, gids=None), PYTHON3, *ids, "User") == (None,) * 9


def test_a_process_runs_as_its_effective_user() -> None:
    assert one(python3(uids=(1000, 0, 0, 0)), PYTHON3, "User") == "root"
    assert one(python3(uids=(0, 4242, 0, 0)), PYTHON3, "User") is None
    strange = Account("a\x1b", 5, 5, "", "", "")
    processes = tuple(process._replace(uids=(5,) * 4) for process in PROCESSES if process.pid == 4312)
    assert one(web1(processes=processes, users=(strange,)), PYTHON3, "User") == "a\ufffd"


def test_what_the_kernel_calls_unset_is_null() -> None:
    assert one(web1(), "LS_Process=1", "LoginUid", "KernelSessionId", "Terminal") == (None, None, None)


def test_numbers_may_be_negative() -> None:
    assert one(python3(nice=-20, priority=-100), PYTHON3, "Nice", "KernelPriority") == (-20, -100)


def test_every_byte_of_the_name_and_of_the_arguments_is_kept(host: HostFolder) -> None:
    names = ("Name", "CommandName", "Arguments", "CommandLineBytes")
    assert one(rough(host), "LS_Process=11", *names) == (
        "\ufffd\ufffd[2J(", b"\xff\x1b[2J(", ["caf\ufffd", "", "\ufffd[31m"], b"caf\xe9\0\0\x1b[31m\0",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cmdline", "arguments"),
    [
        (b"ls\0-l\0", ["ls", "-l"]),
        (b"sh\0-c\0a b\0", ["sh", "-c", "a b"]),
        (b"ls\0\0", ["ls", ""]),
        (b"\0", [""]),
        (b"sshd: alice [priv]", ["sshd: alice [priv]"]),
        (b"", None),
        (None, None),
    ],
)
def test_each_argument_is_an_element(cmdline: bytes | None, arguments: list[str] | None) -> None:
    assert one(python3(cmdline=cmdline), PYTHON3, "Arguments", "CommandLineBytes") == (arguments, cmdline)


def test_a_process_may_have_no_name_at_all(host: HostFolder) -> None:
    assert one(rough(host), "LS_Process=12", "Name", "CommandName") == ("", b"")


def test_a_kernel_thread_and_a_zombie_have_no_arguments(host: HostFolder) -> None:
    names = ("State", "Arguments", "CommandLine", "ExecutablePath", "LoginUid")
    asked = rough(host)
    assert one(asked, "LS_Process=2", *names) == ("S", None, None, None, None)
    assert one(asked, "LS_Process=13", *names) == ("Z", None, None, None, 1000)


def test_the_reason_of_a_null_value_is_reported(host: HostFolder) -> None:
    names = ("Name", "KernelSessionId", "RealUid", "CommandLine", "Unread")
    *rest, unread = one(rough(host), "LS_Process=14", *names)
    assert rest == ["hidden", None, None, None]
    assert {"ses: Is a directory", "uids: Is a directory", "cmdline: Is a directory"} <= set(unread)
    assert one(host.connect(), "LS_Process=10", "Name", "CommandLine", "Unread")[2] is None


def test_a_name_that_the_kernel_cut_is_whole_and_its_bytes_are_the_kernels(host: HostFolder) -> None:
    host.process(30, "gnome-terminal-", cmdline=b"/usr/libexec/gnome-terminal-server\0")
    assert one(host.connect(), "LS_Process=30", "Name", "CommandName") == ("gnome-terminal-server", b"gnome-terminal-")


def test_truncated_arguments_are_reported() -> None:
    whole, cut = b"x" * (MAX_CMDLINE_BYTES - 1), b"x" * MAX_CMDLINE_BYTES
    assert one(python3(cmdline=whole), PYTHON3, "CommandLineBytes", "Unread") == (whole, None)
    reasons = ["cmdline: cut at 131,072 bytes"]
    assert one(python3(cmdline=cut), PYTHON3, "CommandLineBytes", "Unread") == (cut, reasons)
    # those of a recording can be longer
    properties = ("CommandLineBytes", "Arguments", "Unread")
    assert one(python3(cmdline=cut + b"yy"), PYTHON3, *properties) == (cut, [cut.decode()], reasons)


def test_one_sees_ones_own_logon_sessions_with_the_details_of_ones_own_processes() -> None:
    alices = web1(user(1000))
    found = {
        handle: (line, unread)
        for handle, line, unread in everything(alices, "LS_Process", "Handle", "CommandLine", "Unread")
    }
    assert sorted(found) == ["4100", "4120", "4150", "4151", "4300", "4312"]
    assert found["4151"] == ("-bash", None)
    masked = [f"{fact}: not one of your processes" for fact in ("cmdline", "exe")]
    assert found["4312"] == (None, masked)
    everybodys = answers(alices, "SELECT * FROM LS_Process", "Handle", "Unread")
    for where, is_meant in (("IS NOT NULL", bool), ("= NULL", lambda unread: unread is None)):
        handles = answers(alices, f"SELECT Handle FROM LS_Process WHERE Unread {where}", "Handle")
        assert handles == [handle for handle, unread in everybodys if is_meant(unread)]


def test_this_very_process() -> None:
    names = ("RealUid", "CommandLineBytes", "StartTicks", "BootId", "Nice")
    with (
        open("/proc/self/cmdline", "rb") as cmdline,
        open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_id,
    ):
        mine = (os.getuid(), cmdline.read(), ticks(), boot_id.read().strip(), os.nice(0))
    assert one(logonscope.connect(), f"LS_Process={os.getpid()}", *names) == mine


def ticks() -> int:
    """Return when this process started (proc(5))."""
    with open("/proc/self/stat", encoding="ascii") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


# Labels, capabilities, the parent


def test_a_label_has_the_module_that_it_comes_from() -> None:
    names = ("SecurityLabel", "SecurityModule")
    host = python3(label="/usr/sbin/ntpd (enforce)", label_module="apparmor")
    assert one(host, PYTHON3, *names) == ("/usr/sbin/ntpd (enforce)", "apparmor")
    assert one(python3(label="a\x1b:b:c", label_module=None), PYTHON3, *names) == ("a\ufffd:b:c", None)


def test_capabilities_have_names_and_digits() -> None:
    kinds = ("Effective", "Permitted", "Bounding", "Ambient")
    names = [f"{kind}{form}" for kind in kinds for form in ("Capabilities", "CapabilityMask")]
    host = python3(cap_effective=1 << 12, cap_permitted=1 << 12 | 1, cap_bounding=1 << 41, cap_ambient=0)
    assert one(host, PYTHON3, *names) == (
        ["cap_net_admin"], "0000000000001000", ["cap_chown", "cap_net_admin"], "0000000000001001", ["cap_41"],
        "0000020000000000", [], "0000000000000000",
    )  # fmt: skip


def test_the_command_line_of_the_parent_is_that_of_the_process_above() -> None:
    assert one(web1(), "LS_Process=4300", "ParentCommandLine") == "-bash"
    assert one(web1(), "LS_Process=1", "ParentCommandLine") is None
    # a process that started later has only reused the pid of the parent
    assert one(python3(start=1), PYTHON3, "ParentCommandLine") is None


def test_the_command_line_of_a_parent_is_masked_as_that_of_any_process() -> None:
    alice = LocalHost(Memory(SNAPSHOT), LINUX, user(1000), save_recording)
    lines = {
        row["Handle"]: (row["CommandLine"], row["ParentCommandLine"])
        for row in alice.enumerate("LS_Process", ["Handle", "CommandLine", "ParentCommandLine"], namespace=LOGONSCOPE)
    }
    assert lines["4300"] == (None, "-bash")
    assert lines["4312"] == (None, None)
    # the parent belongs to the session, but runs as root
    assert lines["4150"] == ("sshd: alice@pts/0", None)
