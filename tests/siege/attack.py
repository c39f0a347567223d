"""Programs that run inside of the machine for as long as a block does, and what each has seen in the end."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

from tests.lab.lab import PYTHON
from tests.lab.systemd import CHECKOUT, Machine

READY = "ready"
LAST_SECONDS = 150.0
"""For the answers that a program still waits for when it is told to end."""


class Program:
    """A module of tests.siege that was started inside.

    It prints "ready", perhaps with facts in JSON, and once its input ends the outcome in JSON.
    """

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._name, self._process = name, process
        self._in, self._out = process.stdin, process.stdout
        self._outcome: Any = None
        self.facts: Any = None

    def wait_until_ready(self) -> None:
        """Wait until it does what it is for, and keep what it said about that."""
        line = self._out.readline()
        word, _, more = line.strip().partition(" ")
        assert word == READY, f"{self._name} said {line!r} and ended with {self._process.poll()}"
        self.facts = json.loads(more or "null")

    def outcome(self) -> Any:
        """Tell it to end, and return what it prints then."""
        if self._outcome is None:
            self._in.close()
            timer = threading.Timer(LAST_SECONDS, self._process.kill)
            timer.start()
            text = self._out.read()
            timer.cancel()
            assert text, f"{self._name} ended with {self._process.wait()} and said nothing"
            self._outcome = json.loads(text)
        return self._outcome


@contextlib.contextmanager
def attacking(machine: Machine, module: str, *arguments: object) -> Iterator[Program]:
    """Run a module inside, as root, until the block ends; it becomes another user itself."""
    words = [PYTHON, "-m", f"tests.siege.{module}", *map(str, arguments)]
    with machine.spawn(["env", f"PYTHONPATH={CHECKOUT}", *words]) as process:
        program = Program(module, process)
        try:
            program.wait_until_ready()
            yield program
            program.outcome()
        finally:
            process.kill()
