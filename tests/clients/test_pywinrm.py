"""pywinrm's protocol layer, unmodified, gets what it gets from Windows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xmltodict
from winrm import Session
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError, WSManFaultError
from winrm.protocol import Protocol

from logonscope.wire.wsman import names
from tests.clients.others import NO_SHELL
from tests.server.auth.test_client_certificates import authority_file, client_file
from tests.server.running import ADMIN, RunningServer, running

WAYS = {"plaintext": False, "ntlm": False, "basic": True, "ssl": True}
"""Transports, and whether they go over TLS."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def protocol(server: RunningServer, transport: str, password: str = ADMIN[1], **more: Any) -> Protocol:
    url = server.wsman_over_tls if WAYS[transport] else server.wsman
    told: Any = {"transport": transport, "username": ADMIN[0], "password": password, **more}
    return Protocol(url, ca_trust_path=server.certificate, **told)


def asked(client: Protocol, wql: str) -> dict[str, Any]:
    """Ask in WQL, as people do with this library: by its header and their own body."""
    envelope = client.build_wsman_header(names.ENUMERATE, f"{names.WMI}/root/cimv2/*")
    envelope["env:Body"] = {
        "n:Enumerate": {
            "w:OptimizeEnumeration": None,
            "w:MaxElements": "99",
            "w:Filter": {"@Dialect": names.WQL, "#text": wql},
        }
    }
    answer: dict[str, Any] = xmltodict.parse(client.send_message(xmltodict.unparse({"env:Envelope": envelope})))
    return answer


@pytest.mark.parametrize("transport", WAYS)
def test_it_asks_by_every_transport(server: RunningServer, transport: str) -> None:
    answer = asked(protocol(server, transport), "SELECT Handle, Name FROM Win32_Process WHERE SessionId = 41")
    items = answer["s:Envelope"]["s:Body"]["n:EnumerateResponse"]["w:Items"]["w:XmlFragment"]
    assert [item["Handle"] for item in items] == ["4100", "4150", "4151", "4300", "4312"]


def test_a_certificate_authenticates(tmp_path: Path) -> None:
    file = client_file(tmp_path, ADMIN[0])
    with running(client_ca=authority_file(tmp_path)) as server:
        told: Any = {"ca_trust_path": server.certificate, "cert_pem": file, "cert_key_pem": file}
        answer = asked(Protocol(server.wsman_over_tls, transport="certificate", **told), "SELECT * FROM Win32_Process")
        assert len(answer["s:Envelope"]["s:Body"]["n:EnumerateResponse"]["w:Items"]["p:Win32_Process"]) == 16


def test_sealed_messages_are_its_default_with_ntlm(server: RunningServer) -> None:
    answer = asked(protocol(server, "ntlm", message_encryption="always"), "SELECT Handle FROM Win32_Process")
    assert len(answer["s:Envelope"]["s:Body"]["n:EnumerateResponse"]["w:Items"]["w:XmlFragment"]) == 16


@pytest.mark.parametrize("transport", WAYS)
def test_another_password_is_refused(transport: str) -> None:
    with running() as server, pytest.raises((InvalidCredentialsError, WinRMTransportError)):
        asked(protocol(server, transport, "wrong"), "SELECT * FROM Win32_Process")


@pytest.mark.parametrize("run", ["run_cmd", "run_ps"])
def test_a_session_gets_the_error_that_there_is_no_shell(server: RunningServer, run: str) -> None:
    session = Session(server.wsman, auth=ADMIN, transport="ntlm", ca_trust_path=server.certificate)
    with pytest.raises(WSManFaultError) as refused:
        getattr(session, run)("hostname")
    assert NO_SHELL in refused.value.reason


def test_a_fault_is_read_with_its_codes(server: RunningServer) -> None:
    with pytest.raises(WSManFaultError) as refused:
        asked(protocol(server, "ntlm"), "SELECT * FROM Win32_Proces")
    assert refused.value.wsman_fault_code == refused.value.wmierror_code == 0x80041010
    assert refused.value.fault_subcode == "a:DestinationUnreachable"
    assert "did you mean Win32_Process?" in refused.value.reason
