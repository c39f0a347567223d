"""Who receives what a sink sends? Servers of the standard library, a real rsyslog, and a certificate by openssl."""

import http.server
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.host_identity import HostIdentity
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import free_port, wait_until

HOST = HostIdentity("web1", "11111111-2222-3333-4444-555555555555", "3d1219c7c4c5404aaa1f6d2a48adfda4")
MOMENT = datetime(2026, 11, 27, 18, 39, 37, 160186, UTC)
ATTEMPT = FailedAttempt(
    "sshd",
    "mallory\n\u20ac",
    False,
    "203.0.113.7",
    50312,
    None,
    "password",
    None,
    None,
    None,
    "why",
    1,
    4242,
    "journal",
)
CHANGE = ChangedUser(1000, "alice", 0, "root", True, "systemctl", "sudo", "/usr/bin/systemctl", "kernel")
FAILED = HostEvent("LogonFailed", MOMENT, "c1", attempt=ATTEMPT)
CHANGED = HostEvent("UserChanged", MOMENT, "c2", change=CHANGE)
LOST = HostEvent("Lost", MOMENT, "c3", missed=7)


FIELDS = "%protocol-version% %pri% %app-name% %msgid% %hostname% %timegenerated:::date-year% %msg%"
"""What rsyslog writes of a message: its own reading of each field."""


class Post(NamedTuple):
    """A request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


class HttpReceiver:
    """A server that answers with the next of some statuses, the last one for ever."""

    def __init__(
        self, statuses: tuple[int, ...] = (200,), answer: bytes = b"", context: ssl.SSLContext | None = None
    ) -> None:
        self.posts: list[Post] = []
        self.statuses = list(statuses)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(
                    Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words: object) -> None:
                """Log nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        """Start it."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


class Certificate(NamedTuple):
    """A self-signed certificate of localhost."""

    certificate: str
    key: str

    def context(self) -> ssl.SSLContext:
        """Return the context of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Have openssl make a certificate."""
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key]
    subprocess.run(words, check=True, capture_output=True)
    return Certificate(certificate, key)


@contextmanager
def rsyslog(folder: Path, certificate: Certificate | None = None) -> Iterator[tuple[int, Path]]:
    """Run rsyslog, which writes the messages that it gets as fields, a line each; yield its port and that file."""
    program = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        skip_or_fail("rsyslog is not installed: tests/lab/packages.txt")
    port, output = free_port(), folder / "received"
    driver = 'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if certificate else ""
    tls = ""
    if certificate is not None:
        tls = (
            f'global(DefaultNetstreamDriverCAFile="{certificate.certificate}" '
            f'DefaultNetstreamDriverCertFile="{certificate.certificate}" '
            f'DefaultNetstreamDriverKeyFile="{certificate.key}")'
        )
    configuration = folder / "rsyslog.conf"
    configuration.write_text(f"""
global(workDirectory="{folder}" maxMessageSize="64k")
{tls}
template(name="fields" type="string" string="{FIELDS}\\n")
module(load="imtcp" {driver})
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omfile" file="{output}" template="fields")
""")
    process = subprocess.Popen(
        [program, "-n", "-f", str(configuration), "-i", str(folder / "pid")], stdin=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _listens(port), what="rsyslog")
        yield port, output
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    shown = subprocess.run(["ss", "-Htln", f"sport = :{port}"], capture_output=True, text=True, check=True)
    return bool(shown.stdout)
