"""Tests of server/page_run.py: what the server of the command accepts, and its file. tests/page runs the command."""

import os
import stat
from pathlib import Path

import httpx
import pytest

from logonscope.broker import Caller
from logonscope.faces import web
from logonscope.ownership import LINUX
from logonscope.server.auth.page_tokens import PageTokens
from logonscope.server.configuration import Settings, parse_listener
from logonscope.server.http import application
from logonscope.server.page_run import PageHost, RedirectFile, build_server_parts
from tests.server.running import example
from tests.server.serving import serving


def test_the_file_can_be_read_by_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    before = os.umask(0)
    try:
        redirect = RedirectFile("http://127.0.0.1:1/#once=a&b")
    finally:
        os.umask(before)
    path = Path(redirect.url.removeprefix("file://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "http://127.0.0.1:1/#once=a&amp;b" in path.read_text()
    redirect.remove()
    assert list(tmp_path.iterdir()) == []


def test_only_the_token_that_was_exchanged_is_accepted() -> None:
    caller = Caller("the reader of the recording", None, administrator=True)
    tokens = PageTokens(caller)
    settings = Settings(listen=(parse_listener("http://127.0.0.1:0"),))
    services = build_server_parts(PageHost(example(), LINUX, caller), settings, tokens, web.FOLDER)
    with (
        serving(app=application(services)) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.addresses[0][1]}") as client,
    ):
        assert client.post("/page/session", json={}).json() == {"user": None, "sign_in": "token"}
        assert client.post("/v1/identify", json={}).status_code == 401
        assert (
            client.post("/v1/identify", json={}, headers={"Authorization": f"Bearer {tokens.once}"}).status_code == 401
        )
        assert client.post("/page/sign-in", json={"user": "root", "password": "x"}).status_code == 403
        assert client.post("/page/exchange", json={"token": "x"}).status_code == 403
        answer = client.post("/page/exchange", json={"token": tokens.once}).json()
        assert answer["user"] == "the reader of the recording"
        headers = {"Authorization": f"Bearer {answer['token']}"}
        assert client.post("/v1/identify", json={}, headers=headers).json()["sees_everything"] is True
        assert client.post("/page/exchange", json={"token": tokens.once}).status_code == 403
        evil = {**headers, "Host": "evil.example"}
        assert client.post("/v1/identify", json={}, headers=evil).status_code == 403
        assert client.post("/page/session", json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    services.pool.shutdown()
    services.password_pool.shutdown()
