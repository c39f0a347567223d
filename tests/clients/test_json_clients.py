"""curl and httpx, unmodified, against a server as a process of its own that serves this machine."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from typing import Any

import pytest

from logonscope import connect
from tests.server.attacked import attacked
from tests.server.running import ADMIN, running

BODY = json.dumps({"pid": os.getpid()})


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: make test STRICT=1 installs it")
def test_curl_gets_what_python_reads_over_the_unix_socket() -> None:
    with attacked() as server:
        words = ["curl", "-sf", "--unix-socket", server.path, "-H", "Content-Type: application/json", "-d", BODY]
        answer = json.loads(subprocess.run([*words, "http://x/v1/session_of"], capture_output=True, check=True).stdout)
        expected = connect(direct=True).session_of(os.getpid())
        assert (answer["evidence"], answer["session"]["logon_id"]) == (expected.evidence, expected.session.logon_id)
        # uid 0 of a container is uid 0 for the kernel: only its namespaces distinguish it
        for flags in (["--pid", "--fork"], ["--user", "--map-root-user"]):
            inside = ["unshare", *flags, "--", *words, "-w", "%{http_code}", "http://x/v1/sessions"]
            done = subprocess.run([word for word in inside if word != "-sf"], capture_output=True, check=False)
            assert done.stdout.endswith(b"401")
            assert b"another user or pid namespace" in done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: make test STRICT=1 installs it")
def test_a_user_on_the_socket_sees_its_own_processes_alone() -> None:
    with attacked() as server, subprocess.Popen(["sleep", "60"], user=65_534, group=65_534) as own:
        words = ["curl", "-s", "--unix-socket", server.path, "-H", "Content-Type: application/json", "-d", "{}"]
        done = subprocess.run(
            [*words, "http://x/v1/processes"],
            capture_output=True,
            user=65_534,
            group=65_534,
            extra_groups=[],
            check=False,
        )
        own.kill()
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert own.pid in {row["pid"] for row in rows}
        assert {row["uid"] for row in rows} == {65_534}


@pytest.mark.skipif(find_spec("httpx") is None, reason="needs httpx, of the extra test")
def test_httpx_streams_rows_over_tls() -> None:
    httpx: Any = pytest.importorskip("httpx")
    import ssl  # noqa: PLC0415 -- only this test needs it

    with running() as server:
        context = ssl.create_default_context(cafile=server.certificate)
        with httpx.Client(base_url=f"https://127.0.0.1:{server.https}/v1/", verify=context, auth=ADMIN) as client:
            with client.stream("POST", "enumerate", json={"class_name": "Win32_Process"}) as response:
                rows = [json.loads(line) for line in response.iter_lines()]
            assert {row["class"] for row in rows} == {"Win32_Process"}
            error = client.post("get", json={"path": "Win32_Process=99999"})
            assert (error.status_code, error.json()["error"]["name"]) == (404, "WBEM_E_NOT_FOUND")
            assert client.get("openapi.json").json()["openapi"] == "3.1.0"
