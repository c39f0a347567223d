"""An attacker that requests streams of rows as JSON as a user, and reads only the beginning of each.

stream_holder UID COUNT SOCKET OPERATION ARGUMENTS: ARGUMENTS are JSON. Prints the status of each response.
"""

import json
import select
import socket
import sys

from tests.siege.attackers.identity import become
from tests.siege.exchange import connect, json_request


def open_stream(server: str, request: bytes) -> tuple[socket.socket, int]:
    """Send a request, and read the first line of the response; return the connection and the status."""
    client = connect(server)
    # A small buffer, so that the server cannot write more than a part of the rows.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(request)
    head = client.recv(16)
    return client, int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0


def main() -> None:
    """Hold the streams until standard input ends."""
    uid, count, server, operation, arguments = sys.argv[1:]
    become(int(uid))
    request = json_request(operation, json.loads(arguments))
    opened = [open_stream(server, request) for _ in range(int(count))]
    print("ready", flush=True)
    select.select([sys.stdin], [], [])
    print(json.dumps([status for _, status in opened]), flush=True)


if __name__ == "__main__":
    main()
