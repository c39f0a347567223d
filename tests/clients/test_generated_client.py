"""A client that openapi-python-client generates from the OpenAPI document, unmodified, against a running server."""

import importlib
import json
import ssl
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.server.running import ADMIN, running

pytestmark = pytest.mark.skipif(
    find_spec("openapi_python_client") is None, reason="needs openapi-python-client, of the extra test"
)


def test_a_generated_client_asks_and_gets_typed_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx: Any = pytest.importorskip("httpx")
    with running() as server:
        context = ssl.create_default_context(cafile=server.certificate)
        base = f"https://127.0.0.1:{server.https}"
        document = httpx.get(f"{base}/v1/openapi.json", auth=ADMIN, verify=context).content
        (tmp_path / "openapi.json").write_bytes(document)
        program = "import sys; from openapi_python_client.cli import app; app()"
        words = ["generate", "--path", "openapi.json", "--output-path", "generated", "--meta", "none"]
        subprocess.run([sys.executable, "-c", program, *words], cwd=tmp_path, check=True, capture_output=True)
        monkeypatch.syspath_prepend(tmp_path)
        generated = importlib.import_module("generated")
        with generated.Client(base_url=base, verify_ssl=context, httpx_args={"auth": ADMIN}) as client:
            check_answers(client)


def check_answers(client: Any) -> None:
    assert ask(client, "identify").parsed.product == "Logonscope"
    answer = ask(client, "session_of", pid=4312).parsed
    assert (answer.evidence, answer.session.logon_id, answer.session.user) == ("audit", "41", "alice")
    instance = ask(client, "get", path="Win32_Process=4312").parsed
    assert (instance.class_, instance.properties["Name"]) == ("Win32_Process", "python3")
    assert ask(client, "session_of", pid=99999).parsed.error.name == "WBEM_E_NOT_FOUND"
    # The generator knows no JSON lines: its client sends the request, and the lines are read here.
    lines = client.get_httpx_client().post("/v1/session_processes", json={}).iter_lines()
    pairs = [json.loads(line) for line in lines]
    assert {"pid": 4312, "logon_id": "41"} in pairs


def ask(client: Any, operation: str, **arguments: Any) -> Any:
    """Send an operation by its generated function."""
    function = importlib.import_module(f"generated.api.default.{operation}")
    body = importlib.import_module(f"generated.models.{operation}_body")
    (body_type,) = (value for name, value in vars(body).items() if name.lower() == f"{operation.replace('_', '')}body")
    return function.sync_detailed(client=client, body=body_type.from_dict(arguments))
