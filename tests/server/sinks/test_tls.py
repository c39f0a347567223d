"""Tests of server/sinks/tls.py: files that are not certificates; handshakes are in test_http_delivery.py."""

import ssl
from pathlib import Path

import pytest

from logonscope.server.sinks.delivery import DeliveryError
from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.tls import sink_context
from tests.server.sinks.receivers import make_certificate

SETTINGS = SinkSettings("a", "otlp", Target("https", "localhost", 1, "/"))


def test_the_server_is_always_verified_and_a_client_certificate_is_loaded(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(Path(certificate.certificate).read_text() + Path(certificate.key).read_text())
    context = sink_context(SETTINGS._replace(ca=certificate.certificate, client_certificate=str(both)))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_that_is_missing_or_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    for name, reason in (("missing", "No such file"), ("text", "it has no certificate")):
        path = str(tmp_path / name)
        for settings in (SETTINGS._replace(ca=path), SETTINGS._replace(client_certificate=path)):
            with pytest.raises(DeliveryError, match=f"{name}: {reason}"):
                sink_context(settings)
