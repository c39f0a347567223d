"""Tests of answers/session_service.py: a row has a short repr."""

from logonscope.answers.session_service import SessionService


def test_its_repr_has_what_identifies_it() -> None:
    text = repr(SessionService("nginx.service", 5, 700, "nginx", "root", None))
    assert "nginx.service" in text
    assert "start" not in text
