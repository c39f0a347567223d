"""Tests of providers/ls_sub_session.py: logon sessions that began inside others."""

import subprocess
import sys

import logonscope
from logonscope import Host
from logonscope.broker import Caller
from logonscope.cim.schema import LOGONSCOPE
from tests import example
from tests.hosts import ROOT, user
from tests.kernel import SOMEBODY, kernel_id, require_logins
from tests.providers.asked import everything, pair, web1

SSHD = example.process(4400, 4151, 650, "sshd", "sshd -p 2222", 0, 41, 1000)
BOB = example.process(4500, 4400, 651, "sshd", "sshd: bob [priv]", 0, 90, 1001)
SHELL = example.process(4501, 4500, 652, "bash", "-bash", 1001, 90, 1001)
YOUNG = example.process(4600, 1, 700, "late", "", 1000, 41, 1000)
LEFT = example.process(4610, 4600, 690, "left", "", 1001, 91, 1001)
"""The parent of this process has ended, and another process has its pid."""


def host(caller: Caller = ROOT) -> Host:
    return web1(caller, processes=(*example.PROCESSES, SSHD, BOB, SHELL, YOUNG, LEFT))


def session(logon_id: str) -> str:
    return rf'\\.\root\logonscope:LS_LogonSession.LogonId="{logon_id}"'


def test_a_login_below_an_sshd_of_a_login() -> None:
    names = ("Antecedent", "Dependent", "FirstProcessId", "ParentProcessId")
    assert everything(host(), "LS_SubSession", *names) == [(session("41"), session("90"), 4500, 4400)]
    assert everything(web1(), "LS_SubSession", *names) == []


def test_from_the_inner_session_to_the_outer_one_and_back() -> None:
    found = host().associators(session("90"), assoc_class="LS_SubSession", namespace=LOGONSCOPE)
    assert [row["LogonId"] for row in found] == ["41"]
    back = host().associators(session("41"), role="Antecedent", assoc_class="LS_SubSession", namespace=LOGONSCOPE)
    assert [row["LogonId"] for row in back] == ["90"]
    ends = pair("LS_SubSession", Antecedent=session("41"), Dependent=session("90"))
    assert host().get(ends, namespace=LOGONSCOPE)["FirstProcessId"] == 4500


def test_a_user_needs_to_see_both() -> None:
    assert everything(host(user(1000)), "LS_SubSession", "Dependent") == []
    assert everything(host(user(1001)), "LS_SubSession", "Dependent") == []


LOGINS = """
import os, sys
def log_in(uid):
    with open("/proc/self/loginuid", "w") as file:
        file.write(str(uid))
log_in(%d)
inner = os.fork()
if inner == 0:
    log_in(%d)
    os.write(1, b"in\\n")
sys.stdin.read()
"""
"""Logs in, and its child logs in once more, as an sshd below a login does for its users."""


def test_a_login_inside_a_login_of_the_kernel() -> None:
    require_logins()
    program = [sys.executable, "-I", "-S", "-c", LOGINS % (SOMEBODY, SOMEBODY + 1)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outer:
        assert outer.stdin is not None
        assert outer.stdout is not None
        outer.stdout.readline()
        rows = everything(logonscope.connect(), "LS_SubSession", "FirstProcessId", "ParentProcessId", "Antecedent")
        (inner,) = [(first, path) for first, parent, path in rows if parent == outer.pid]
        assert kernel_id(inner[0]) != kernel_id(outer.pid)
        assert inner[1] == session(str(kernel_id(outer.pid)))
        outer.stdin.close()
