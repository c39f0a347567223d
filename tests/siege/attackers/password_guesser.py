"""An attacker that guesses passwords over TLS: many clients at once, each with an address of its own, or all with one.

password_guesser PORT CLIENTS USER FIRST: guesses at USER from FIRST.0.1 on (as 127.20), or at USER0, USER1 ... from the
one address FIRST where that is a whole one. Prints how many answers had which status.
"""

import json
import os
import select
import sys
import threading
from collections import Counter

from tests.siege.accounts import Account
from tests.siege.attackers.identity import become, take_descriptors
from tests.siege.exchange import ONE_ROW, ask, basic, http_request, query, trusting_nobody

UID = 64_502
PAUSE = 0.5
"""Seconds after a refusal, so that the clients, and not the server, leave a processor to others."""


class Guesser:
    """The clients; they guess until the event."""

    def __init__(self, port: int, user: str, first: str) -> None:
        self._server, self._user, self._first = ("127.0.0.1", port), user, first
        self._context = trusting_nobody()
        self.statuses: Counter[int] = Counter()
        self.over = threading.Event()

    def guess(self, number: int) -> None:
        """Guess again and again."""
        is_one_address = self._first.count(".") == 3
        here = self._first if is_one_address else f"{self._first}.{number // 250}.{1 + number % 250}"
        name = f"{self._user}{number}" if is_one_address else self._user
        guesses = 0
        while not self.over.is_set():
            guesses += 1
            account = Account(name, f"guess {number} {guesses}", 0, is_administrator=False)
            answer = ask(self._server, http_request(query(ONE_ROW), basic(account)), here, self._context)
            self.statuses[answer.status] += 1
            if answer.status != 401:
                self.over.wait(PAUSE)


def main() -> None:
    """Guess until standard input ends."""
    port, clients, user, first = sys.argv[1:]
    take_descriptors()
    become(UID)
    guesser = Guesser(int(port), user, first)
    threads = [threading.Thread(target=guesser.guess, args=(number,), daemon=True) for number in range(int(clients))]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    select.select([sys.stdin], [], [])
    guesser.over.set()
    print(json.dumps(guesser.statuses), flush=True)
    os._exit(0)  # without the answers that the server still makes some wait for


if __name__ == "__main__":
    main()
