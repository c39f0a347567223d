"""Heads that two readers may read in two ways."""

from tests.siege.exchange import ask, trusting_nobody
from tests.siege.siege import Siege

BODY = b"<a/>"
HOST, LENGTH = b"Host: server\r\n", b"Content-Length: 4\r\n"
POST = b"POST /wsman HTTP/1.1\r\n"
HEADS = {
    "Content-Length with Transfer-Encoding": POST + HOST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n",
    "two Authorization": POST + HOST + LENGTH + b"Authorization: Basic YTph\r\nAuthorization: Basic YTph\r\n\r\n",
    "a folded header": POST + HOST + LENGTH + b"X-Name: one\r\n two\r\n\r\n",
    "lines that end with LF": (POST + HOST + LENGTH + b"\r\n").replace(b"\r\n", b"\n"),
    "one line that ends with LF": POST + b"Host: server\n" + LENGTH + b"\r\n",
    "two Content-Length": POST + HOST + LENGTH + b"Content-Length: 5\r\n\r\n",
    "Content-Length with a sign": POST + HOST + b"Content-Length: +4\r\n\r\n",
    "an unknown Transfer-Encoding": POST + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "a blank before the colon": POST + HOST + b"Content-Length : 4\r\n\r\n",
    "no Host": POST + LENGTH + b"\r\n",
    "two Host": POST + HOST + HOST + LENGTH + b"\r\n",
    "a NUL in a header": POST + HOST + LENGTH + b"X-Name: a\0b\r\n\r\n",
    "a header without a name": POST + HOST + LENGTH + b": value\r\n\r\n",
    "no HTTP": b"\x16\x03\x01 nothing that HTTP knows\r\n\r\n",
}
PORTS = ("HTTP", "TLS")


def send_malformed_heads(siege: Siege) -> str:
    """Send each over both ports."""
    unit = siege.unit
    for name, head in HEADS.items():
        answers = [
            ask(("127.0.0.1", unit.plain_port), head + BODY),
            ask(("127.0.0.1", unit.tls_port), head + BODY, context=trusting_nobody()),
        ]
        for port, answer in zip(PORTS, answers, strict=True):
            siege.expect(answer.status == 400, f"{name} over {port} got {answer.status} {answer.body[:60]!r}")
    return f"{len(HEADS)} heads, over HTTP and over TLS: 400 each"
