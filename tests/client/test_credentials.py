"""Tests of client/credentials.py: passwords are taken from the documented places in order, a prompt last."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from logonscope.client.credentials import PASSWORD, USER, find_password, find_user


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


def keyring(monkeypatch: pytest.MonkeyPatch, kept: dict[tuple[str, str], str], *, locked: bool = False) -> None:
    """Install a keyring of the interface that the module keyring has."""
    made = ModuleType("keyring")

    class KeyringError(Exception):
        pass

    def get_password(service: str, name: str) -> str | None:
        if locked:
            raise KeyringError
        return kept.get((service, name))

    made.__dict__.update(get_password=get_password, errors=SimpleNamespace(KeyringError=KeyringError))
    monkeypatch.setitem(sys.modules, "keyring", made)


def test_a_named_user_has_priority_over_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (find_user("alice"), find_user(None)) == ("alice", None)
    monkeypatch.setenv(USER, "bob")
    assert (find_user("alice"), find_user(None)) == ("alice", "bob")


def test_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    assert find_password("alice", "web1", ask) == "typed"
    assert asked == ["password of alice on web1: "]
    keyring(monkeypatch, {("logonscope", "alice@web1"): "kept"})
    assert find_password("alice", "web1", ask) == "kept"
    assert find_password("alice", "web2", ask) == "typed"
    monkeypatch.setenv(PASSWORD, "told")
    assert find_password("alice", "web1", ask) == "told"
    assert len(asked) == 2


def test_no_password_is_requested_without_a_user_or_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring(monkeypatch, {}, locked=True)
    assert find_password(None, "web1", lambda _: "typed") is None
    assert find_password("alice", "web1", None) is None


def test_who_types_nothing_has_none() -> None:
    def ask(_: str) -> str:
        raise EOFError

    assert find_password("alice", "web1", ask) is None
    assert find_password("alice", "web1", lambda _: "") is None
    assert find_password("alice", "web1", lambda _: "") is None
