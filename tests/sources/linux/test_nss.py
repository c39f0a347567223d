"""sources/linux/nss.py: what if the name service knows nothing, fails, or does not answer?"""

import math
import time

import pytest

from logonscope.machine import Trouble
from logonscope.sources.linux import nss
from logonscope.sources.linux.nss import NameService, Silence


def no() -> int:
    raise KeyError


def failing() -> int:
    raise OSError


def test_what_it_answers_is_returned() -> None:
    troubles: list[Trouble] = []
    service = NameService(Silence(), troubles)
    assert (service.ask(lambda: 7), service.ask(no), service.ask(failing)) == (7, None, None)
    assert troubles == []


def test_after_it_did_not_answer_it_is_not_asked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nss, "DEADLINE", 0.05)
    silence, troubles = Silence(), list[Trouble]()
    service = NameService(silence, troubles)
    assert service.ask(lambda: time.sleep(1)) is None
    assert service.is_silent
    assert [trouble.why for trouble in troubles] == ["no answer within 0.05 s"]
    another = NameService(silence, [])
    assert another.ask(lambda: 7) is None
    silence.until = 0
    assert another.ask(lambda: 7) == 7


def test_it_can_be_left_alone_for_good() -> None:
    silence = Silence()
    silence.until = math.inf
    assert NameService(silence, []).ask(lambda: 7) is None
