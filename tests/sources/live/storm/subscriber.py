"""Subscribers of one user to the events of a server, over its unix socket; report what came for a line of input.

    python -m tests.sources.live.storm.subscriber SOCKET UID COUNT

A client of its own: it parses server-sent events itself, so that it shares no code with what it measures.
"""

import json
import os
import selectors
import socket
import sys
import time
from datetime import datetime

HEAD_END = b"\r\n\r\n"
REQUEST = b"POST /v1/watch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
MAX_LATENCIES = 200_000


class Subscriber:
    """One connection, and what came through it."""

    def __init__(self, path: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(path)
        self.connection.sendall(REQUEST)
        self.head, self.data = b"", b""
        while HEAD_END not in self.head:
            data = self.connection.recv(65_536)
            if not data:
                raise ConnectionError(f"no answer: {self.head[:300]!r}")
            self.head += data
        self.head, _, self.data = self.head.partition(HEAD_END)
        if b" 200 " not in self.head.partition(b"\r\n")[0]:
            raise ConnectionError(self.head.decode())
        self.started, self.events, self.lost, self.losses, self.is_open = 0, 0, 0, 0, True
        self.latest = 0.0
        self.latencies: list[float] = []

    def read(self) -> None:
        """Read what has come."""
        data = self.connection.recv(1 << 20)
        now = time.time()
        if not data:
            self.is_open = False
            return
        *lines, self.data = (self.data + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self.note(json.loads(line[6:]), now)

    def note(self, event: dict[str, object], now: float) -> None:
        """Count an event, and note how old it is."""
        if event["event"] == "Lost":
            missed = event["missed"]
            self.losses += 1
            self.lost += missed if isinstance(missed, int) else 0
            return
        self.events += 1
        self.latest = datetime.fromisoformat(str(event["time"])).timestamp()
        if event["event"] == "ProcessStarted":
            self.started += 1
            if len(self.latencies) < MAX_LATENCIES:
                self.latencies.append(now - self.latest)


def main() -> None:
    """Subscribe, and report until the standard input ends."""
    path, uid, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.setuid(uid)
    subscribers = [Subscriber(path) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for subscriber in subscribers:
        selector.register(subscriber.connection, selectors.EVENT_READ, subscriber)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("{}", flush=True)
    while True:
        for key, _ in selector.select():
            if isinstance(key.data, Subscriber):
                key.data.read()
                if not key.data.is_open:
                    selector.unregister(key.data.connection)
            elif not sys.stdin.readline():
                return
            else:
                latencies = sorted(latency for subscriber in subscribers for latency in subscriber.latencies)
                print(json.dumps({
                    "open": sum(subscriber.is_open for subscriber in subscribers),
                    "events": [subscriber.events for subscriber in subscribers],
                    "started": [subscriber.started for subscriber in subscribers],
                    "lost": [subscriber.lost for subscriber in subscribers],
                    "latest": [subscriber.latest for subscriber in subscribers],
                    "losses": [subscriber.losses for subscriber in subscribers],
                    "median": latencies[len(latencies) // 2] if latencies else None,
                    "p99": latencies[len(latencies) * 99 // 100] if latencies else None,
                }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
