"""Tests of faces/cli/invoke.py: a return value has the meaning that the method of its class gives it."""

import contextlib
import io

import pytest

from logonscope.app import open_user_file
from logonscope.client import LocalHost
from logonscope.faces.cli.run import run
from logonscope.facts import UNSET, Process
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT
from tests.providers.services import SERVICES


@pytest.mark.parametrize(
    ("path", "method", "said", "code"),
    [
        ('Win32_Service="script"', "startservice", "1 (not supported)", 2),
        ('Win32_Service="ssh.service"', "StartService", "10 (the service is already running)", 2),
        ('Win32_Service="ssh.service"', "StopService", "0 (done)", 0),
        ("Win32_Process=4312", "SetPriority", "21 (invalid parameter)", 2),
        ("Win32_Process=7000", "GetOwnerSid", "8 (unknown failure)", 2),
    ],
)
def test_a_return_value_has_the_meaning_of_its_class(path: str, method: str, said: str, code: int) -> None:
    # its uid belongs to the container
    contained = Process(
        7000, ses=UNSET, loginuid=UNSET, cgroup=f"/system.slice/docker-{'7' * 64}.scope", start=1, uids=(1002,) * 4,
        pid_namespaces=2, host_root=False,
    )  # fmt: skip
    snapshot = SNAPSHOT._replace(services=SERVICES, processes=[*SNAPSHOT.processes, contained])
    host, out = LocalHost(Memory(snapshot), LINUX, ROOT, lambda *_: 0), io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["invoke", path, method], lambda *_, **__: host, open_user_file) == code
    assert out.getvalue() == f"ReturnValue : {said}\n"
