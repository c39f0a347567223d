"""Tests of server/json.py: the JSON door over real sockets, its streams, limits and errors."""

import gzip
import http.client
import json
import os
import socket
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from logonscope.dispatch.operations import OPERATIONS
from logonscope.errors import TransportFailureError
from logonscope.facts import Process
from logonscope.machine import Look, ProcessQuery
from logonscope.machine.snapshot import Snapshot
from logonscope.server.json import JSON_OPERATIONS, MAX_PART_OCTETS
from tests.broker.memory import Memory
from tests.lab.fixtures import skip_or_fail
from tests.providers.asked import SNAPSHOT
from tests.server.json_requests import BODIES, JSON, OF_HISTORY, basic, connection, post
from tests.server.running import ADMIN, ALICE, RunningServer, hostile, running
from tests.server.serving import wait_until
from tests.services_file import HAS_SERVICES

MANY = 10_000
"""Processes whose rows have more bytes than any buffer between the server and a client."""


def crowd() -> Snapshot:
    """Return the example host with many more processes."""
    shell = next(process for process in SNAPSHOT.processes if process.pid == 4151)
    more = tuple(shell._replace(pid=10_000 + number, tgid=10_000 + number) for number in range(MANY))
    return SNAPSHOT._replace(processes=more)


class Failing(Memory):
    """A host whose last processes cannot be read."""

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        yield from islice(super().processes(look, query), MANY - 10)
        raise TransportFailureError("the source has gone", "try again")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def crowded() -> Iterator[RunningServer]:
    with running(Memory(crowd()), contexts_per_caller="2") as found:
        yield found


def test_every_operation_of_the_dispatcher_is_offered_but_those_that_streams_replace() -> None:
    assert set(OPERATIONS) - set(JSON_OPERATIONS) == {"pull", "renew", "release", "subscribe"}


def test_every_operation_has_a_request_here() -> None:
    assert set(BODIES) == set(JSON_OPERATIONS)


@pytest.mark.parametrize("name", [name for name in BODIES if name not in {"delete", *OF_HISTORY}])
def test_an_operation_is_answered_by_lines_or_by_an_object(server: RunningServer, name: str) -> None:
    answer = post(server, name, BODIES[name])
    is_lines = JSON_OPERATIONS[name].has_rows
    assert (answer.status, answer.lines != []) == (200, True)
    assert answer.headers["content-type"] == ("application/x-ndjson" if is_lines else "application/json")
    assert is_lines or len(answer.lines) == 1
    assert answer.body.isascii()
    assert answer.body.endswith(b"\n")


def test_an_error_is_an_object_with_wmis_name_and_number(server: RunningServer) -> None:
    answer = post(server, "get", {"path": "Win32_Process=99999"})
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert (answer.error["name"], answer.error["number"]) == ("WBEM_E_NOT_FOUND", 0x80041002)
    assert answer.error["hint"].startswith("POST /v1/enumerate")


@pytest.mark.parametrize(
    ("operation", "body", "headers", "status", "message"),
    [
        ("nothing", b"{}", {}, 404, "unknown operation 'nothing'"),
        ("whose/sshd", b"{}", {}, 404, "unknown operation 'whose/sshd'"),
        ("whose", b"{}", {}, 400, "whose needs the argument 'target'"),
        ("whose", b'{"target": null}', {}, 400, "whose needs the argument 'target'"),
        ("whose", b'{"targets": 1}', {}, 400, "whose has no argument 'targets'"),
        ("whose", b'{"target": [1]}', {}, 400, "invalid target: expected a text of at most 65,536 characters, or a"),
        ("whose", b'{"target": -1}', {}, 400, "invalid target: expected a text of at most 65,536 characters, or a"),
        ("whose", b'{"target": %s}' % (b"9" * 5000), {}, 400, "invalid JSON: a number has too many digits"),
        ("whose", b'{"target": ":nosuchservice"}', {}, 400, "no service 'nosuchservice' in /etc/services"),
        ("sessions", b"[]", {}, 400, "invalid request: expected a JSON object"),
        ("sessions", b"{", {}, 400, "invalid JSON: Expecting property name"),
        ("sessions", b'{"which": 1, "which": 2}', {}, 400, "invalid JSON: duplicate member"),
        ("sessions", b'{"which": NaN}', {}, 400, "invalid JSON: NaN is not a number of JSON"),
        ("sessions", b'{"which": "\xff"}', {}, 400, "invalid JSON: it is not UTF-8"),
        ("sessions", b'{"which": "\\ud800"}', {}, 400, "invalid JSON: a half of a surrogate pair"),
        ("sessions", b"[" * 100_000, {}, 400, "invalid JSON: nested deeper than 16 levels"),
        ("sessions", b'{"where": {"user": []}}', {}, 400, "invalid where: unknown member 'user'"),
        ("sessions", b'{"where": {"since": "2026-01-01T00:00:00"}}', {}, 400, "invalid value '2026-01-01T00:00:00'"),
        ("sessions", b"{}", {"Content_Type": "text/plain"}, 400, "invalid content type 'text/plain'"),
        ("sessions", b"{}", {"Content_Type": "application/json;charset=utf-16"}, 400, "invalid content type"),
        ("sessions", gzip.compress(b"{}", mtime=0), {"Content_Encoding": "gzip"}, 400, "invalid content encoding"),
        ("sessions", b"{}", {"Logonscope_Timeout": "0"}, 400, "invalid Logonscope-Timeout '0'"),
        ("sessions", b"{}", {"Logonscope_Timeout": "1_0"}, 400, "invalid Logonscope-Timeout '1_0'"),
        ("sessions", b"{}", {"Logonscope_Timeout": "nan"}, 400, "invalid Logonscope-Timeout 'nan'"),
        ("sessions", b"{}", {"Logonscope_Max_Line": "10"}, 400, "invalid Logonscope-Max-Line 10"),
        ("sessions", b'{"which": "%s"}' % (b"x" * 600_000), {}, 413, "the request"),
        ("delete", BODIES["delete"], {}, 403, "methods that change something are disabled"),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong(  # noqa: PLR0917 -- the columns of the table
    server: RunningServer, operation: str, body: Any, headers: Any, status: int, message: str
) -> None:
    answer = post(server, operation, body, **headers)
    assert (answer.status, answer.error["message"][: len(message)]) == (status, message)


@pytest.mark.skipif(not HAS_SERVICES, reason="there is no /etc/services here")
def test_a_service_name_in_a_target_is_its_port(server: RunningServer) -> None:
    answer = post(server, "whose", {"target": "127.0.0.1:http-alt"})
    assert (answer.status, answer.lines[0]["target"]) == (200, "127.0.0.1:8080")


@pytest.mark.parametrize("operation", [*BODIES, "nothing", "openapi.json"])
def test_nothing_is_reached_without_authentication(server: RunningServer, operation: str) -> None:
    method = "GET" if operation == "openapi.json" else "POST"
    answer = post(server, operation, BODIES.get(operation, {}), None, method)
    assert (answer.status, answer.error["name"]) == (401, "WBEM_E_ACCESS_DENIED")


def test_a_wrong_password_and_an_unknown_token_get_the_same_answer(server: RunningServer) -> None:
    wrong = [post(server, "whose", BODIES["whose"], user) for user in ((ADMIN[0], "wrong"), ("unknown", "wrong"))]
    wrong.append(post(server, "whose", BODIES["whose"], None, Authorization="Bearer lgs_wrong"))
    assert [answer.status for answer in wrong] == [401, 401, 401]
    assert wrong[0].body == wrong[1].body
    assert wrong[0].error["message"] == "authentication failed"
    assert wrong[2].error["message"] == "authentication failed: invalid token"


def test_a_slash_at_the_end_is_no_other_path_and_another_method_is_an_error(server: RunningServer) -> None:
    assert post(server, "identify/", {}).lines == post(server, "identify", {}).lines
    for operation in ("identify", "nothing", ""):
        answer = post(server, operation, {}, method="GET")
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert answer.error["message"] == "GET is not supported here"


def test_a_caller_gets_its_own_rows_only(server: RunningServer) -> None:
    assert {line["user"] for line in post(server, "sessions", {}, ALICE).lines} == {"alice"}
    assert post(server, "identify", {}, ALICE).lines[0]["sees_everything"] is False
    denied = post(server, "session_of", {"pid": 3990}, ALICE)
    assert (denied.status, denied.error["hint"]) == (403, "authenticate as an administrator")


def test_many_rows_are_a_stream_of_parts(crowded: RunningServer) -> None:
    answer = post(crowded, "processes")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert [line["pid"] for line in answer.lines] == [10_000 + number for number in range(MANY)]
    assert len(answer.body) > 4 * MAX_PART_OCTETS
    assert len(crowded.services.dispatcher.enumerations) == 0


def test_an_error_after_the_first_part_is_the_last_line() -> None:
    with running(Failing(crowd())) as server:
        answer = post(server, "processes")
        assert answer.status == 200
        assert answer.lines[-1] == {"error": {
            "name": "WBEM_E_TRANSPORT_FAILURE", "number": 0x80041015, "message": "the source has gone",
            "hint": "try again",
        }}  # fmt: skip
        assert len(server.services.dispatcher.enumerations) == 0


def test_a_timeout_of_the_client_is_one_of_the_whole_answer(crowded: RunningServer) -> None:
    answer = post(crowded, "processes", Logonscope_Timeout="0.0001")
    assert answer.error["name"] == "WBEM_E_TIMED_OUT"


def test_a_line_is_cut_to_the_length_that_the_client_requests() -> None:
    with running(hostile()) as server:
        answer = post(server, "whose", {"target": 4312}, Logonscope_Max_Line="16000")
        (line,) = answer.lines
        assert line["truncated"] is True
        assert len(answer.body) <= 16_000
        assert line["process"]["command_line"].startswith("x &&&")
        whole = post(server, "whose", {"target": 4312}).lines[0]
        assert ("truncated" in whole, len(whole["process"]["command_line"])) == (False, 32_767)
        assert post(server, "whose", {"target": 4312}, Logonscope_Max_Line="1024").error["name"] == (
            "WBEM_E_BUFFER_TOO_SMALL"
        )


def test_a_client_that_leaves_ends_its_stream(crowded: RunningServer) -> None:
    with connection(crowded) as client:
        client.request("POST", "/v1/processes", b"{}", {**JSON, **basic()})
        client.getresponse().read(10)
    wait_until(lambda: len(crowded.services.dispatcher.enumerations) == 0)


def test_a_client_that_does_not_read_holds_no_thread_and_one_of_its_enumerations(crowded: RunningServer) -> None:
    slow = [socket.socket() for _ in range(2)]
    head = "".join(f"{name}: {value}\r\n" for name, value in {**JSON, **basic(), "Content-Length": "2"}.items())
    for client in slow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", crowded.http))
        client.sendall(f"POST /v1/processes HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{{}}".encode())
    wait_until(lambda: len(crowded.services.dispatcher.enumerations) == 2)
    wait_until(lambda: crowded.services.pool.open_requests == 0)
    assert len(crowded.services.dispatcher.enumerations) == 2
    over = post(crowded, "processes")
    assert (over.status, over.error["name"]) == (429, "WBEM_E_QUOTA_VIOLATION")
    assert post(crowded, "session_of", {"pid": 10_000}).status == 200
    for client in slow:
        client.close()
    wait_until(lambda: len(crowded.services.dispatcher.enumerations) == 0)


def test_a_page_of_another_origin_and_a_name_that_is_not_the_servers_are_rejected(server: RunningServer) -> None:
    rejected: list[Any] = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]
    for headers in rejected:
        answer = post(server, "identify", {}, **headers)
        assert (answer.status, answer.error["name"]) == (403, "WBEM_E_ACCESS_DENIED")
    assert post(server, "identify", {}, Host="localhost:5985").status == 200
    assert "set-cookie" not in post(server, "identify").headers


def test_a_caller_on_the_unix_socket_is_the_kernels_and_its_host_does_not_matter(server: RunningServer) -> None:
    if os.geteuid() != 0:
        skip_or_fail("on a unix socket, root alone is an administrator")
    client = http.client.HTTPConnection("any.name")
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.connect(server.unix)
    client.request("POST", "/v1/identify", b"", JSON)
    assert json.loads(client.getresponse().read())["sees_everything"] is True
    client.close()


def test_a_stream_cannot_be_pulled_over_another_door(crowded: RunningServer) -> None:
    with connection(crowded) as client:
        client.request("POST", "/v1/processes", b"{}", {**JSON, **basic()})
        response = client.getresponse()
        response.read(10)
        (context,) = crowded.services.dispatcher.enumerations._open  # noqa: SLF001 -- no client can learn this id
        assert context not in str(response.getheaders())
