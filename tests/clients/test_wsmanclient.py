"""python-wsmanclient, unmodified, gets all rows and its faults. It sends no Content-Type, and unusual elements."""

from collections.abc import Iterator

import pytest
from wsmanclient import Client, exceptions

from logonscope.wire.wsman import names
from tests.server.running import ADMIN, RunningServer, running

WMI = f"{names.WMI}/root/cimv2"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def client(server: RunningServer, password: str = ADMIN[1]) -> Client:
    return Client("127.0.0.1", ADMIN[0], password, port=server.http, protocol="http")


@pytest.mark.parametrize("optimized", [True, False])
@pytest.mark.parametrize("most", [1, 5, 100])
def test_no_row_is_lost_however_they_are_parted(server: RunningServer, optimized: bool, most: int) -> None:
    query = "SELECT * FROM Win32_SessionProcess"
    answer = client(server).enumerate(f"{WMI}/*", optimized, most, filter_query=query, filter_dialect="wql")
    rows = answer.findall(f".//{{{WMI}/Win32_SessionProcess}}Win32_SessionProcess")
    pids = [row.findall(f".//{{{names.WSMAN}}}Selector[@Name='Handle']")[0].text for row in rows]
    assert len(pids) == len(set(pids)) == 16


def test_it_runs_methods(server: RunningServer) -> None:
    uri = f"{WMI}/Win32_Process"
    answer = client(server).invoke(uri, "GetOwner", {"Handle": "4312"}, {})
    assert answer.findtext(f".//{{{uri}}}User") == "root"


def test_refusals_are_faults(server: RunningServer) -> None:
    with pytest.raises(exceptions.InvalidResponse, match="401"):
        client(server, "wrong").enumerate(f"{WMI}/Win32_Process")
    with pytest.raises(exceptions.InvalidResponse, match="500"):
        client(server).enumerate(f"{WMI}/Win32_Nothing")
