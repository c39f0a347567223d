"""The service works under a genuine systemd with the restrictions of its unit."""

import contextlib
import os
import re
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.systemd import CHECKOUT, Machine, free_port, shown

UNITS = "/etc/systemd/system"
CAPABILITIES = {2: "CAP_DAC_READ_SEARCH", 19: "CAP_SYS_PTRACE", 29: "CAP_AUDIT_WRITE"}
IDENTIFY = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>"
)


@pytest.fixture
def ports(machine: Machine) -> Iterator[tuple[int, int]]:
    """Install the units, with ports of this test, and what it takes to run a program from where the tests run."""
    plain, tls = free_port(), free_port()
    here = {part for path in shown() for part in map(str, Path(path).parents)}
    machine.run(["chmod", "a+x", *sorted(here - {"/"})], check=False)
    unit = (CHECKOUT / "packaging/logonscope.service").read_text(encoding="utf-8")
    program = f"{sys.executable} -m logonscope"
    put(machine, f"{UNITS}/logonscope.service", unit.replace("/opt/logonscope/bin/logonscope", program))
    environment = "PYTHONDONTWRITEBYTECODE=1"
    dropin = f"[Service]\nProtectHome=no\nBindReadOnlyPaths={CHECKOUT}\nEnvironment={environment}\n"
    put(machine, f"{UNITS}/logonscope.service.d/here.conf", dropin)
    unit = (CHECKOUT / "packaging/logonscope.socket").read_text(encoding="utf-8")
    lines = [line for line in unit.splitlines() if not line.startswith(("ListenStream=127", "ListenStream=["))]
    put(machine, f"{UNITS}/logonscope.socket", "\n".join(lines))
    put(machine, f"{UNITS}/logonscope-tls.socket", f"[Socket]\nListenStream=127.0.0.1:{tls}\nFileDescriptorName=https\n"
        "Service=logonscope.service\n")  # fmt: skip
    urls = f'listen = ["http://127.0.0.1:{plain}", "https://127.0.0.1:{tls}"]\npam = ""\n'
    put(machine, "/etc/logonscope/logonscope.toml", urls)
    machine.run(["chmod", "0600", "/etc/logonscope/logonscope.toml"])
    # What this computer has of it: on an overlay systemd could not move it to where a DynamicUser= has its own.
    machine.run(["sh", "-c", "rm -rf /var/lib/logonscope /var/log/logonscope; systemctl daemon-reload"])
    yield plain, tls
    machine.run(["systemctl", "stop", "logonscope.socket", "logonscope-tls.socket", "logonscope.service"], check=False)
    machine.run(["sh", "-c", f"rm -r {UNITS}/logonscope* /etc/logonscope; systemctl daemon-reload"])


def put(machine: Machine, path: str, text: str) -> None:
    machine.run(["mkdir", "-p", os.path.dirname(path)])
    machine.run(["tee", path], input=text)


def shows(machine: Machine, name: str) -> str:
    return machine.run(["systemctl", "show", "--value", "-p", name, "logonscope.service"]).stdout.strip()


def identified(client: socket.socket) -> bool:
    head = b"POST /wsman HTTP/1.1\r\nHost: a\r\nWSMANIDENTIFY: unauthenticated\r\nConnection: close\r\n"
    head += b"Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: %d\r\n\r\n" % len(IDENTIFY)
    client.sendall(head + IDENTIFY)
    with client.makefile("rb") as file:
        answer = file.read()
    return answer.startswith(b"HTTP/1.1 200 ") and b"IdentifyResponse" in answer


@contextlib.contextmanager
def encrypted(port: int) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as client, context.wrap_socket(client) as wrapped:
        yield wrapped


def test_it_starts_answers_reloads_and_stops(machine: Machine, ports: tuple[int, int]) -> None:
    machine.run(["systemctl", "start", "logonscope.service"])
    assert shows(machine, "StatusText").startswith(f"Listening on http://127.0.0.1:{ports[0]}, https://")
    with socket.create_connection(("127.0.0.1", ports[0]), 10) as client:
        assert identified(client)
    with encrypted(ports[1]) as client:
        before = client.getpeercert(binary_form=True)
        assert identified(client)
    machine.run(["rm", "/var/lib/logonscope/self-signed.pem"])
    machine.run(["systemctl", "reload", "logonscope.service"])
    with encrypted(ports[1]) as client:
        assert client.getpeercert(binary_form=True) != before
    machine.run(["systemctl", "stop", "logonscope.service"])
    assert (shows(machine, "Result"), shows(machine, "ExecMainStatus")) == ("success", "0")


def test_its_user_can_read_everything_and_write_nothing(machine: Machine, ports: tuple[int, int]) -> None:
    assert ports
    machine.run(["systemctl", "start", "logonscope.service"])
    pid = shows(machine, "MainPID")
    lines = machine.run(["cat", f"/proc/{pid}/status"]).stdout.splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert status["Uid"].split()[0] != "0"
    for name in ("CapEff", "CapBnd", "CapAmb"):
        assert {bit for bit in range(64) if int(status[name], 16) >> bit & 1} == set(CAPABILITIES), name
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    rights = ["setpriv", f"--reuid={status['Uid'].split()[0]}", "--clear-groups"]
    names = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in CAPABILITIES.values())
    rights += [f"--inh-caps={names}", f"--ambient-caps={names}", f"--bounding-set=-all,{names}"]
    assert machine.run([*rights, "sh", "-c", "ls -l /proc/1/fd /proc/1/exe; cat /proc/1/io"]).stdout
    assert machine.run([*rights, "sh", "-c", ": >>/proc/1/mem"], check=False).returncode
    made = machine.run(["stat", "-c", "%n %a", "/var/lib/logonscope/", "/var/lib/logonscope/self-signed.pem"]).stdout
    assert made == "/var/lib/logonscope/ 700\n/var/lib/logonscope/self-signed.pem 600\n"


def test_systemd_holds_the_sockets_for_it(machine: Machine, ports: tuple[int, int]) -> None:
    machine.run(["systemctl", "start", "logonscope.socket", "logonscope-tls.socket"])
    assert shows(machine, "ActiveState") == "inactive"
    with encrypted(ports[1]) as client:
        assert identified(client)
    assert shows(machine, "ActiveState") == "active"
    told = shows(machine, "StatusText")
    assert f"https://127.0.0.1:{ports[1]}" in told
    assert "unix:/run/logonscope/socket" in told
    assert machine.run(["stat", "-c", "%a", "/run/logonscope/socket"]).stdout == "666\n"


def test_the_addresses_for_the_network_can_be_opened_beside_the_others(machine: Machine) -> None:
    """With the drop-in that docs/serve.md has, for other ports."""
    page = (CHECKOUT / "docs/serve.md").read_text(encoding="utf-8")
    (dropin,) = [block for block in re.findall(r"```ini\n(.*?)```", page, re.DOTALL) if "ListenStream=0.0.0.0" in block]
    unit = (CHECKOUT / "packaging/logonscope.socket").read_text(encoding="utf-8")
    plain, tls = free_port(), free_port()
    here = {"5985": str(plain), "5986": str(tls), "/run/logonscope/": "/run/network/"}
    put(machine, f"{UNITS}/network.service", "[Service]\nExecStart=true\n")
    for path, text in ((f"{UNITS}/network.socket", unit), (f"{UNITS}/network.socket.d/override.conf", dropin)):
        put(machine, path, re.sub("|".join(here), lambda match: here[match[0]], text))
    try:
        machine.run(["sh", "-c", "systemctl daemon-reload && systemctl start network.socket"])
        listening = machine.run(["systemctl", "show", "--value", "-p", "Listen", "network.socket"]).stdout.split()
    finally:
        machine.run(["systemctl", "stop", "network.socket"], check=False)
        machine.run(["sh", "-c", f"rm -r {UNITS}/network.*; systemctl daemon-reload"])
    addresses = {f"127.0.0.1:{plain}", f"[::1]:{plain}", f"0.0.0.0:{tls}", f"[::]:{tls}", "/run/network/socket"}
    assert {part for part in listening if part != "(Stream)"} == addresses
