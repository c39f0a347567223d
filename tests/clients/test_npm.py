"""npm's winrm-client, which knows only shells, gets every row by its transports, and the right fault."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.wire.wsman import names
from tests.clients.others import PLAIN, SESSION_41, add_plain, program
from tests.lab.fixtures import skip_or_fail
from tests.server.running import ADMIN, RunningServer, running
from tests.server.soap import envelope

PACKAGE = "winrm-client@0.0.11"
QUERY = envelope(
    names.ENUMERATE,
    "*",
    "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>"
    f'<w:Filter Dialect="{names.WQL}">SELECT Handle FROM Win32_Process WHERE SessionId = 41</w:Filter></n:Enumerate>',
).decode()
PROGRAM = """
const {{sendHttp}} = require("winrm-client/dist/src/utils/http"), {{runPowershell}} = require("winrm-client");
const [host, port, user, password, way, tls, query] = {arguments};
const told = (error) => console.log("refused:", error.message);
sendHttp(query, host, port, "/wsman", user, password, way, 9000, tls, true)
  .then((answer) => console.log(JSON.stringify(answer)), told)
  .then(() => runPowershell("hostname", host, user, password, port, tls, true)).then(console.log, told)
  .then(() => process.exit());
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        add_plain(found)
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package."""
    made = tmp_path_factory.mktemp("npm")
    install = [program("npm"), "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    if subprocess.run(install, cwd=made, check=False, timeout=300).returncode:
        skip_or_fail(f"{PACKAGE} cannot be fetched")
    return made


def answer(folder: Path, server: RunningServer, way: str, user: tuple[str, str], *, tls: bool) -> str:
    port = server.https if tls else server.http
    given = json.dumps(["127.0.0.1", port, *user, way, tls, QUERY])
    command = [program("node"), "-e", PROGRAM.format(arguments=given)]
    env = {"NODE_EXTRA_CA_CERTS": server.certificate, "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("way", "user"), [("ntlm", ADMIN), ("basic", PLAIN)])
def test_it_gets_every_row_and_an_error_for_a_shell(
    folder: Path, server: RunningServer, way: str, user: tuple[str, str], tls: bool
) -> None:
    rows, shell = answer(folder, server, way, user, tls=tls).strip().split("\n")
    assert re.findall(r'"Handle":"?(\d+)', rows) == SESSION_41
    assert shell.startswith("refused: Failed to process the request: 500")


@pytest.mark.parametrize("way", ["ntlm", "basic"])
def test_another_password_is_refused(folder: Path, way: str) -> None:
    with running() as server:
        said = answer(folder, server, way, (ADMIN[0], "wrong"), tls=True)
    assert len(re.findall("^refused: .*401", said, re.MULTILINE)) == 2
    assert ("logonscope user add --ntlm" in said) is (way == "ntlm")
