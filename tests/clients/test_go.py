"""Debian's Go clients (masterzen/winrm, and winrmcp, which uses it) get every row, and the right fault.

They bind no token of NTLM to the TLS channel, and know shells alone: query.go sends a query by the library's transport.
The library of Debian 12 loses the faults that it reads, so that winrmcp ends as if it had copied something.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.others import NO_SHELL, PLAIN, SESSION_41, add_plain, program
from tests.lab.fixtures import skip_or_fail
from tests.server.running import ADMIN, RunningServer, running

GOPATH = Path("/usr/share/gocode")
QUERY = "SELECT Handle FROM Win32_Process WHERE SessionId = 41"
NTLM = ("ntlm", ADMIN)
BASIC = ("basic", PLAIN)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        add_plain(found)
        yield found


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program."""
    if not (GOPATH / "src/github.com/masterzen/winrm").exists():
        skip_or_fail("golang-github-masterzen-winrm-dev is not installed")
    folder = tmp_path_factory.mktemp("go")
    env = {"PATH": os.environ["PATH"], "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(folder / "cache")}
    build = [program("go"), "build", "-o", str(folder / "query"), str(Path(__file__).parent / "query.go")]
    subprocess.run(build, env=env, check=True, timeout=300)
    return folder / "query"


def answer(query: Path, server: RunningServer, way: str, user: tuple[str, str], *, tls: bool) -> str:
    port, certificate = (server.https, server.certificate) if tls else (server.http, "")
    command = [str(query), way, str(port), certificate, *user, QUERY]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("way", "user"), [NTLM, BASIC])
def test_the_library_gets_every_row_and_an_error_for_a_shell(
    query: Path, server: RunningServer, way: str, user: tuple[str, str], tls: bool
) -> None:
    said = answer(query, server, way, user, tls=tls)
    assert re.findall(r"<Handle>(\d+)</Handle>", said) == SESSION_41
    assert "query: <nil>" in said
    assert NO_SHELL in said.partition("shell: ")[2]


@pytest.mark.parametrize("way", ["ntlm", "basic"])
def test_another_password_is_refused(query: Path, way: str) -> None:
    with running() as server:
        said = answer(query, server, way, (ADMIN[0], "wrong"), tls=True)
    assert "<Handle>" not in said
    assert "401" in said


def test_a_token_without_channel_binding_is_refused_where_one_is_required(query: Path) -> None:
    with running(channel_binding="required") as server:
        said = answer(query, server, "ntlm", ADMIN, tls=True)
        assert "query: http response error: 401" in said
        assert "<Handle>" not in said
        add_plain(server)
        assert "query: <nil>" in answer(query, server, "basic", PLAIN, tls=True)


def test_winrmcp_authenticates_and_ends(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    where = ["-addr", f"127.0.0.1:{server.https}", "-https", "-cacert", server.certificate]
    command = [program("winrmcp"), *where, "-user", PLAIN[0], "-pass", PLAIN[1], str(tmp_path / "file"), "C:\\file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "panic" not in done.stderr
    events = [json.loads(line) for line in (server.folder / "audit").read_text(encoding="utf-8").splitlines()]
    assert (events[-1]["user"], events[-1]["accepted"]) == (PLAIN[0], True)
