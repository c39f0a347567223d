"""Tests of server/auth/page_tokens.py: one token works once, and only for it the other one is given."""

from logonscope.broker import Caller
from logonscope.server.auth.page_tokens import ONCE_SECONDS, PageTokens

CALLER = Caller("root", 0, administrator=True)


def test_the_first_token_works_once() -> None:
    tokens = PageTokens(CALLER)
    assert tokens.exchange("") is None
    assert tokens.exchange(tokens.once + "x") is None
    bearer = tokens.exchange(tokens.once)
    assert bearer is not None
    assert bearer != tokens.once
    assert tokens.exchange(tokens.once) is None
    assert tokens.find_caller(bearer) == CALLER._replace(read_only=True)
    for other in ("", tokens.once, bearer + "x", "\udc80"):
        assert tokens.find_caller(other) is None


def test_it_expires() -> None:
    now = 0.0
    tokens = PageTokens(CALLER, lambda: now)
    now = ONCE_SECONDS
    assert tokens.exchange(tokens.once) is None


def test_two_runs_have_different_tokens() -> None:
    assert PageTokens(CALLER).once != PageTokens(CALLER).once
