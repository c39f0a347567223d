"""Fuzzing of the JSON door: each answer is JSON lines within its limits, with the caller's rows only, for any bytes.

LOGONSCOPE_FUZZ says how many requests, as for test_fuzz.py.
"""

import json
import random
from typing import Any

from logonscope.dispatch.dispatcher import Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.dispatch.pushes import EventPush
from logonscope.dispatch.subscriptions import EventPull
from logonscope.machine import Deadline
from logonscope.ownership import LINUX
from logonscope.server.json import JSON_OPERATIONS, JsonDoor
from logonscope.wire.json.faults import STATUSES
from tests.broker.crowds import Crowd
from tests.broker.memory import Memory
from tests.server.json_requests import BODIES
from tests.server.test_fuzz import CALLERS, GROWTH, HOSTS, MAX_CONTEXTS, MAX_PER_CALLER, REQUESTS, hosts, kibibytes
from tests.server.test_fuzz import promptly as answering_promptly

OCTETS = 9000
SEED = 20_261_127
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 4312, 2**31, 2**63, 10**30, 1e300, -0.5, "", " ", "41", "c1", "alice", "system", ":22",
    "user:bob", "/bin/sh", "Win32_Process", "Win32_Process=1", 'Win32_Process.Handle="', "root/logonscope", "\x00",
    "\u2603", "\x1b]0;x\x07", "x" * 3000, "SELECT * FROM Win32_Process", [], ["Name"], ["", 1], {}, {"system": False},
    {"types": [10, None]}, {"since": "2026-01-01T00:00:00Z"}, {"since": "0"}, {"users": [[]]}, [[[[]]]],
)  # fmt: skip
HEADERS = ("", "0", "5", "0.001", "1024", "2000", "1e3", "-1", "nan", "inf", "9" * 30, "\u0663")


class JsonTalk:
    """One host that many callers send requests to."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd, self.memory = crowd, Memory(crowd.snapshot)
        self.enumerations = Enumerations(MAX_CONTEXTS, MAX_PER_CALLER, 60.0)
        limits = Limits(OCTETS, 5.0)
        self.dispatcher = Dispatcher(self.memory, LINUX, self.enumerations, limits, allow_methods=True)
        self.chance = random.Random(seed)  # noqa: S311 -- the same in every run
        self.statuses: dict[int, int] = {}

    def send_one(self) -> None:
        """Send a mutated request as some caller, and check the whole answer."""
        chance, caller = self.chance, self.chance.choice(CALLERS)
        name, data, headers = self.mutant()
        message = ReceivedRequest(
            data, caller, "192.0.2.7", chance.choice(("application/json",) * 9 + ("", "text/plain"))
        )
        message = message._replace(path=f"/v1/{name}", headers=headers)
        with answering_promptly(data):
            answer = self.dispatcher.answer(JsonDoor(), message, Deadline(5))
            parts, is_last = [answer.body], answer.rest is None
            while not is_last and answer.rest is not None:
                assert not isinstance(answer.rest, EventPull | EventPush)
                part, is_last = answer.rest.next_part(answer.rest.deadline())
                parts.append(part)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        assert answer.status in {200, *STATUSES.values()}
        assert all(len(part) <= OCTETS for part in parts)
        text = b"".join(parts).decode("ascii")
        lines = [json.loads(line) for line in text.splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        assert all("error" not in line for line in lines[:-1])
        assert '.py"' not in text
        assert "Traceback" not in text
        if caller is None or not caller.administrator:
            secrets = self.crowd.secrets(-1 if caller is None else caller.uid or 0)
            sent = data.decode("utf-8", "replace")
            assert [secret for secret in secrets if secret in text and secret not in sent] == []
        if caller is None:
            assert answer.status != 200 or name == "identify"
        self.memory.forget()
        self.memory.done.clear()

    def mutant(self) -> tuple[str, bytes, dict[str, str]]:
        """Return a request: an operation, a body, and headers."""
        chance = self.chance
        name = chance.choice((*JSON_OPERATIONS, *JSON_OPERATIONS, "nothing", "", "pull", "../wsman"))
        body = dict(BODIES.get(name, {}))
        row = JSON_OPERATIONS.get(name)
        for argument in row.arguments if row else ():
            if chance.random() < 0.3:
                body[argument] = chance.choice((*VALUES, *self.crowd.process, *map(str, self.crowd.process)))
        if chance.random() < 0.1:
            body[chance.choice(("", "path", "uid", "administrator", "x" * 500))] = chance.choice(VALUES)
        data = bytearray(json.dumps(body).encode())
        for _ in range(chance.choice((0, 0, 0, 0, 1, 3))):
            position = chance.randrange(len(data) + 1)
            data[position : position + chance.randrange(3)] = chance.choice(
                (b"", b'"', b"{", b"[" * 40, b"\xff", b"\\u")
            )
        headers = {}
        for header in ("logonscope-timeout", "logonscope-max-line"):
            if chance.random() < 0.1:
                headers[header] = chance.choice(HEADERS)
        return name, bytes(data), headers


def test_any_request_gets_lines_of_json() -> None:
    talks = [JsonTalk(crowd, SEED + number) for number, crowd in enumerate(hosts())]
    for talk in talks:  # what is imported, compiled and looked up once
        for _ in range(REQUESTS // HOSTS // 4):
            talk.send_one()
    before = kibibytes()
    for talk in talks:
        for _ in range(REQUESTS // HOSTS * 3 // 4):
            talk.send_one()
        assert len(talk.enumerations) == 0
    assert all(talk.statuses[200] > REQUESTS / HOSTS / 10 for talk in talks), [talk.statuses for talk in talks]
    assert all(500 not in talk.statuses for talk in talks)
    assert kibibytes() - before < GROWTH
