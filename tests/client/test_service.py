"""Tests of client/service.py: the service is used where it answers with the same version, and else not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope import Host, __version__, connect
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.client.service import connect_to_service
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.client.scripted import answer, scripted
from tests.lab.fixtures import skip_or_fail
from tests.providers.asked import SNAPSHOT
from tests.server.running import running


def local() -> Host:
    """Return the host as a caller without rights reads it."""
    return LocalHost(Memory(SNAPSHOT), LINUX, Caller("bob", 1001, administrator=False), lambda *_: 7)


def test_the_service_answers_and_leaves_methods_and_recordings_to_the_caller() -> None:
    if os.geteuid() != 0:
        skip_or_fail("on a unix socket, root alone is an administrator")
    with running() as server:
        host = connect_to_service(server.unix, __version__, local)
        assert host is not None
        assert repr(host) == f"<JsonHost {server.unix}>"
        assert host.sees_everything
        assert host.record("x") == 7
        assert host.invoke("Win32_Process=4312", "GetOwner").return_value == 2  # bob may not read it himself
        host.close()


@pytest.mark.parametrize(
    "response", [answer(b'{"version":"9.9"}\n'), answer(b"{}\n"), answer(b"busy", 503, "text/plain"), b"", b"\xff"]
)
def test_another_version_or_no_answer_is_not_used(tmp_path: Path, response: bytes) -> None:
    with scripted(tmp_path, response) as path:
        assert connect_to_service(path, __version__, local) is None
    assert connect_to_service(str(tmp_path / "nothing"), __version__, local) is None


def test_a_caller_with_all_rights_and_one_who_wants_to_read_itself_go_direct() -> None:
    assert isinstance(connect(), LocalHost)
    assert isinstance(connect(direct=True, visibility="kernel"), LocalHost)


def test_asking_the_service_imports_no_http_library() -> None:
    program = (
        "import sys; from logonscope.client.service import connect_to_socket; connect_to_socket('/x', None);"
        "print(sorted({'http.client', 'socket', 'ssl', 'asyncio', 'logonscope.cim.schema'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"[]\n"
