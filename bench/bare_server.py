"""The floor of a small request: a server that reads no HTTP, checks nothing, and lets a thread give a constant answer.

What it costs is the event loop's, the system calls' and that of the change to a thread and back: of every server that
lets no request block its event loop. It prints its port.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from logonscope.server.server import SWITCH_SECONDS

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{}\n"
THREADS = ThreadPoolExecutor(4)


class BareProtocol(asyncio.Protocol):
    """One connection; each piece of data that is received counts as a request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- of a TCP connection
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Let a thread answer."""
        THREADS.submit(self._answer, data)

    def _answer(self, _request: bytes) -> None:
        self._loop.call_soon_threadsafe(self._transport.write, ANSWER)


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(BareProtocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(main())
