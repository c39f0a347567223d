"""Debian's wsl, Dell's client of WS-Management made of bash and curl, gets every row."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from logonscope.wire.wsman import names
from tests.clients.others import PLAIN, SESSION_41, WMI, add_plain, program
from tests.server.running import RunningServer, running

CIM = names.CIM_SCHEMA


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        add_plain(found)
        yield found


def answers(
    server: RunningServer, folder: Path, *words: str, tls: bool = False, user: tuple[str, str] = PLAIN
) -> list[bytes]:
    """Run a command of wsl, and return all that was answered."""
    for needed in ("curl", "xmllint", "uuidgen"):
        program(needed)
    port = server.https if tls else server.http
    if tls:
        (folder / f"127.0.0.1:{port}.crt").write_text(Path(server.certificate).read_text(encoding="ascii"), "ascii")
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "WSENDPOINT": f"127.0.0.1:{port}", "WSUSER": user[0],
        "WSPASS": user[1], "WSENUMOPTIMIZE": "true", "WSENUMMAXELEM": "7", **({} if tls else {"WSNOSSL": "true"}),
    }  # fmt: skip
    subprocess.run([program(words[0]), *words[1:]], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
    parts = sorted(folder.glob("response-*.xml"), key=lambda path: int(path.stem.partition("-")[2]))
    return [part.read_bytes() for part in parts]


def handles(found: list[bytes]) -> list[str]:
    texts = [element.text for data in found for element in etree.fromstring(data).iter("{*}Handle")]
    return [text or "" for text in texts]


def test_it_enumerates_to_the_end(server: RunningServer, tmp_path: Path) -> None:
    found = answers(server, tmp_path, "wslenum", f"{WMI}/Win32_Process")
    assert len(found) > 2  # Enumerate, and a Pull for every seven
    assert len(handles(found)) == len(set(handles(found))) == 16


def test_it_asks_in_wql_over_tls(server: RunningServer, tmp_path: Path) -> None:
    query = "SELECT Handle FROM Win32_Process WHERE SessionId = 41"
    found = answers(server, tmp_path, "wslenum", f"{WMI}/*", "-dialect", names.WQL, "-filter", query, tls=True)
    assert handles(found) == SESSION_41


def test_it_asks_by_selectors_and_along_associations(server: RunningServer, tmp_path: Path) -> None:
    by_selector = ("-dialect", names.SELECTOR_FILTER, "-filter", "Name=sshd")
    found = answers(server, tmp_path, "wslenum", f"{WMI}/Win32_Process", *by_selector)
    assert handles(found) == ["700", "4100", "4150"]


def test_it_gets_one_instance(server: RunningServer, tmp_path: Path) -> None:
    for uri, more in ((f"{WMI}/Win32_Process", ()), (f"{CIM}/Win32_Process", ("-ns", "root/cimv2"))):
        (*_, answer) = answers(server, tmp_path, "wslget", uri, *more, "Handle=4312")
        root = etree.fromstring(answer)
        assert root.findtext(f".//{{{uri}}}Name") == "python3"


def test_it_identifies(server: RunningServer, tmp_path: Path) -> None:
    (answer,) = answers(server, tmp_path, "wslid", "check")
    assert b"Logonscope 0." in answer


def test_it_invokes_what_only_reads(server: RunningServer, tmp_path: Path) -> None:
    which = ("-mode", "epr", "-dialect", names.SELECTOR_FILTER, "-filter", "Handle=4312")
    (answer,) = answers(server, tmp_path, "wslenum", f"{WMI}/Win32_Process", *which)
    # wslinvoke copies the selectors as text, into an envelope that has only its own prefix for them
    (tmp_path / "process.xml").write_bytes(answer.replace(b"<w:", b"<wsman:").replace(b"</w:", b"</wsman:"))
    uri = f"{WMI}/Win32_Process"
    (answer,) = answers(server, tmp_path, "wslinvoke", uri, "GetOwner", "-inst", "process.xml")
    assert etree.fromstring(answer).findtext(".//{*}User") == "root"


def test_another_password_is_refused(server: RunningServer, tmp_path: Path) -> None:
    found = answers(server, tmp_path, "wslenum", f"{WMI}/Win32_Process", user=(PLAIN[0], "wrong"))
    assert [data for data in found if data] == []
