"""Tests of faces/cli/token.py: a token is added, used over HTTP with its scope, listed and removed."""

import json
import os
import stat
from pathlib import Path

from logonscope.faces.cli.token import TOKENS_FILE
from logonscope.server import configuration
from tests.broker.memory import Memory
from tests.conversation import reply
from tests.server.json_requests import JSON, PROCESS, connection, post
from tests.server.running import running
from tests.server.test_json import MANY, crowd


def test_a_token_from_its_command_to_its_end() -> None:
    with running(allow_methods="true") as server:
        path = str(server.folder / "tokens")
        reading = reply(["token", "add", "--tokens", path, "reader", "--administrator"])[1].strip()
        acting = reply(["token", "add", "--tokens", path, "janitor", "--uid", "1000", "--scope", "act"])[1].strip()
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600

        def ask(token: str, operation: str, **arguments: object) -> int:
            return post(server, operation, arguments, None, Authorization=f"Bearer {token}").status

        assert ask(reading, "session_of", pid=3990) == 200
        assert ask(acting, "session_of", pid=3990) == 403
        priority = {"path": PROCESS, "method": "SetPriority", "parameters": {"Priority": 64}}
        assert ask(reading, "invoke", path=PROCESS, method="GetOwner") == 200
        refused = post(server, "invoke", priority, None, Authorization=f"Bearer {reading}")
        assert (refused.status, refused.error["message"]) == (403, "this request may only read")
        assert ask(acting, "invoke", **priority) == 200
        assert [line.split()[0] for line in reply(["token", "list", "--tokens", path])[1].splitlines()] == [
            "NAME", "reader", "janitor",
        ]  # fmt: skip
        assert reply(["token", "remove", "--tokens", path, "reader"])[0] == 0
        assert ask(reading, "session_of", pid=3990) == 401
        events = [json.loads(line) for line in (server.folder / "audit").read_text(encoding="utf-8").splitlines()]
        assert {"user": "token reader", "scheme": "bearer", "accepted": True}.items() <= events[0].items()
        assert any(event.get("outcome") == "WBEM_E_ACCESS_DENIED" for event in events)


def test_a_removed_token_ends_its_stream() -> None:
    with running(Memory(crowd())) as server, connection(server) as client:
        file = ["--tokens", str(server.folder / "tokens")]
        token = reply(["token", "add", *file, "reader", "--administrator"])[1].strip()
        client.request("POST", "/v1/processes", b"{}", {**JSON, "Authorization": f"Bearer {token}"})
        response = client.getresponse()
        assert response.read(1000)
        assert reply(["token", "remove", *file, "reader"])[0] == 0
        *rows, last = response.read().splitlines()
        assert json.loads(last)["error"]["message"] == "the credentials are not valid any more"
        assert len(rows) < MANY


def test_wrong_use(tmp_path: Path) -> None:
    path = str(tmp_path / "tokens")
    assert reply(["token", "add", "--tokens", path, "x", "--uid", "1000", "--expires", "soon"])[0] == 2
    assert reply(["token", "add", "--tokens", path, "x"])[0] == 2
    code, _, err = reply(["token", "add", "--tokens", path, "x", "--administrator", "--uid", "4"])
    assert (code, err) == (
        2,
        "logonscope: invalid --uid: with --administrator, the token sees everything; give one of the two\n",
    )
    assert not (tmp_path / "tokens").exists()
    assert reply(["token", "remove", "--tokens", path, "x"])[0] == 1
    assert reply(["token", "add", "--tokens", path, "x", "--uid", "1000", "--hosts", "web 1"])[0] == 2


def test_a_token_of_another_host_is_none_here() -> None:
    with running() as server:
        file = ["--tokens", str(server.folder / "tokens")]
        words = ["token", "add", *file]
        here = reply([*words, "here", "--uid", "1000", "--hosts", f"other,{os.uname().nodename}"])[1].strip()
        elsewhere = reply([*words, "elsewhere", "--uid", "1000", "--hosts", "no-such-host*"])[1].strip()
        for token, status in ((here, 200), (elsewhere, 401)):
            assert post(server, "sessions", {}, None, Authorization=f"Bearer {token}").status == status
        (line, _) = reply(["token", "list", *file, "-o", "jsonl"])[1].splitlines()
        assert json.loads(line)["hosts"] == ["other", os.uname().nodename.lower()]
        rows = json.loads(reply(["-o", "json", "token", "list", *file])[1])
        assert [row["name"] for row in rows] == ["here", "elsewhere"]


def test_the_list_has_the_formats_of_every_list(tmp_path: Path) -> None:
    file = ["--tokens", str(tmp_path / "tokens")]
    assert reply(["token", "list", *file])[::2] == (
        1,
        f"logonscope: {file[1]} does not exist; see `logonscope token add --help`\n",
    )
    assert reply(["token", "add", *file, "x", "--uid", "1000"])[0] == 0
    heading, line = reply(["token", "list", *file, "-o", "csv"])[1].splitlines()
    assert heading == "name,uid,administrator,scope,expires"
    assert line.startswith("x,1000,False,read,20")


def test_the_default_file_is_the_servers() -> None:
    assert TOKENS_FILE == configuration.TOKENS_FILE
