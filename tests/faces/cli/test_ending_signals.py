"""faces/cli/ending_signals.py: a signal is raised where it is checked, and the handlers are restored."""

import os
import signal
from collections.abc import Iterator

import pytest

from logonscope.faces.cli.ending_signals import EndingSignals


@pytest.fixture
def signals() -> Iterator[EndingSignals]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    made = EndingSignals()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    made.install()
    yield made
    made.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_nothing_is_raised_before_the_check(signals: EndingSignals) -> None:
    signals.check()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signals.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_exit_code_names_the_signal(signals: EndingSignals, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(SystemExit) as caught:
        signals.check()
    assert caught.value.code == 128 + number


@pytest.mark.usefixtures("signals")
def test_the_second_one_does_not_wait() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_none_is_raised_while_commands_are_ended(signals: EndingSignals) -> None:
    signals.hold()
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)
    assert repr(signals) == f"<EndingSignals: {int(signal.SIGTERM)}>"


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals = EndingSignals()
    signals.install()
    os.kill(os.getpid(), signal.SIGHUP)
    signals.check()
    signals.restore()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signal.signal(signal.SIGHUP, before)
