"""Tests of server/sinks/syslog_delivery.py: messages as a real rsyslog reads them, and connections that break."""

import json
import re
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from logonscope.answers.host_event import HostEvent
from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError
from logonscope.server.sinks.documents import make_encoder
from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.syslog_delivery import LocalLogDelivery, SyslogDelivery, syslog_message
from tests.descriptors import descriptors_above_select_limit
from tests.lab.systemd import wait_until
from tests.server.sinks.receivers import CHANGED, FAILED, HOST, LOST, make_certificate, rsyslog

PARCEL = Parcel("id-1", [FAILED, CHANGED, LOST])
ENCODE = make_encoder("jsonl", HOST)
# RFC 5424, 6: HEADER SP STRUCTURED-DATA SP MSG, here with the MSGID and without structured data
_RFC5424 = re.compile(
    rb"<(\d{1,3})>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} ([!-~]{1,32}) - (.*)"
)


def delivery(port: int, scheme: str = "tcp", ca: str = "") -> SyslogDelivery:
    return SyslogDelivery(
        SinkSettings("a", "syslog", Target(scheme, "localhost", port, ""), ca=ca, seconds=5), ENCODE, "web1"
    )


def test_a_message_is_of_rfc_5424() -> None:
    match = _RFC5424.fullmatch(syslog_message(FAILED, "text", "we b1\u20ac"))
    assert match is not None
    assert match.groups() == (b"84", b"LogonFailed", b"text")


@pytest.mark.parametrize("has_tls", [False, True])
def test_rsyslog_reads_each_event(tmp_path: Path, has_tls: bool) -> None:
    certificate = make_certificate(tmp_path) if has_tls else None
    with rsyslog(tmp_path, certificate) as (port, output):
        sink = delivery(port, "tls" if has_tls else "tcp", certificate.certificate if certificate else "")
        sink.send(PARCEL)
        sink.send(Parcel("id-2", [LOST]))
        sink.close()
        wait_until(lambda: output.exists() and len(output.read_text().splitlines()) >= 4, 20, "four messages")
        rows = [line.split(" ", 6) for line in output.read_text().splitlines()]
    assert [(row[0], row[1], row[2], row[3], row[4]) for row in rows] == [
        ("1", "84", "logonscope", "LogonFailed", "web1"),
        ("1", "85", "logonscope", "UserChanged", "web1"),
        ("1", "84", "logonscope", "Lost", "web1"),
        ("1", "84", "logonscope", "Lost", "web1"),
    ]
    assert json.loads(rows[0][6])["attempt"]["user"] == "mallory\n\u20ac"


def test_a_connection_that_was_closed_is_made_anew_and_nothing_is_missing() -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def take_one_message() -> None:
            for _ in range(2):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return  # the test has ended: one connection was enough
                with connection:
                    received.append(connection.recv(65_536))

        thread = threading.Thread(target=take_one_message, daemon=True)
        thread.start()
        sink = delivery(port)
        sent, failures = 0, 0
        while sent < 2:
            try:
                sink.send(Parcel("p", [LOST]))
                sent += 1
            except DeliveryError:
                failures += 1
            assert failures < 5
        thread.join(1)  # one connection is enough where both messages arrived before the first one was closed
        sink.close()
    assert b"".join(received).count(b" Lost - ") >= 2
    for data in received:
        length, _, rest = data.partition(b" ")
        assert len(rest) >= int(length)


class Answering:
    """A server that is none of syslog: it reads once, answers, and closes."""

    def __init__(self, server: socket.socket, answer: bytes, delay: float = 0.0) -> None:
        self._server, self._answer, self._delay = server, answer, delay
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                time.sleep(self._delay)
                connection.sendall(self._answer)


@pytest.mark.parametrize("answer", [b"\x15\x03\x03\x00\x02\x02F", b"500 bad command\r\n" * 20])
def test_a_server_that_answers_gets_nothing_that_counts(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Answering(server, answer, 0.1)
        sink = delivery(server.getsockname()[1])
        for _ in range(3):
            with pytest.raises(DeliveryError, match=r"answered .* does not speak syslog without TLS"):
                sink.send(PARCEL)
        sink.close()


def test_a_server_that_closes_after_it_has_read_gets_nothing_that_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Answering(server, b"", 0.1)
        sink = delivery(server.getsockname()[1])
        with pytest.raises(DeliveryError, match="closed"):
            sink.send(PARCEL)
        sink.close()


def test_a_sender_with_many_open_files_notices_that_the_server_closes() -> None:
    with descriptors_above_select_limit(), socket.create_server(("127.0.0.1", 0)) as server:
        Answering(server, b"", 0.1)
        sink = delivery(server.getsockname()[1])
        with pytest.raises(DeliveryError, match="closed"):
            sink.send(PARCEL)
        sink.close()


def test_a_server_that_wants_a_client_certificate_gets_nothing_that_counts(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    context = certificate.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate.certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def refuse_twice() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                # the client's part of the handshake ends before the server looks at the certificate: TLS 1.3
                time.sleep(0.1)
                with connection, pytest.raises(ssl.SSLError):
                    context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=refuse_twice)
        thread.start()
        sink = delivery(port, "tls", certificate.certificate)
        for _ in range(2):
            with pytest.raises(DeliveryError):
                sink.send(PARCEL)
        thread.join()
        sink.close()


def test_a_server_that_reads_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = SyslogDelivery(
            SinkSettings("a", "syslog", Target("tcp", "localhost", server.getsockname()[1], ""), seconds=1), ENCODE, "w"
        )
        with pytest.raises(DeliveryError):
            _send_often(sink, 500)
        sink.close()
    with pytest.raises(DeliveryError, match="refused"):
        sink.send(PARCEL)


def _send_often(sink: SyslogDelivery, count: int) -> None:
    for _ in range(count):
        sink.send(Parcel("p", [FAILED] * 200))


def test_the_local_log_gets_a_datagram_for_each_event(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        LocalLogDelivery(str(tmp_path / "log"), ENCODE, 5).send(PARCEL)
        first = log.recv(65_536).decode()
    assert re.match(r"<84>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d logonscope\[\d+\]: \{", first)
    with pytest.raises(DeliveryError, match="cannot write"):
        LocalLogDelivery(str(tmp_path / "missing"), ENCODE, 5).send(PARCEL)


def test_an_event_that_is_too_long_for_a_datagram_does_not_stop_the_others(tmp_path: Path) -> None:
    def encode(event: HostEvent) -> str:
        return "x" * 2_000_000 if event is CHANGED else "short"

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        with pytest.raises(RejectedError, match="length") as refusal:
            LocalLogDelivery(str(tmp_path / "log"), encode, 5).send(PARCEL)
        assert refusal.value.count == 1
        assert [log.recv(65_536).endswith(b"short") for _ in range(2)] == [True, True]
