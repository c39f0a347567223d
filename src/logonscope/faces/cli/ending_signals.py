"""Signals that end ``watch --exec``. A signal is noted when it arrives; ``check`` raises its exception later.

The exception of a second signal is raised when the signal arrives.
"""

import signal
from types import FrameType
from typing import Any, NoReturn

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_by_signal(number: int, _: FrameType | None) -> NoReturn:
    """Raise SystemExit with the exit code of a process that the signal ended; a handler of signals."""
    raise SystemExit(128 + number)


class EndingSignals:
    """Notes Ctrl-C, SIGTERM and SIGHUP between ``install`` and ``restore``.

    A handler only notes the signal: an exception out of it could come between the start of a process and the moment at
    which the pid is noted.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._handlers: dict[int, Any] = {}
        self._is_held = False

    def __repr__(self) -> str:
        return f"<EndingSignals: {self._received}>"

    def install(self) -> None:
        """Note the signals from now on. A signal that is ignored stays ignored (nohup(1) ignores SIGHUP)."""
        for number in _NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._note)

    def restore(self) -> None:
        """Handle the signals as before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def hold(self) -> None:
        """Raise no exception when a signal arrives: the commands are being ended."""
        self._is_held = True

    def check(self) -> None:
        """Raise the exception of a signal, if one was noted.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            SystemExit: another signal.
        """
        if self._received == signal.SIGINT:
            raise KeyboardInterrupt
        if self._received is not None:
            exit_by_signal(self._received, None)

    def _note(self, number: int, _: FrameType | None) -> None:
        # the second signal does not wait for check(): the watch may hang
        is_second = self._received is not None
        self._received = number
        if is_second and not self._is_held:
            self.check()
