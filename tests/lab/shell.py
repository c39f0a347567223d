"""An ssh client for tests, which can be written to and disconnected."""

import contextlib
import itertools
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Shell:
    """A login that stays until it is closed: `with machine.ssh("alice") as shell: shell.ask("echo $$")`."""

    def __init__(self, argv: Sequence[str], *, tty: bool, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            argv,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self._marks = (f"mark-{number}" for number in itertools.count())
        self._talkative = tty  # it prompts, and its terminal echoes

    def __enter__(self) -> Self:
        """Be logged in for a block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Hang up."""
        self.close()

    def send(self, line: str) -> None:
        """Type a line."""
        self._in.write(line + "\n")
        self._in.flush()

    def read(self) -> str:
        """Read the next line that comes back; at the end of the connection this is an error."""
        with self._impatience():
            line = self._out.readline()
        if not line:
            raise EOFError(f"the connection ended with {self.process.wait(10)}")
        return line.rstrip("\r\n")

    def ask(self, command: str) -> str:
        """Have the shell run a command and return what it printed."""
        if self._talkative:
            self._talkative = False
            self.send("PS1= PS2=; stty -echo")
        before, after = next(self._marks), next(self._marks)
        self.send(f"echo; echo {before}; {command}\necho; echo {after}")
        while self.read() != before:
            pass
        lines = []
        while (line := self.read()) != after:
            lines.append(line)
        return "\n".join(lines).strip()

    def end(self) -> str:
        """Let the command run to its end and return what it printed."""
        with self._impatience(), self.process:
            with contextlib.suppress(BrokenPipeError):
                self._in.close()
            return self._out.read().replace("\r\n", "\n").strip()

    def close(self) -> None:
        """Hang up, as when the network cable is pulled."""
        with self.process:
            self.process.kill()

    @contextlib.contextmanager
    def _impatience(self) -> Iterator[None]:
        """Hang up where nothing comes back, instead of waiting for ever."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
