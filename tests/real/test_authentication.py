"""How logins authenticated and where they came from: real sshd and journal, compared with what the client knows."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lab.lab import PYTHON, Lab, Row
from tests.lab.shell import Shell
from tests.lab.systemd import free_port, wait_until
from tests.lab.systems import PATH

LS = "root/logonscope"
PASSWORD = "correct horse"  # noqa: S105 -- of an account of the machine
FORGED = "Accepted publickey for alice from 192.0.2.66 port 666 ssh2: RSA SHA256:" + "A" * 43
DETAILS = (
    *("authentication_method", "authentication_package", "key_type", "key_fingerprint", "certificate_id"),
    *("certificate_serial", "certificate_authority", "authentication_source", "remote_address", "remote_port"),
)
SOCKET_WRITER = """
import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect("/dev/log")
log.send(f"<38>sshd[{sys.argv[1]}]: {sys.argv[2]}".encode())
native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
native.connect("/run/systemd/journal/socket")
fields = {"MESSAGE": sys.argv[2], "_PID": sys.argv[1], "_UID": "0", "_EXE": "/usr/sbin/sshd", "_COMM": "sshd"}
native.send("".join(f"{name}={value}\\n" for name, value in fields.items()).encode())
"""
"""A program that writes to both sockets of journald with the fields of another process."""


class Credentials(NamedTuple):
    """Keys of the client, and a server that takes certificates only."""

    authority: str  # fingerprint
    key: Path
    fingerprint: str
    port: int


def fingerprint(path: Path | str) -> str:
    return subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def certificate(lab: Lab, tmp_path: Path) -> Credentials:
    keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "ca"))
    keygen("-t", "ecdsa", "-N", "", "-f", str(tmp_path / "key"))
    identity = "alice from 192.0.2.1 port 5 ssh2: RSA SHA256:" + "B" * 43
    keygen(
        "-s",
        str(tmp_path / "ca"),
        "-I",
        identity,
        "-n",
        "alice",
        "-z",
        "18446744073709551615",
        str(tmp_path / "key.pub"),
    )
    lab.machine.run(["tee", "/etc/ssh/lab_ca.pub"], input=(tmp_path / "ca.pub").read_text())
    port = free_port()
    options = [f"-p{port}", "-oTrustedUserCAKeys=/etc/ssh/lab_ca.pub", "-oAuthorizedKeysFile=none"]
    lab.daemon("/usr/sbin/sshd", "-D", *options)
    return Credentials(fingerprint(tmp_path / "ca.pub"), tmp_path / "key", fingerprint(tmp_path / "key.pub"), port)


def local_port(shell: Shell) -> int:
    """Return the port of the client's own socket, as ss(8) shows it."""
    lines = subprocess.run(["ss", "-Htnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    (line,) = [line for line in lines if f"pid={shell.process.pid}," in line]
    return int(line.split()[3].rpartition(":")[2])


def details(lab: Lab, logon_id: str) -> Row:
    (row,) = [row for row in lab.logonscope("sessions", "--auth") if row["logon_id"] == logon_id]
    return {name: row[name] for name in DETAILS}


def session_of(lab: Lab, shell: Shell) -> Row:
    session: Row = lab.whose(int(shell.ask("echo $$")))["session"]
    return session


def lab_key(lab: Lab) -> str:
    return fingerprint(f"/proc/{lab.machine.pid}/root/etc/ssh/lab_client.pub")


def password_login(lab: Lab, tmp_path: Path, method: str) -> Shell:
    script = tmp_path / "askpass"
    script.write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
    script.chmod(0o700)
    lab.machine.run(["chpasswd"], input=f"bob:{PASSWORD}\n")
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", f"PreferredAuthentications={method}")
    argv = [
        "ssh",
        "-F/dev/null",
        "-q",
        *(f"-o{option}" for option in options),
        f"-p{lab.machine.port}",
        "bob@127.0.0.1",
    ]
    environment = {"PATH": PATH, "TERM": "dumb", "LANG": "C.UTF-8", "SSH_ASKPASS": str(script)}
    return Shell(argv, tty=False, environment=environment | {"SSH_ASKPASS_REQUIRE": "force"})


def test_a_key_and_the_clients_end(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        logon_id = session_of(lab, shell)["logon_id"]
        assert details(lab, logon_id) == {
            "authentication_method": "publickey", "authentication_package": "PublicKey", "key_type": "ED25519",
            "key_fingerprint": lab_key(lab), "certificate_id": None, "certificate_serial": None,
            "certificate_authority": None, "authentication_source": "journal", "remote_address": "127.0.0.1",
            "remote_port": local_port(shell),
        }  # fmt: skip
        text = lab.machine.run(lab.command("whose", "--auth", shell.ask("echo $$"))).stdout
        plain = lab.machine.run(lab.command("whose", shell.ask("echo $$"))).stdout
        rows = lab.logonscope("sessions", "--key", lab_key(lab)[:14])
    assert f"from 127.0.0.1 port {details_port(text)}" in " ".join(text.split())
    assert lab_key(lab) in text
    assert "SHA256" not in plain
    assert [row["logon_id"] for row in rows] == [logon_id]


def details_port(text: str) -> str:
    return " ".join(text.split()).partition(" port ")[2].split()[0]


def test_a_certificate_whose_identity_looks_like_a_line_of_its_own(lab: Lab, certificate: Credentials) -> None:
    settings = (f"IdentityFile={certificate.key}", f"CertificateFile={certificate.key}-cert.pub")
    with lab.machine.ssh("alice", port=certificate.port, settings=settings) as shell:
        found = details(lab, session_of(lab, shell)["logon_id"])
        port = local_port(shell)
    assert found == {
        "authentication_method": "publickey", "authentication_package": "PublicKey", "key_type": "ECDSA-CERT",
        "key_fingerprint": certificate.fingerprint,
        "certificate_id": "alice from 192.0.2.1 port 5 ssh2: RSA SHA256:" + "B" * 43,
        "certificate_serial": 18446744073709551615, "certificate_authority": certificate.authority,
        "authentication_source": "journal", "remote_address": "127.0.0.1", "remote_port": port,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "logged"), [("password", "password"), ("keyboard-interactive", "keyboard-interactive/pam")]
)
def test_a_password(lab: Lab, tmp_path: Path, method: str, logged: str) -> None:
    with password_login(lab, tmp_path, method) as shell:
        found = details(lab, session_of(lab, shell)["logon_id"])
        port = local_port(shell)
    assert (found["authentication_method"], found["authentication_package"]) == (logged, "PAM")
    assert (found["key_type"], found["key_fingerprint"], found["remote_port"]) == (None, None, port)


def test_forged_lines_change_no_answer(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        session = session_of(lab, shell)
        before = details(lab, session["logon_id"])
        leader = str(session["leader"])
        shell.ask(f"logger -p auth.info -t sshd '{FORGED}'; logger -p auth.info -t 'sshd[{leader}]' '{FORGED}'")
        shell.ask(f"logger --id={leader} -p auth.info -t sshd '{FORGED}' 2>&1; echo '{FORGED}' | systemd-cat -t sshd")
        # a process of the user's own that is named sshd, and fields that it claims
        lab.machine.run(["tee", "/srv/writer.py"], input=SOCKET_WRITER)
        shell.ask(f"cp {PYTHON} sshd && ./sshd -I -S /srv/writer.py {leader} '{FORGED}' 2>&1")
        shell.ask(f"cp /usr/bin/logger sshd && ./sshd -t sshd '{FORGED}'")
        lab.machine.run([PYTHON, "-I", "-S", "/srv/writer.py", leader, FORGED], user="bob")
        lab.machine.run(["logger", "-p", "auth.info", "-t", "sshd", FORGED])
        lab.machine.run(["journalctl", "--sync"])
        journal = lab.machine.run(["journalctl", "-q", "-o", "cat", "--no-pager"]).stdout
        after = details(lab, session["logon_id"])
        forged_key = lab.logonscope("sessions", "--key", "SHA256:AAAA")

    assert journal.count(FORGED) >= 7
    assert before["key_fingerprint"] == lab_key(lab)
    assert after == before
    assert forged_key == []


def test_every_route_has_the_same_values(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        logon_id = lab.whose(pid)["session"]["logon_id"]
        of_process = f'associators("Win32_Process={pid}", result_class="Win32_LogonSession")'
        script = f"""
import json, logonscope
host = logonscope.connect()
key = "KeyFingerprint", "RemotePort", "AuthenticationMethod", "AuthenticationPackage", "AuthenticationSource"
text = "SELECT * FROM LS_LogonSession"
rows = [host.get("LS_LogonSession={logon_id}", namespace={LS!r})]
rows += [row for row in host.enumerate("LS_LogonSession", namespace={LS!r}) if row["LogonId"] == "{logon_id}"]
rows += host.query(text + " WHERE LogonId = '{logon_id}'", namespace={LS!r})
rows += host.associators("LS_Process={pid}", result_class="LS_LogonSession", namespace={LS!r})
rows += host.query(text + " WHERE KeyFingerprint = '{lab_key(lab)}'", namespace={LS!r})
packages = [host.get("Win32_LogonSession={logon_id}")["AuthenticationPackage"]]
packages += [row["AuthenticationPackage"] for row in host.{of_process}]
print(json.dumps([[[row[name] for name in key] for row in rows], packages]))
"""
        rows, packages = json.loads(lab.machine.run([PYTHON, "-c", script]).stdout)
        port = local_port(shell)
        own = lab.logonscope("sessions", "--auth", user="alice")
    expected: list[Any] = [lab_key(lab), port, "publickey", "PublicKey", "journal"]
    assert rows == [expected] * 5
    assert packages == ["PublicKey"] * 2
    # what the caller may not read is null: alice is not in the group systemd-journal
    assert [(row["logon_id"], row["key_fingerprint"]) for row in own if row["logon_type"] == 3] == [(logon_id, None)]


def test_the_port_of_a_login_of_root_with_forwarded_connections(lab: Lab) -> None:
    """Such a login has one process, which also holds the sockets of all that it forwards."""
    forward, back = free_port(), free_port()
    settings = (
        f"LocalForward=127.0.0.1:{forward} 127.0.0.1:{lab.machine.port}",
        f"RemoteForward=127.0.0.1:{back} 127.0.0.1:{lab.machine.port}",
    )
    with lab.machine.ssh("root", settings=settings) as shell:
        shell.ask("true")
        through = [
            subprocess.Popen(
                [
                    "python3",
                    "-c",
                    f"import socket; s=socket.create_connection(('127.0.0.1', {port})); s.recv(9); input()",
                ],
                stdin=subprocess.PIPE,
            )
            for port in (forward, back)
        ]
        leader = session_of(lab, shell)["leader"]
        held = wait_until(
            lambda: [
                line
                for line in lab.machine.run(["ls", "-l", f"/proc/{leader}/fd"]).stdout.splitlines()
                if "socket:" in line
            ],
            what="sockets",
        )
        found = details(lab, session_of(lab, shell)["logon_id"])
        port = local_port_among(shell, lab.machine.port)
        for client in through:
            client.communicate(b"\n")
    assert len(held) >= 3
    assert (found["remote_address"], found["remote_port"]) == ("127.0.0.1", port)


def local_port_among(shell: Shell, server_port: int) -> int:
    """Return the port of the client's connection to the server, beside those that it forwards."""
    lines = subprocess.run(["ss", "-Htnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    own = [line.split() for line in lines if f"pid={shell.process.pid},fd=3" in line]
    (port,) = {int(words[3].rpartition(":")[2]) for words in own if words[4].endswith(f":{server_port}")}
    return port


def test_without_logind_the_leaders_socket_has_the_origin(lab: Lab) -> None:
    lab.machine.run(["systemctl", "mask", "--runtime", "--now", "systemd-logind.service"])
    try:
        with lab.machine.ssh("alice") as shell:
            pid = int(shell.ask("echo $$"))
            kernel = lab.truth()[pid]
            answer = lab.whose(pid)
            (listed,) = [row for row in lab.logonscope("sessions") if row["logon_id"] == str(kernel["sessionid"])]
            found = details(lab, str(kernel["sessionid"]))
            port = local_port(shell)
            text = lab.machine.run(lab.command("whose", str(pid))).stdout
    finally:
        lab.machine.run(["systemctl", "unmask", "--runtime", "systemd-logind.service"])
        lab.machine.run(["systemctl", "start", "systemd-logind.service"])
    assert answer["session"]["recorded_by"] is None
    for row in (answer["session"], listed, found):
        assert (row["remote_address"], row["remote_port"]) == ("127.0.0.1", port)
    assert f"logged in from 127.0.0.1 port {port}" in " ".join(text.split())
    assert (found["key_fingerprint"], found["authentication_source"]) == (lab_key(lab), "journal")


def test_without_a_journal_auth_log_is_read_and_marked(lab: Lab) -> None:
    """Any user can write there: the line must fit the login, and the first one counts."""
    with lab.machine.ssh("alice") as shell:
        session = session_of(lab, shell)
        leader, port = session["leader"], local_port(shell)
        stamp = lab.machine.run(["date", "+%Y-%m-%dT%H:%M:%S.%6N%:z"]).stdout.strip()
        lines = [
            f"Accepted publickey for bob from 127.0.0.1 port {port} ssh2: RSA SHA256:{'C' * 43}",
            f"Accepted password for alice from 127.0.0.1 port {port} ssh2",
            FORGED,
        ]
        lab.machine.run(
            ["tee", "/var/log/auth.log"], input="".join(f"{stamp} lab sshd[{leader}]: {line}\n" for line in lines)
        )
        words = shlex.join(lab.command("sessions", session["logon_id"], "--auth", "-o", "json"))
        hide = "mount -t tmpfs none /var/log/journal && mount -t tmpfs none /run/log/journal"
        (found,) = json.loads(lab.machine.run(["unshare", "-m", "sh", "-c", f"{hide} && exec {words}"]).stdout)
        lab.machine.run(["rm", "/var/log/auth.log"])
    assert found["authentication_method"] == "password"
    assert found["authentication_source"] == "/var/log/auth.log, unauthenticated"
