"""An attacker that sends one request over many connections as a user, all at once.

request_sender UID COUNT SERVER REQUEST [ANSWERED]: SERVER is a unix socket's path or a TLS port, REQUEST is in base64.
It waits for the answers; ANSWERED: also when its standard input has ended.
"""

import base64
import json
import select
import sys
import threading
import time

from tests.siege.attackers.identity import become
from tests.siege.exchange import Answer, connect, encrypted, received, trusting_nobody

STARTING = 0.3
"""Seconds in which the threads come to send."""


class Sender:
    """The connections and their answers."""

    def __init__(self, server: str, request: bytes) -> None:
        self._server: str | tuple[str, int] = ("127.0.0.1", int(server)) if server.isdigit() else server
        self._request = request
        self._context = None if isinstance(self._server, str) else trusting_nobody()
        self.answers: list[Answer] = []

    def send(self) -> None:
        """Send the request, and wait for the answer."""
        began = time.monotonic()
        try:
            with connect(self._server) as bare, encrypted(bare, self._context) as client:
                client.sendall(self._request)
                self.answers.append(received(client, began))
        except OSError as error:
            self.answers.append(Answer(0, str(error).encode(), time.monotonic() - began))


def main() -> None:
    """Send, and print the answers: status, seconds and the begin of the body of each."""
    uid, count, server, request, *answered = sys.argv[1:]
    become(int(uid))
    sender = Sender(server, base64.b64decode(request))
    threads = [threading.Thread(target=sender.send, daemon=True) for _ in range(int(count))]
    for thread in threads:
        thread.start()
    time.sleep(STARTING)
    print("ready", flush=True)
    select.select([sys.stdin], [], [])
    if answered:
        for thread in threads:
            thread.join()
    print(json.dumps([(status, seconds, body.decode(errors="replace")) for status, body, seconds in sender.answers]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
