"""pypsrp's WSMan, unmodified and with its safe defaults, gets what it gets from Windows."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import SelectorSet, WSMan

from logonscope.server.auth.user_file import UserFile
from logonscope.wire.wsman import names
from tests.clients.others import NO_SHELL, PLAIN, add_plain
from tests.server.auth.test_client_certificates import authority_file, client_file
from tests.server.running import ADMIN, ALICE, BOB, QUICK, RunningServer, hostile, running

WMI = f"{names.WMI}/root/cimv2"
CONTEXT = f".//{{{names.ENUMERATION}}}EnumerationContext"
WAYS = {
    "basic": {"auth": "basic", "ssl": False, "encryption": "never"},
    "ntlm, sealed": {"auth": "ntlm", "ssl": False},
    "negotiate, sealed": {"auth": "negotiate", "ssl": False},
    "basic over TLS": {"auth": "basic", "ssl": True},
    "ntlm over TLS": {"auth": "ntlm", "ssl": True},
    "negotiate over TLS": {"auth": "negotiate", "ssl": True},
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def client(server: RunningServer, user: tuple[str, str] = ADMIN, way: str = "ntlm, sealed", **more: Any) -> WSMan:
    told = {**WAYS[way], **more}
    port = server.https if told["ssl"] else server.http
    certificate: Any = server.certificate if told["ssl"] else False
    return WSMan("127.0.0.1", port=port, username=user[0], password=user[1], cert_validation=certificate, **told)


def enumerated(optimized: bool, most: int = 0, wql: str = "") -> ET.Element:
    body = ET.Element(f"{{{names.ENUMERATION}}}Enumerate")
    if optimized:
        ET.SubElement(body, f"{{{names.WSMAN}}}OptimizeEnumeration")
    if most:
        ET.SubElement(body, f"{{{names.WSMAN}}}MaxElements").text = str(most)
    if wql:
        ET.SubElement(body, f"{{{names.WSMAN}}}Filter", Dialect=names.WQL).text = wql
    return body


def all_items(wsman: WSMan, uri: str, body: ET.Element, most: int = 7) -> list[ET.Element]:
    """Enumerate and pull, to the end."""
    answer = wsman.enumerate(uri, body)
    found = [*answer.iterfind(f".//{{{names.WSMAN}}}Items/*")]
    context = answer.find(CONTEXT)
    while context is not None and context.text:
        pull = ET.Element(f"{{{names.ENUMERATION}}}Pull")
        ET.SubElement(pull, f"{{{names.ENUMERATION}}}EnumerationContext").text = context.text
        ET.SubElement(pull, f"{{{names.ENUMERATION}}}MaxElements").text = str(most)
        answer = wsman.pull(uri, pull)
        found += answer.iterfind(f".//{{{names.ENUMERATION}}}Items/*")
        context = answer.find(CONTEXT)
    return found


def handles(items: list[ET.Element]) -> list[str | None]:
    return [item.findtext("{*}Handle") or item.findtext("Handle") for item in items]


def test_a_certificate_authenticates(tmp_path: Path) -> None:
    file = client_file(tmp_path, ADMIN[0])
    with running(client_ca=authority_file(tmp_path)) as server:
        told: Any = {"certificate_pem": file, "certificate_key_pem": file, "cert_validation": server.certificate}
        with WSMan("127.0.0.1", port=server.https, ssl=True, auth="certificate", **told) as wsman:
            found = all_items(wsman, f"{names.WMI}/root/cimv2/Win32_Process", enumerated(optimized=True, most=99))
    assert len(found) == 16


@pytest.mark.parametrize("way", WAYS)
def test_it_authenticates_by_every_scheme(server: RunningServer, way: str) -> None:
    with client(server, way=way) as wsman:
        selectors = SelectorSet()
        selectors.add_option("LogonId", "41")
        found = wsman.get(f"{WMI}/Win32_LogonSession", selector_set=selectors)
        assert found.findtext(f".//{{{WMI}/Win32_LogonSession}}LogonType") == "10"


@pytest.mark.parametrize("way", WAYS)
def test_it_is_rejected_with_another_password(way: str) -> None:
    with running() as server, client(server, ("scanner", "wrong"), way) as wsman, pytest.raises(AuthenticationError):
        wsman.enumerate(f"{WMI}/Win32_Process", enumerated(optimized=True))


@pytest.mark.parametrize("optimized", [True, False])
@pytest.mark.parametrize("most", [0, 3, 500])
def test_it_enumerates_to_the_end(server: RunningServer, optimized: bool, most: int) -> None:
    with client(server) as wsman:
        items = all_items(wsman, f"{WMI}/Win32_SessionProcess", enumerated(optimized, most))
    sessions = [item.findtext(f".//{{{names.WSMAN}}}Selector[@Name='LogonId']") for item in items]
    assert len(items) == 16
    assert sessions.count("41") == 5


def test_it_asks_in_wql_and_along_associations(server: RunningServer) -> None:
    names_sshd = "SELECT Handle FROM Win32_Process WHERE Name = 'sshd'"
    along = "ASSOCIATORS OF {Win32_Process=4312} WHERE ResultClass=Win32_LogonSession"
    with client(server) as wsman:
        assert handles(all_items(wsman, f"{WMI}/*", enumerated(True, 9, names_sshd))) == ["700", "4100", "4150"]
        (session,) = all_items(wsman, f"{WMI}/*", enumerated(True, 9, along))
    assert session.findtext("{*}LogonId") == "41"


def test_it_runs_methods(server: RunningServer) -> None:
    selectors = SelectorSet()
    selectors.add_option("Handle", "4312")
    with client(server) as wsman:
        uri = f"{WMI}/Win32_Process"
        returned = wsman.invoke(f"{uri}/GetOwner", uri, ET.Element(f"{{{uri}}}GetOwner_INPUT"), selector_set=selectors)
    assert returned.findtext(f".//{{{uri}}}User") == "root"
    assert returned.findtext(f".//{{{uri}}}ReturnValue") == "0"


def test_faults_are_read_with_their_number_and_words(server: RunningServer) -> None:
    with client(server) as wsman:
        for wql, number in (("SELECT", 0x80041017), ("SELECT * FROM Nothing", 0x80041010)):
            with pytest.raises(WSManFaultError) as refused:
                wsman.enumerate(f"{WMI}/*", enumerated(True, 1, wql))
            assert refused.value.code == number
            assert refused.value.machine == "web1"
            assert refused.value.reason


def test_an_item_that_does_not_fit_is_one_fault_and_the_rest_comes(server: RunningServer) -> None:
    with client(server, max_envelope_size=8192) as wsman:
        uri = f"{WMI}/Win32_Process"
        items = all_items(wsman, uri, enumerated(True, 500), most=500)
    assert len(items) == 16


@pytest.mark.parametrize("way", ["negotiate, sealed", "negotiate over TLS"])
def test_a_user_without_a_hash_gets_the_offered_schemes(way: str) -> None:
    with running() as server:
        users = UserFile(server.folder / "users", hasher=QUICK)
        for user in users.users():
            users.remove(user.name)
        add_plain(server)
        with client(server, PLAIN, way) as wsman, pytest.raises(AuthenticationError, match="actual: 'Basic realm="):
            wsman.enumerate(f"{WMI}/Win32_Process", enumerated(optimized=True))
        with client(server, PLAIN, "basic over TLS") as wsman:
            assert len(all_items(wsman, f"{WMI}/Win32_Process", enumerated(optimized=True))) == 16


@pytest.mark.parametrize("optimized", [True, False])
def test_one_hostile_process_hides_no_other_at_its_default_envelope(optimized: bool) -> None:
    with running(hostile()) as server, client(server) as wsman:
        items = all_items(wsman, f"{WMI}/Win32_Process", enumerated(optimized, 500), most=500)
    assert len(handles(items)) == len(set(handles(items))) == 16
    (command_line,) = [item.findtext("{*}CommandLine") for item in items if item.findtext("{*}Handle") == "4312"]
    assert set(command_line or "") == set("x &")


def test_powershell_gets_the_error_that_there_is_no_shell(server: RunningServer) -> None:
    with client(server) as wsman, pytest.raises(WSManFaultError) as refused, RunspacePool(wsman):
        pass
    assert NO_SHELL in str(refused.value.reason)


def test_every_user_sees_their_own(server: RunningServer) -> None:
    query = enumerated(True, 99, "SELECT LogonId FROM Win32_LogonSession")
    for user, seen in ((ALICE, ["41", "42"]), (BOB, ["37"])):
        with client(server, user) as wsman:
            items = all_items(wsman, f"{WMI}/*", query)
        assert [item.findtext("LogonId") for item in items] == seen
