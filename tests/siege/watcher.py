"""The program that asks for one row while others attack: as root by the unix socket, as an administrator over TLS.

Each question has a connection of its own. Prints "ready" after the first two answers, and the figures as JSON when its
standard input ends.
"""

import json
import re
import select
import ssl
import sys
import threading
from collections.abc import Callable

from tests.siege.accounts import ADMINISTRATOR
from tests.siege.exchange import ONE_ROW, Answer, ask, basic, http_request, query

PAUSE = 0.2
ADDRESS = "127.200.0.1"
"""Where the administrator asks from."""


def reason(answer: Answer) -> str:
    """Return the status of an answer that has no row, and the sentence of its fault or the error of its connection."""
    fault = re.search(rb"<s:Text[^>]*>(.*?)</s:Text>", answer.body)
    return f"{answer.status} {(fault[1] if fault else answer.body[:200]).decode(errors='replace')}"


class Watch:
    """One of the two, who asks again and again."""

    def __init__(self, question: Callable[[], Answer]) -> None:
        self._question, self._over = question, threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.worst, self.count, self.failures = 0.0, 0, list[str]()

    def start(self) -> None:
        """Ask once, and from then on again and again."""
        self._add(self._question())
        if self.failures:
            raise SystemExit(f"no answer before the attack: {self.failures[0]}")
        self.worst, self.count = 0.0, 0
        self._thread.start()

    def figures(self) -> dict[str, object]:
        """Stop, and return the slowest answer, how many there were and which were none."""
        self._over.set()
        self._thread.join()
        return {"worst": self.worst, "count": self.count, "failures": self.failures}

    def _ask(self) -> None:
        while not self._over.wait(PAUSE):
            self._add(self._question())

    def _add(self, answer: Answer) -> None:
        self.worst, self.count = max(self.worst, answer.seconds), self.count + 1
        if answer.status != 200 or b">1<" not in answer.body:
            self.failures.append(reason(answer))


def main() -> None:
    """Watch: watcher SOCKET PORT CERTIFICATE."""
    path, port, certificate = sys.argv[1:]
    context = ssl.create_default_context(cafile=certificate)
    as_root, as_administrator = http_request(query(ONE_ROW)), http_request(query(ONE_ROW), basic(ADMINISTRATOR))

    def ask_as_root() -> Answer:
        return ask(path, as_root)

    def ask_as_administrator() -> Answer:
        return ask(("127.0.0.1", int(port)), as_administrator, ADDRESS, context)

    watches = {"root": Watch(ask_as_root), "administrator": Watch(ask_as_administrator)}
    for watch in watches.values():
        watch.start()
    print("ready", flush=True)
    select.select([sys.stdin], [], [])
    print(json.dumps({name: watch.figures() for name, watch in watches.items()}), flush=True)


if __name__ == "__main__":
    main()
