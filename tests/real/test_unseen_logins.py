"""Processes of a login without PAM: the kernel knows no login, and the answer names the user they run as."""

from collections.abc import Callable

import pytest

from tests.lab.lab import PYTHON, Lab, start
from tests.lab.systemd import free_port, wait_until

NO_LOGIN = 2**32 - 1


def sshd(lab: Lab, port: int) -> int:
    """Start sshd without PAM. It lets nobody in whose password is locked."""
    for name in ("alice", "bob"):
        lab.machine.run(["usermod", "--password", "*", name])
    options = [f"Port={port}", "ListenAddress=127.0.0.1", "UsePAM=no", "PidFile=none"]
    return lab.daemon("/usr/sbin/sshd", "-D", *(f"-o{option}" for option in options))


def dropbear(lab: Lab, port: int) -> int:
    """Start dropbear as Debian ships it."""
    return lab.daemon("/usr/sbin/dropbear", "-F", "-r", prepare_dropbear(lab, port), "-p", f"127.0.0.1:{port}")


def prepare_dropbear(lab: Lab, port: int) -> str:
    """Let the lab's key in where dropbear looks for it, and return the file of a host key."""
    for name in ("alice", "bob"):
        copy = "mkdir -p -m 700 ~/.ssh && cat >~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys"
        client = lab.machine.run(["ssh-keygen", "-y", "-f", "/etc/ssh/lab_client"]).stdout
        lab.machine.run(["runuser", "-u", name, "--", "sh", "-c", f"HOME=~{name}; {copy}"], input=client)
    host_key = f"/run/dropbear-{port}"
    lab.machine.run(["dropbearkey", "-t", "ed25519", "-f", host_key])
    return host_key


DAEMONS: dict[str, Callable[[Lab, int], int]] = {"sshd": sshd, "dropbear": dropbear}


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_login_without_pam_is_not_known_to_the_kernel(lab: Lab, daemon: str) -> None:
    port = free_port()
    DAEMONS[daemon](lab, port)
    with lab.machine.ssh("alice", port=port) as shell:
        sleeper = start(shell, "sleep 1000")
        kernel = lab.truth()[sleeper]
        (text,) = [lab.machine.run(lab.command("whose", str(sleeper))).stdout]
        (answer,) = lab.logonscope("whose", str(sleeper))
        own = shell.ask(f"{PYTHON} -m logonscope whose $$; echo exit $?")

    assert kernel["sessionid"] == NO_LOGIN
    assert f"no login is known to the kernel; it runs as alice (uid {lab.alice.uid})" in text
    assert "[as alice, without su or sudo]" in text
    assert {sign["kind"] for sign in answer["unseen_logins"]} == {"daemon", "user change"}
    assert f"is yours: it runs as alice (uid {lab.alice.uid}), and no login is known to the kernel" in own
    assert own.endswith("exit 0")


@pytest.mark.parametrize("daemon", DAEMONS)
def test_what_such_a_login_left_behind_is_known_by_the_command_of_the_unit(lab: Lab, daemon: str) -> None:
    port = free_port()
    DAEMONS[daemon](lab, port)
    with lab.machine.ssh("alice", port=port) as shell:
        sleeper = start(shell, "setsid sleep 1000")
    wait_until(lambda: lab.truth()[sleeper]["ppid"] == 1, what="its parents have ended")
    text = lab.machine.run(lab.command("whose", str(sleeper))).stdout
    assert f"no login is known to the kernel; it runs as alice (uid {lab.alice.uid})" in text
    assert "which can let users in without the kernel's knowledge" in text


def test_a_unit_that_runs_as_a_user_says_so(lab: Lab) -> None:
    unit = lab.daemon("--uid=alice", "sleep", "1000")
    text = lab.machine.run(lab.command("whose", str(unit))).stdout
    assert f"no login started it; it runs as alice (uid {lab.alice.uid})" in text
    assert f"systemd 1 > sleep {unit} [as alice]" in text


def test_a_login_inside_the_login_of_another_is_marked(lab: Lab) -> None:
    port = free_port()
    key = prepare_dropbear(lab, port)
    with lab.machine.ssh("alice") as outer:
        start(outer, f"sudo -n dropbear -F -r {key} -p 127.0.0.1:{port}")
        with lab.machine.ssh("bob", port=port) as inner:
            sleeper = start(inner, "sleep 1000")
            text = lab.machine.run(lab.command("whose", str(sleeper))).stdout

    assert f"alice (uid {lab.alice.uid}) logged in" in text
    assert "[as bob, without su or sudo]" in text
    assert "can let users in without the kernel's knowledge" in text


def test_a_login_that_a_login_started_names_it(lab: Lab) -> None:
    with lab.machine.ssh("alice") as outer:
        starter = start(outer, "sh -c 'sleep 1000 | sudo -n script -qc \"login -f bob\" /dev/null'")
        login = lab.descendant(starter, "login")
        text = lab.machine.run(lab.command("whose", str(login))).stdout
        kernel = lab.truth()

    assert kernel[login]["sessionid"] != kernel[starter]["sessionid"]
    assert "bob (uid" in text.splitlines()[0]
    assert f"began in logon session {kernel[starter]['sessionid']} of alice (uid {lab.alice.uid}): script" in text
