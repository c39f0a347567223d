"""Ansible's connections winrm and psrp get the error that there is no shell."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.others import NO_SHELL, PLAIN, add_plain, program
from tests.server.running import ADMIN, RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        add_plain(found)
        yield found


def answer(server: RunningServer, folder: Path, plugin: str, way: str, user: tuple[str, str]) -> str:
    """Run one module over a connection, and return what Ansible prints; ``ntlm over TLS`` is a way, too."""
    way, _, tls = way.partition(" over ")
    scheme, port = ("https", server.https) if tls else ("http", server.http)
    if plugin == "psrp":
        more = {
            "psrp_auth": way, "psrp_protocol": scheme, "psrp_ca_cert": server.certificate,
            "psrp_message_encryption": "auto" if way == "ntlm" else "never", "psrp_reconnection_retries": "0",
        }  # fmt: skip
    else:
        more = {"winrm_transport": way, "winrm_scheme": scheme, "winrm_ca_trust_path": server.certificate}
    settings = {"connection": plugin, "port": str(port), "user": user[0], "password": user[1], **more}
    words = " ".join(f"ansible_{name}={value!r}" for name, value in settings.items())
    (folder / "hosts").write_text(f"web1 ansible_host=127.0.0.1 ansible_shell_type=powershell {words}\n", "utf-8")
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
    }  # fmt: skip
    command = [program("ansible"), "web1", "-i", "hosts", "-m", "raw", "-a", "hostname"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("plugin", "way", "user"),
    [
        ("winrm", "ntlm", ADMIN),
        ("winrm", "basic over TLS", PLAIN),
        ("psrp", "ntlm", ADMIN),
        ("psrp", "ntlm over TLS", ADMIN),
        ("psrp", "basic over TLS", PLAIN),
    ],
)
def test_it_gets_the_error_that_there_is_no_shell(
    server: RunningServer, tmp_path: Path, plugin: str, way: str, user: tuple[str, str]
) -> None:
    said = answer(server, tmp_path, plugin, way, user)
    assert NO_SHELL in " ".join(said.split())


@pytest.mark.parametrize("plugin", ["winrm", "psrp"])
def test_another_password_is_refused(tmp_path: Path, plugin: str) -> None:
    with running() as server:
        said = answer(server, tmp_path, plugin, "ntlm over TLS", (ADMIN[0], "wrong"))
    assert "UNREACHABLE" in said
    assert NO_SHELL not in said
