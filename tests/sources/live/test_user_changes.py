"""Tests of sources/live/user_changes.py: real sudo, su and set-user-ID programs, and forged lines."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from logonscope.facts import UserChange
from logonscope.machine import Look
from logonscope.machine.events import LogonFailed, UserChanged
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.feed import LocalFeed
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.source import LiveSource
from tests.kernel import cgroup_roots
from tests.lab.fixtures import skip_or_fail
from tests.lab.journald import ALICE, BOB, Journald
from tests.lab.systemd import free_port, wait_until
from tests.sources.live.history import Listener

DAEMON = 1
"""The uid of the account daemon."""

RACE = """
import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect("/dev/log")
log.send(b"<85>su[1]: FAILED SU (to root) forged on none")
log.send(b"<85>su[1]: FAILED SU (to forged) root on none")
os.execv("/usr/bin/su", ["su", "-c", "true", "bob"])
"""
"""Sends lines and executes su, which journald then reads as the program that sent them."""

SEND_AND_WAIT = """
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect("/dev/log")
log.send(sys.argv[1].encode())
sys.stdin.read()
"""


class Scene(NamedTuple):
    """A machine that logs, and what its live source reports."""

    journald: Journald
    source: LiveSource
    listener: Listener

    def user_events(self) -> list[UserChanged]:
        """Return the changes of user."""
        return [event for event in list(self.listener.events) if isinstance(event, UserChanged)]

    def changes(self, uid: int) -> list[UserChange]:
        """Return the changes of a user to another one."""
        return [event.change for event in self.user_events() if event.change.from_uid == uid]

    def complete_changes(self, uid: int) -> list[UserChange]:
        """Return those of them in which the real uid changed."""
        return [change for change in self.changes(uid) if change.is_complete]

    def failures(self) -> list[LogonFailed]:
        """Return the refused attempts."""
        return [event for event in list(self.listener.events) if isinstance(event, LogonFailed)]

    def wait_for_failure(self, service: str, by_user: str | None = None) -> LogonFailed:
        """Return the first refused attempt at a service."""
        failure = wait_until(lambda: next((
            event for event in self.failures() if (event.attempt.service, event.attempt.by_user) == (service, by_user)
        ), None), 20)  # fmt: skip
        assert failure is not None
        return failure


SU = """
echo wrong | su -c true alice
echo wrong | sudo -S -k true
echo "alice's" | su -c id alice
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Start journald and a live source that reads its lines."""
    try:
        LocalFeed().close()
    except OSError as error:
        skip_or_fail(f"this machine gives no events: {error}")
    with Journald() as journald:
        host = LiveHost(LinuxSource(), LINUX, LocalFeed)
        host.start()
        source = LiveSource(host, journald.root)
        try:
            yield Scene(journald, source, Listener(source))
        finally:
            source.close()


def test_a_command_of_sudo_is_a_change_with_its_command(scene: Scene) -> None:
    assert scene.journald.log_in(ALICE, "sudo -n true; sudo -n -u bob id").returncode == 0
    wait_until(lambda: scene.complete_changes(ALICE)[1:], 20)
    complete = scene.complete_changes(ALICE)
    assert [
        (change.from_uid, change.to_uid, change.gains_root, change.through, change.command) for change in complete
    ] == [(ALICE, 0, True, "sudo", "/usr/bin/true"), (ALICE, BOB, False, "sudo", "/usr/bin/id")]
    assert {change.source for change in complete} == {"kernel, sudo's line in the journal"}


def test_su_and_who_was_refused(scene: Scene) -> None:
    done = scene.journald.log_in(
        BOB, 'echo wrong | su -c true alice; echo wrong | sudo -S -k true; echo "alice\'s" | su -c id alice'
    )
    assert "uid=64321" in done.stdout
    attempt = scene.wait_for_failure("sudo", "bob").attempt
    assert (attempt.user, attempt.by_user, attempt.command) == ("root", "bob", "/usr/bin/true")
    failed = scene.wait_for_failure("su", "bob")
    assert (failed.attempt.user, failed.attempt.by_user, failed.attempt.source) == ("alice", "bob", "journal")
    # the owner is the login that called su
    (change,) = wait_until(lambda: scene.complete_changes(BOB), 20)
    assert (change.from_uid, change.to_uid, change.command) == (BOB, ALICE, None)
    owners = {event.owner.logon_id for event in scene.user_events() if event.process.loginuid == BOB}
    assert owners == {failed.owner.logon_id}


def test_a_set_user_id_program_of_an_intruder(scene: Scene) -> None:
    program = shutil.copy("/bin/dash", "/tmp/logonscope-test-sudo")  # noqa: S108 -- where every user can execute it
    try:
        os.chmod(program, 0o4755)  # noqa: S103 -- this is the test
        done = scene.journald.log_in(ALICE, f"{program} -p -c 'sleep .2; id'")
    finally:
        os.unlink(program)
    assert "euid=0" in done.stdout
    change = wait_until(
        lambda: next((change for change in scene.changes(ALICE) if change.program == "logonscope-test"[:15]), None), 20
    )
    assert change is not None
    assert (change.from_uid, change.to_uid, change.is_complete, change.gains_root) == (ALICE, 0, False, True)


def test_daemons_and_logins_that_drop_rights_are_no_changes(scene: Scene) -> None:
    # root without a login, then a cron job's way: a login of root that becomes its user
    scene.journald.run("setpriv", "--reuid", "64331", "--clear-groups", "true")
    scene.journald.log_in(64_330, "true")
    child = subprocess.Popen(["true"])
    child.wait()
    scene.listener.wait_for_end_of(child.pid)
    assert not [event for event in scene.user_events() if event.change.to_uid in {64_330, 64_331}]


def test_uids_of_a_container_have_no_account_names_of_this_host(scene: Scene) -> None:
    # root runs the container: in one below a user's manager, uid 0 and the user's own uid would be this host's
    groups = [Path(root, "machine.slice", f"libpod-{'5' * 64}.scope") for root in cgroup_roots()]
    # a container is made before its processes become users: the source then knows the cgroup
    enter = "".join(f"echo 0 >{group}/cgroup.procs; " for group in groups) + "sleep 0.7; "
    become = f"exec setpriv --reuid={DAEMON} --regid={DAEMON} --clear-groups sleep 0.7"
    with ExitStack() as stack:
        for group in groups:
            group.mkdir(parents=True)
            stack.callback(os.removedirs, group)
        for command in (become, enter + become):
            assert scene.journald.log_in(ALICE, f'sudo -n sh -c "{command}"').returncode == 0
        wait_until(lambda: len([change for change in scene.changes(0) if change.to_uid == DAEMON]) == 2, 20)
    outside, inside = (change for change in scene.changes(0) if change.to_uid == DAEMON)
    assert (outside.from_user, outside.to_user) == ("root", "daemon")
    assert (inside.from_user, inside.to_user) == (None, None)


def test_lines_of_users_are_no_events(scene: Scene) -> None:
    rejected = scene.source.login_reports.rejected
    copy = "cp /usr/bin/logger /tmp/su && /tmp/su -t su 'FAILED SU (to root) forged on none'; rm -f /tmp/su"
    text = "Failed password for forged from 192.0.2.66 port 6 ssh2"
    scene.journald.log_in(
        ALICE, f"{copy}; logger -t sshd '{text}'; logger -t login \"FAILED LOGIN (1) on 'x' FOR 'forged', x\""
    )
    scene.journald.log_in(ALICE, f"cp /usr/bin/logger /tmp/sshd && /tmp/sshd -t sshd '{text}'; rm -f /tmp/sshd")
    # a program of root is recognized by its file, as long as journald can read that
    words = scene.journald.command("python3", "-I", "-S", "-c", SEND_AND_WAIT, f"<86>sshd: {text}")
    with subprocess.Popen(words, stdin=subprocess.PIPE) as sender:
        assert wait_until(lambda: text in scene.journald.run("journalctl", "-q", "-o", "cat", "_COMM=python3").stdout)
        sender.communicate()
    script = f"{scene.journald.root}/run/race.py"
    Path(script).write_text(RACE)
    # journald reads the lines only when su runs
    scene.journald.signal(signal.SIGSTOP)
    try:
        words = scene.journald.log_in_command(ALICE, "(sleep 2; echo wrong) | python3 -I -S /run/race.py")
        race = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
    finally:
        scene.journald.signal(signal.SIGCONT)
    race.wait()
    # su is refused itself: all lines before that were read by then
    scene.wait_for_failure("su", "alice")
    shown = scene.journald.run("journalctl", "-q", "-o", "json", "_COMM=su").stdout
    assert [json.loads(line).get("_EXE") for line in shown.splitlines() if "forged" in line][-2:] == ["/usr/bin/su"] * 2
    assert not [event for event in scene.failures() if "forged" in (event.attempt.line or "")]
    assert scene.source.login_reports.rejected >= rejected + 2


def test_sshd_reports_the_name_the_address_and_the_port(scene: Scene, tmp_path: Path) -> None:
    port, key, askpass = free_port(), tmp_path / "key", tmp_path / "askpass"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    askpass.write_text("#!/bin/sh\necho wrong\n")
    askpass.chmod(0o700)
    shutil.copy(key, f"{scene.journald.root}/run/hostkey")
    words = ("/usr/sbin/sshd", "-D", f"-p{port}", "-h/run/hostkey", "-oListenAddress=127.0.0.1", "-oUsePAM=yes")
    sshd = subprocess.Popen(scene.journald.command(*words, "-oPidFile=none"), stdin=subprocess.DEVNULL)
    try:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PreferredAuthentications=password")
        argv = ["ssh", "-F/dev/null", "-q", *(f"-o{option}" for option in options), "-oConnectionAttempts=10"]
        environment = {"PATH": "/usr/bin:/bin", "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(
            [*argv, "-oNumberOfPasswordPrompts=1", f"-p{port}", "x from 1.2.3.4 port 5 ssh2@127.0.0.1"],
            env=environment, stdin=subprocess.DEVNULL, check=False, timeout=60,
        )  # fmt: skip
        attempt = scene.wait_for_failure("sshd").attempt
    finally:
        sshd.terminate()
        sshd.wait()
    assert (attempt.user, attempt.is_known_user, attempt.address) == ("x from 1.2.3.4 port 5 ssh2", False, "127.0.0.1")
    assert attempt.port is not None
    assert (attempt.method, attempt.attempts) == ("password", 1)


def test_doctor_names_the_log(scene: Scene) -> None:
    (check,) = [check for check in scene.source.checks(Look()) if check.subject == "failed logons"]
    assert "the journal" in check.finding
