"""Tests of broker/view_as.py: who may see what another user sees, and of which users."""

import pytest

from logonscope.broker.access import Caller
from logonscope.broker.invoke import invoke
from logonscope.broker.request import Request
from logonscope.broker.sessions import sessions
from logonscope.broker.view_as import view_as
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotFoundError
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

HOST = Memory(SNAPSHOT)


@pytest.mark.parametrize("name", ["alice", "1000"])
def test_an_administrator_sees_what_a_user_sees(name: str) -> None:
    viewer = view_as(HOST.request(ROOT), name)
    assert viewer == Caller(name, 1000, administrator=False, read_only=True)
    assert sessions(HOST.request(viewer)) == sessions(HOST.request(user(1000)))


def test_root_sees_everything() -> None:
    assert view_as(HOST.request(ROOT), "root") == Caller("root", 0, administrator=True, read_only=True)


def test_only_administrators_may_view_as_another_user() -> None:
    with pytest.raises(AccessDeniedError, match="only an administrator"):
        view_as(HOST.request(user(1000)), "alice")
    with pytest.raises(AccessDeniedError, match="only an administrator"):
        view_as(HOST.request(Caller("uid 1000", 1000, administrator=True, limited_by_kernel=True)), "alice")


@pytest.mark.parametrize("name", ["nobody-of-this-name", "", "-1", "alice\n", "\u0661"])
def test_a_user_that_the_host_does_not_have(name: str) -> None:
    with pytest.raises(NotFoundError, match="has no account"):
        view_as(HOST.request(ROOT), name)


@pytest.mark.parametrize("name", ["4294967295", "9" * 5000])
def test_a_uid_that_no_account_can_have(name: str) -> None:
    with pytest.raises(InvalidParameterError, match="invalid uid"):
        view_as(HOST.request(ROOT), name)


def test_a_view_only_reads() -> None:
    request: Request = HOST.request(view_as(HOST.request(ROOT), "alice"))
    assert invoke(request, "Win32_Process=4312", "GetOwner").return_value == 0
    with pytest.raises(AccessDeniedError, match="may only read"):
        invoke(request, "Win32_Process=4312", "Terminate")
