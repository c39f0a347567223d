"""Tests of push over TLS: only receivers with a certificate that the settings trust get events; the log says why."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.answers.check import Check
from tests.broker.ringed import Ringed
from tests.providers.asked import SNAPSHOT
from tests.server.running import RunningServer, running
from tests.server.serving import wait_until
from tests.server.sinks.receivers import Certificate, make_certificate
from tests.server.subscriber import subscriber
from tests.server.test_push_tasks import subscribe


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("receiver"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("other"))


def finding(server: RunningServer) -> Check:
    """Return what doctor shows of the receiver."""
    (checks,) = server.services.dispatcher.source.service_checks
    (check,) = checks()
    return check


def failure(origin: str, ca: str, caplog: pytest.LogCaptureFixture) -> str:
    """Subscribe at a receiver that does not get the event; return the line of the log, which doctor has, too."""
    host = Ringed(SNAPSHOT)
    with running(host, push_to=origin, push_ca=ca) as server:
        assert subscribe(server, origin).startswith("uuid:")
        host.publish(1)
        wait_until(lambda: f"events to {origin}: " in caplog.text)
        (line,) = [record.getMessage() for record in caplog.records if f"events to {origin}: " in record.getMessage()]
        reason = line.removeprefix(f"events to {origin}: ").removesuffix("; trying again after 1 s")
        check = finding(server)
        assert (check.subject, check.ok) == (f"events to {origin}", False)
        assert reason in check.finding
    return reason.removeprefix(f"cannot post to {origin}: ")


def test_a_receiver_with_a_trusted_certificate_gets_the_events(certificate: Certificate) -> None:
    host = Ringed(SNAPSHOT)
    with subscriber(context=certificate.context()) as collector:
        origin = collector.origin.replace("127.0.0.1", "localhost")
        with running(host, push_to=origin, push_ca=certificate.certificate) as server:
            subscribe(server, f"{origin}/events")
            host.publish(2)
            wait_until(lambda: collector.actions == ["Event"] * 2)
            wait_until(lambda: "2 messages delivered" in finding(server).finding)
            assert finding(server).ok
        assert collector.actions[-1] == "SubscriptionEnd"


def test_a_receiver_that_asks_for_a_certificate_gets_that_of_the_settings(
    certificate: Certificate, other: Certificate, tmp_path: Path
) -> None:
    context = certificate.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(other.certificate)
    both = tmp_path / "both.pem"
    both.write_text(Path(other.certificate).read_text() + Path(other.key).read_text())
    host = Ringed(SNAPSHOT)
    with subscriber(context=context) as collector:
        origin = collector.origin.replace("127.0.0.1", "localhost")
        with running(
            host, push_to=origin, push_ca=certificate.certificate, push_client_certificate=str(both)
        ) as server:
            subscribe(server, origin)
            host.publish(1)
            wait_until(lambda: collector.actions == ["Event"])


def test_a_receiver_with_another_certificate_gets_nothing(
    certificate: Certificate, other: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    with subscriber(context=certificate.context()) as collector:
        origin = collector.origin.replace("127.0.0.1", "localhost")
        for ca in (other.certificate, ""):
            caplog.clear()
            assert failure(origin, ca, caplog) == "certificate verify failed: self-signed certificate"
        assert collector.messages == []


def test_a_receiver_with_another_name_gets_nothing(certificate: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    with subscriber(context=certificate.context()) as collector:
        reason = failure(collector.origin, certificate.certificate, caplog)
        assert reason.startswith("certificate verify failed: IP address mismatch")
        assert collector.messages == []


@pytest.fixture
def plain() -> Iterator[str]:
    """Run a server without TLS, which answers anything as web servers answer a TLS handshake; return its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            try:
                while True:
                    accepted, _ = listening.accept()
                    with accepted:
                        accepted.recv(1)
                        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return

        thread = threading.Thread(target=answer)
        thread.start()
        yield str(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_receiver_without_tls_gets_nothing_over_https(
    plain: str, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    assert failure(f"https://127.0.0.1:{plain}", certificate.certificate, caplog) == "it does not use TLS"


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    missing = str(tmp_path / "missing.pem")
    assert failure("https://127.0.0.1:9", missing, caplog) == f"cannot use {missing}: No such file or directory"
