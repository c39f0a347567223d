"""Tests of server/sinks/http_delivery.py: what a receiver gets, verified by the words of the specifications."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError
from logonscope.server.sinks.documents import make_encoder
from logonscope.server.sinks.http_delivery import OtlpDelivery, WebhookDelivery
from logonscope.server.sinks.settings import SinkSettings, Target
from tests.lab.systemd import wait_until
from tests.server.sinks.receivers import CHANGED, FAILED, HOST, LOST, HttpReceiver, make_certificate
from tests.server.sinks.slow_receiver import SlowReceiver

PARCEL = Parcel("id-1", [FAILED, CHANGED, LOST])


def settings(port: int, path: str, scheme: str = "http", **values: str) -> SinkSettings:
    kind = "otlp" if "v1" in path else "webhook"
    return SinkSettings("a", kind, Target(scheme, "localhost", port, path), seconds=5, **values)  # type: ignore[arg-type] # texts


def test_a_webhook_is_signed_and_its_id_stays_the_same(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a key\n")
    with HttpReceiver((500, 200)) as receiver:
        delivery = WebhookDelivery(
            settings(receiver.port, "/hook?a=b", secret_file=str(tmp_path / "secret")), make_encoder("jsonl", HOST)
        )
        with pytest.raises(DeliveryError, match="answered 500"):
            delivery.send(PARCEL)
        delivery.send(PARCEL)
        delivery.close()
    first, second = receiver.posts
    assert (second.path, second.headers["webhook-id"]) == ("/hook?a=b", first.headers["webhook-id"])
    signed = f"{second.headers['webhook-id']}.{second.headers['webhook-timestamp']}.".encode() + second.body
    digest = hmac.new(b"a key", signed, hashlib.sha256).digest()
    assert second.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert [json.loads(line)["event"] for line in second.body.splitlines()] == ["LogonFailed", "UserChanged", "Lost"]


def test_otlp_over_tls_has_a_record_for_each_event(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "token").write_text("t0ken")
    with HttpReceiver(context=certificate.context()) as receiver:
        options = {"ca": certificate.certificate, "token_file": str(tmp_path / "token")}
        delivery = OtlpDelivery(settings(receiver.port, "/v1/logs", "https", **options), HOST)
        delivery.send(PARCEL)
        delivery.close()
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            OtlpDelivery(settings(receiver.port, "/v1/logs", "https"), HOST).send(PARCEL)
    (post,) = receiver.posts
    assert (post.headers["authorization"], post.headers["content-type"]) == ("Bearer t0ken", "application/json")
    (resource,) = json.loads(post.body)["resourceLogs"]
    records = resource["scopeLogs"][0]["logRecords"]
    assert [record["eventName"] for record in records] == [
        "logonscope.logon_failed", "logonscope.user_changed", "logonscope.events_lost",
    ]  # fmt: skip
    attributes = {row["key"]: row["value"] for row in records[0]["attributes"]}
    assert attributes["source.address"] == {"stringValue": "203.0.113.7"}
    assert records[0]["timeUnixNano"] == "1795804777160186000"


@pytest.mark.parametrize(("status", "error"), [
    (400, RejectedError), (413, RejectedError), (401, DeliveryError), (404, DeliveryError), (429, DeliveryError),
    (503, DeliveryError), (302, DeliveryError),
])  # fmt: skip
def test_what_can_never_be_taken_is_rejected_and_all_else_waits(status: int, error: type[Exception]) -> None:
    with HttpReceiver((status,)) as receiver:
        delivery = OtlpDelivery(settings(receiver.port, "/v1/logs"), HOST)
        with pytest.raises(error, match=str(status)):
            delivery.send(PARCEL)
        delivery.close()


def test_records_that_a_collector_refuses_are_rejected() -> None:
    answer = b'{"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "too old"}}'
    with HttpReceiver(answer=answer) as receiver:
        delivery = OtlpDelivery(settings(receiver.port, "/v1/logs"), HOST)
        with pytest.raises(RejectedError, match="refused 2 records: too old") as refusal:
            delivery.send(PARCEL)
        assert refusal.value.count == 2
        delivery.close()


@pytest.mark.parametrize("answer", [
    b"[" * 60_000, b'{"partialSuccess": {"rejectedLogRecords": 1e999}}', b'{"partialSuccess": []}', b"\xff", b"null",
    b'{"partialSuccess": {"rejectedLogRecords": "' + b"9" * 5000 + b'"}}',
])  # fmt: skip
def test_an_answer_that_says_nothing_is_a_delivery(answer: bytes) -> None:
    with HttpReceiver(answer=answer) as receiver:
        delivery = OtlpDelivery(settings(receiver.port, "/v1/logs"), HOST)
        delivery.send(PARCEL)
        delivery.close()


def test_without_a_listener_or_a_secret(tmp_path: Path) -> None:
    with HttpReceiver() as receiver:
        port = receiver.port
        missing = settings(port, "/", secret_file=str(tmp_path / "secret"))
        with pytest.raises(DeliveryError, match="cannot read"):
            WebhookDelivery(missing, make_encoder("jsonl", HOST)).send(PARCEL)
    with pytest.raises(DeliveryError, match="refused"):
        OtlpDelivery(settings(port, "/v1/logs"), HOST).send(PARCEL)


def test_a_kept_connection_that_the_target_has_closed_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a key")
    with SlowReceiver(requests_of_connection=1) as receiver:
        delivery = WebhookDelivery(
            settings(receiver.port, "/", secret_file=str(tmp_path / "secret")), make_encoder("jsonl", HOST)
        )
        for number in range(3):
            delivery.send(PARCEL)
            wait_until(lambda expected=number + 1: receiver.closed == expected, 10)  # type: ignore[misc]  # the number of now
        delivery.close()
    assert (receiver.connections, receiver.requests) == (3, 3)


def test_a_target_that_closes_each_connection_at_once_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a key")
    with SlowReceiver(requests_of_connection=0) as receiver:
        delivery = WebhookDelivery(
            settings(receiver.port, "/", secret_file=str(tmp_path / "secret")), make_encoder("jsonl", HOST)
        )
        with pytest.raises(DeliveryError, match="cannot post"):
            delivery.send(PARCEL)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_byte_by_byte_ends_at_the_deadline(tmp_path: Path, scheme: str) -> None:
    """Over https the receiver answers the handshake in plain bytes that never end a record."""
    (tmp_path / "secret").write_text("a key")
    with SlowReceiver(drip=b"\x16\x03\x03\x40\x00" if scheme == "https" else b"HTTP/1.1 200 OK\r\nX: ") as receiver:
        options = settings(receiver.port, "/", scheme, secret_file=str(tmp_path / "secret"))._replace(seconds=1)
        delivery = WebhookDelivery(options, make_encoder("jsonl", HOST))
        # without the deadline, this would go on for as long as the receiver sends: it never stops by itself
        with pytest.raises(DeliveryError, match="no answer within 1 s"):
            delivery.send(PARCEL)
