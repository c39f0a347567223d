"""server/json_events.py: watches over real sockets, with curl and with the client."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from logonscope import connect
from logonscope.answers.host_event import HostEvent
from logonscope.errors import LogonscopeError, QuotaViolationError, TransportFailureError
from logonscope.server.auth.user_file import UserFile
from tests.broker.ringed import Ringed
from tests.providers.asked import SNAPSHOT
from tests.server.running import ADMIN, ALICE, RunningServer, running

CURL = shutil.which("curl")


@pytest.fixture
def host() -> Ringed:
    return Ringed(SNAPSHOT)


@pytest.fixture
def server(host: Ringed) -> Iterator[RunningServer]:
    with running(host) as server:
        yield server


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def curl(server: RunningServer, *words: str) -> subprocess.Popen[str]:
    """Start an unmodified client."""
    if CURL is None:
        pytest.skip("there is no curl")
    user, password = ADMIN
    command = [
        CURL, "-sN", "--max-time", "60", "-u", f"{user}:{password}", "-H", "Content-Type: application/json", *words,
        f"http://127.0.0.1:{server.http}/v1/watch",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def fields(client: subprocess.Popen[str]) -> dict[str, str]:
    """Return the fields of the next event that a client prints."""
    found: dict[str, str] = {}
    assert client.stdout is not None
    for line in client.stdout:
        name, _, value = line.rstrip("\n").partition(": ")
        if not line.strip() and found:
            break
        if name not in {"", ":"}:
            found[name] = value
    return found


def test_curl_gets_events_as_they_happen_and_continues_after_the_last_one(host: Ringed, server: RunningServer) -> None:
    with curl(server, "-d", "{}") as client:
        until(lambda: host.ring.reader_count == 1)
        host.publish(1)
        first = fields(client)
        client.kill()
    assert first["event"] == "LogonStarted"
    assert json.loads(first["data"])["session"]["logon_id"] == "1"
    until(lambda: host.ring.reader_count == 0)
    host.publish(2)
    with curl(server, "-d", "{}", "-H", f"Last-Event-ID: {first['id']}") as client:
        again = [json.loads(fields(client)["data"])["session"]["logon_id"] for _ in range(2)]
        client.kill()
    assert again == ["2", "3"]


def test_a_watch_ends_when_its_user_is_removed(host: Ringed, server: RunningServer) -> None:
    with curl(server, "-d", "{}") as client:
        until(lambda: host.ring.reader_count == 1)
        UserFile(server.folder / "users").remove(ADMIN[0])
        host.publish(1)
        last = fields(client)
        assert client.wait(30) == 0
    assert (last["event"], "LogonStarted" in last["data"]) == ("error", False)
    assert json.loads(last["data"])["error"]["name"] == "WBEM_E_ACCESS_DENIED"


def test_a_get_is_a_watch_for_browsers(host: Ringed, server: RunningServer) -> None:
    if CURL is None:
        pytest.skip("there is no curl")
    url = "http://localhost/v1/watch?events=LogonStarted,Lost&with_sessions=false"
    command = [CURL, "-sN", "--max-time", "60", "--unix-socket", server.unix]
    with subprocess.Popen([*command, url], stdout=subprocess.PIPE, text=True) as client:
        until(lambda: host.ring.reader_count == 1)
        host.publish(1, uid=os.geteuid())
        assert fields(client)["event"] == "LogonStarted"
        client.kill()
    for wrong in ("events=Nonsense", "with_sessions=maybe", "nonsense=1"):
        done = subprocess.run(
            [*command, f"http://localhost/v1/watch?{wrong}"], capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["error"]["name"].startswith("WBEM_E_")


def test_the_client_gets_what_its_user_may_see_and_ends_cleanly(host: Ringed, server: RunningServer) -> None:
    url = f"https://{ALICE[0]}@127.0.0.1:{server.https}"
    with connect(url, password=ALICE[1], certificate=server.certificate) as alice:
        watch = alice.watch(timeout=30)
        host.publish(3, uid=1001)
        host.publish(1, uid=1000)
        event = next(watch)
        assert isinstance(event, HostEvent)
        assert event.session is not None
        assert (event.session.logon_id, event.session.uid) == ("4", 1000)
        assert event.cursor == watch.cursor
        watch.close()
        assert list(watch) == []
    until(lambda: host.ring.reader_count == 0)
    assert len(server.services.dispatcher.watches) == 0


def test_results_of_a_query_have_the_instances_in_them(host: Ringed, server: RunningServer) -> None:
    with connect(
        f"https://{ADMIN[0]}@127.0.0.1:{server.https}", password=ADMIN[1], certificate=server.certificate
    ) as root:
        query = "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'LS_LogonSession'"
        with root.watch(query, namespace="root/logonscope", timeout=30) as watch:
            host.publish(1, remote_host="203.0.113.7")
            event = next(watch)
        assert not isinstance(event, HostEvent)
        assert (event.TargetInstance.LogonId, event.TargetInstance.RemoteHost) == ("1", "203.0.113.7")
        assert event.TargetInstance.cim_class.name == "LS_LogonSession"
        with pytest.raises(LogonscopeError, match="cannot watch a data query"):
            root.watch("SELECT * FROM Win32_Process")


def test_the_watches_of_a_caller_are_limited_and_hold_no_thread(host: Ringed) -> None:
    uid = os.geteuid()
    with running(host, max_connections_per_address=100) as server, connect(f"unix:{server.unix}") as root:
        watches = [root.watch() for _ in range(64)]
        with pytest.raises(QuotaViolationError, match="too many watches"):
            root.watch()
        # all threads of the server are free for other requests
        assert root.doctor()
        host.publish(1, uid=uid)
        assert {str(watch.wait(30)) for watch in watches} == {
            f"HostEvent(LogonStarted, LogonSession(logon_id='1', user='u{uid}', ...))"
        }
        watches.pop().close()
        until(lambda: host.ring.reader_count == 63)
        root.watch().close()
        for watch in watches:
            watch.close()
        until(lambda: host.ring.reader_count == 0)


def test_a_client_that_does_not_read_is_told_how_much_it_missed(server: RunningServer, host: Ringed) -> None:
    url = f"https://{ADMIN[0]}@127.0.0.1:{server.https}"  # how much was missed is for administrators
    with connect(url, password=ADMIN[1], certificate=server.certificate) as root, root.watch() as watch:
        for _ in range(60):
            host.publish(1000, remote_host="x" * 1000)
            time.sleep(0.01)
        seen = missed = 0
        while seen + missed < 60_000:
            event = watch.wait(30)
            assert isinstance(event, HostEvent)
            missed += event.missed or 0
            seen += event.event == "LogonStarted"
    assert seen + missed == 60_000


def test_a_watch_ends_with_an_error_when_the_server_stops(host: Ringed) -> None:
    with running(host) as server:
        root = connect(f"unix:{server.unix}")
        watch = root.watch()
    with pytest.raises(TransportFailureError, match=r"ends the watch|ended the watch|no valid response"):
        watch.wait(30)
