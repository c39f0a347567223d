"""The walk of a request: the files of the functions that it calls, in the order of the calls.

``python -m tests.house.walk`` prints it. A step is a call of a function of the package; a lambda and each resumption of
a generator count as calls. Threads are followed one after the other. Code that runs while a module is imported is no
step, and neither is a look-up of a class in the schema (cim/schema). Files are counted in the first run of the request
in a new process (cold), returns to a file already left in the second run (warm), because most calls of the first run
only build classes.
"""

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Self

from tests.house.source_files import PACKAGE, ROOT

PID = 4312
REQUESTS = {
    "whose": "logonscope whose {pid}, as a whole command",
    "wql": "SELECT * FROM Win32_SessionProcess over WS-Management, from the envelope's bytes to the answer's",
    "associators": "host.associators('Win32_Process.Handle=\"{pid}\"')",
}
HOSTS = ("folder", "recording", "live")
"""The example host as a folder that is read as a root is, the same as a recording, and this machine."""

_PREFIX = f"{PACKAGE}{os.sep}"
_SCHEMA = f"{PACKAGE / 'cim/schema'}{os.sep}"


class Step(NamedTuple):
    """A call of a function: its file within the package, and its qualified name."""

    file: str
    function: str


class Walk(NamedTuple):
    """The steps of a request, the first time in a process and the second time."""

    cold: Sequence[Step]
    warm: Sequence[Step]

    @property
    def files(self) -> list[str]:
        """Return the files that are passed the first time, in the order in which they are entered."""
        return list(dict.fromkeys(step.file for step in self.cold))

    @property
    def returns(self) -> int:
        """Return how often a call enters a file that was entered before and is not the current one."""
        return returns(step.file for step in self.warm)


class Recorder:
    """A profile function that notes steps, for a ``with`` block, in this thread and those started in it."""

    def __init__(self) -> None:
        self._steps: defaultdict[int, list[Step]] = defaultdict(list)  # by thread
        self._imports: defaultdict[int, int] = defaultdict(int)  # by thread: module bodies that are running

    @property
    def steps(self) -> list[Step]:
        """Return the steps of all threads, one thread after the other: how threads take turns differs every time."""
        return [step for steps in self._steps.values() for step in steps]

    def __enter__(self) -> Self:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event not in {"call", "return"} or not code.co_filename.startswith(_PREFIX):
            return
        thread = threading.get_ident()
        if code.co_name == "<module>":
            self._imports[thread] += 1 if event == "call" else -1
            return
        # The body of a class is none; __annotate__ is Python 3.14's way to evaluate what older ones did at the import.
        is_function = code.co_flags & inspect.CO_OPTIMIZED and code.co_name != "__annotate__"
        if event == "call" and is_function and not self._imports[thread] and not code.co_filename.startswith(_SCHEMA):
            self._steps[thread].append(Step(code.co_filename.removeprefix(_PREFIX), code.co_qualname))


def returns(files: Iterable[str]) -> int:
    """Return how often a file is entered that was entered before and is not the current one."""
    visits = [file for file, _ in groupby(files)]
    return len(visits) - len(set(visits))


def walk(request: str, host: str = "folder", pid: int = PID) -> Walk:
    """Follow a request in a fresh process.

    Args:
        request: one of ``REQUESTS``.
        host: one of ``HOSTS``.
        pid: the process that the request is about.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ["--record", _written(host, Path(folder)), "--pid", str(pid), request]
        command = [sys.executable, "-m", "tests.house.walk", *words]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}  # sets have an order then
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    cold, warm = json.loads(done.stdout)
    return Walk([Step(*step) for step in cold], [Step(*step) for step in warm])


def record(run: Callable[[], object]) -> Walk:
    """Run a request twice and note its steps."""
    recorders = Recorder(), Recorder()
    for recorder in recorders:
        with recorder:
            run()
    return Walk(*(recorder.steps for recorder in recorders))


def lines(followed: Walk) -> Iterator[str]:
    """Yield the files in the order in which they are entered, each with the functions that run there."""
    functions = {file: [step.function for step in followed.cold if step.file == file] for file in followed.files}
    for number, (file, names) in enumerate(functions.items(), 1):
        yield f"{number:3} {file}: {', '.join(dict.fromkeys(names))}"


def visits(followed: Walk) -> Iterator[str]:
    """Yield a line a visit, warm: the file, marked where it was left before, and the functions called there."""
    entered = set()
    for number, (file, steps) in enumerate(groupby(followed.warm, key=lambda step: step.file), 1):
        yield f"{number:4} {'<' if file in entered else ' '} {file}: {', '.join(step.function for step in steps)}"
        entered.add(file)


def summary(request: str, followed: Walk, pid: int = PID) -> str:
    """Return the figures of a walk in one line."""
    cold = returns(step.file for step in followed.cold)
    return (
        f"{REQUESTS[request].format(pid=pid)}: {len(followed.files)} files; "
        f"{followed.returns} returns to a file already left ({cold} cold), {len(followed.warm)} calls"
    )


def main() -> None:
    """Follow requests and print their walks."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.walk", description="Which files does a request pass?")
    parser.add_argument("requests", nargs="*", metavar="REQUEST", help=f"of {', '.join(REQUESTS)} (default: all)")
    parser.add_argument("--host", choices=HOSTS, default="folder", help="the example host in one form, or this machine")
    parser.add_argument("--pid", type=int, default=PID, help="the process that is asked about")
    parser.add_argument("--visits", action="store_true", help="a line for every visit of a file, not one a file")
    parser.add_argument("--record", metavar="HOST", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.record is not None:
        from tests.house.requests import PREPARED  # noqa: PLC0415 -- only the fresh process imports the package

        run = PREPARED[args.requests[0]](args.record or None, args.pid)
        json.dump(record(run), sys.stdout)
        return
    for request in args.requests or REQUESTS:
        followed = walk(request, args.host, args.pid)
        print(*(visits if args.visits else lines)(followed), summary(request, followed, args.pid), "", sep="\n")


def _written(host: str, folder: Path) -> str:
    """Write the example host, and return what ``--host`` takes; "" is this machine."""
    if host == "live":
        return ""
    from tests import example, example_folder  # noqa: PLC0415 -- the fresh process needs neither

    return example.recording(folder) if host == "recording" else example_folder.example_folder(folder / "web1")


if __name__ == "__main__":
    main()
