"""Fuzzing of server/: each answer conforms to the standard, within the requested limits, with the caller's rows only.

LOGONSCOPE_FUZZ says how many requests; `make fuzz` tries 100,000.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest
from hypothesis import Phase, given, settings
from lxml import etree

from logonscope.broker import Caller
from logonscope.dispatch.dispatcher import Answer, Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.dispatch.subscriptions import EventPull
from logonscope.errors import LogonscopeError, TimedOutError
from logonscope.machine import Deadline
from logonscope.ownership import LINUX
from logonscope.server.wsman import WsmanDoor
from logonscope.wire.wsman import faults
from logonscope.wire.wsman.envelope import parse_envelope, read_limits
from logonscope.wire.wsman.faults import FAULT_KINDS, FaultKind
from logonscope.wire.wsman.names import MICROSOFT_FAULT, SOAP
from logonscope.wire.xml import clark_name
from tests.broker.crowds import ALICE, BOB, Crowd, crowds
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.server.mutants import Mutants

REQUESTS = int(os.environ.get("LOGONSCOPE_FUZZ", "2000"))
HOSTS = 5
SEED = 20_261_125
SECONDS = 10
"""That one answer may take."""

MAX_CONTEXTS, MAX_PER_CALLER, MAX_OCTETS = 12, 5, 40_000
GROWTH = 16 << 10
"""KiB that all requests but the first may leave behind."""

CALLERS = (*[ROOT, user(ALICE), user(BOB)] * 5, None)
CODES = {
    tuple(filter(None, (kind.code, kind.subcode)))
    for kind in (*FAULT_KINDS.values(), *(kind for kind in vars(faults).values() if isinstance(kind, FaultKind)))
    if kind.subcode != "w:InternalError"
}
_CONTEXT = re.compile(r"uuid:[0-9A-F]{8}-[0-9A-F-]{27}")


def hosts() -> list[Crowd]:
    """Return hosts with several people, the same in every run."""
    found = list[Crowd]()

    @settings(max_examples=HOSTS, derandomize=True, database=None, phases=[Phase.generate])
    @given(crowds())
    def collect(crowd: Crowd) -> None:
        found.append(crowd)

    collect()
    return found


@contextmanager
def promptly(data: bytes) -> Iterator[None]:
    """Fail where an answer does not come."""

    def late(_signal: int, _frame: FrameType | None) -> NoReturn:
        pytest.fail(f"no answer within {SECONDS} s to {data!r}")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def kibibytes() -> int:
    """Return how much memory this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4


class Talk:
    """One host that many talk to."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd, self.memory = crowd, Ringed(crowd.snapshot, most=100)
        self.enumerations = Enumerations(MAX_CONTEXTS, MAX_PER_CALLER, 60.0)
        self.dispatcher = Dispatcher(self.memory, LINUX, self.enumerations, Limits(MAX_OCTETS, 5.0), allow_methods=True)
        logons = {owner.logon_id for owner in crowd.owner.values() if owner.logon_id}
        self.mutants = Mutants(seed, (*map(str, crowd.process), *sorted(logons), "alice", "root"))
        self.told: dict[Caller | None, list[str]] = {caller: ["uuid:made-up"] for caller in CALLERS}  # contexts
        self.outcomes = {"answer": 0, "fault": 0}

    def one(self) -> None:
        """Have a user send something, and look at the answer."""
        chance = self.mutants.chance
        caller, other = chance.choice(CALLERS), chance.choice(CALLERS)
        data = self.mutants.one(self.told[caller][-2:] * 3 + self.told[other][-1:])
        with promptly(data):
            made = self.dispatcher.answer(WsmanDoor(), ReceivedRequest(data, caller), Deadline())
            if isinstance(made.rest, EventPull):
                made = self.end_pull(made, made.rest)
        try:
            self.check(made, caller, data)
        except AssertionError as error:
            raise AssertionError(f"{error}\ncaller: {caller}\nrequest: {data!r}\nanswer: {made!r}") from error
        self.memory.forget()
        self.memory.done.clear()

    def end_pull(self, made: Answer, pull: EventPull) -> Answer:
        """Let something happen while a pull waits, and return its answer."""
        uid = self.mutants.chance.choice((ALICE, BOB))
        if count := self.mutants.chance.choice((0, 1, 40, 300)):
            self.memory.publish(count, uid)
        reply = pull.next_reply() or pull.end_with(TimedOutError("no events", "pull again"))
        return made._replace(status=reply.status, body=reply.body)

    def check(self, made: Answer, caller: Caller | None, data: bytes) -> None:
        """Fail where the answer is not one that the standard has, or not the caller's."""
        root = etree.fromstring(made.body)
        fault = root.find(f"{clark_name(SOAP, 'Body')}/{clark_name(SOAP, 'Fault')}")
        assert root.tag == clark_name(SOAP, "Envelope")
        assert made.status == (200 if fault is None else 500)
        if fault is not None:
            codes = tuple(value.text or "" for value in fault.iter(clark_name(SOAP, "Value")))
            assert codes in CODES
            number = next(fault.iter(clark_name(MICROSOFT_FAULT, "WSManFault"))).get("Code")
            assert int(number or 0) > 0
        self.outcomes["answer" if fault is None else "fault"] += 1
        assert len(made.body) <= self.most(data)
        text = made.body.decode("utf-16" if made.body[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8")
        assert "Traceback" not in text
        assert '.py"' not in text
        self.check_own(text, caller, data)
        self.told[caller] += _CONTEXT.findall(text)[1:]  # the first is the id of the message
        del self.told[caller][:-5]

    def most(self, data: bytes) -> int:
        """Return how many octets were asked for."""
        try:
            asked = read_limits(parse_envelope(data)).max_envelope
        except LogonscopeError:
            asked = None
        return min(asked or MAX_OCTETS, MAX_OCTETS)

    def check_own(self, text: str, caller: Caller | None, data: bytes) -> None:
        """Fail where an answer has what is not the caller's, but for what the request had itself."""
        if caller is not None and caller.administrator:
            return
        request = data.replace(b"\0", b"").decode("utf-8", "replace")
        secrets = self.crowd.secrets(-1 if caller is None else caller.uid or 0)
        assert [secret for secret in secrets if secret in text and secret not in request] == []
        # users of published events
        others = {f"u{uid}" for uid in (ALICE, BOB) if caller is None or uid != caller.uid}
        assert [name for name in others if f">{name}<" in text and name not in request] == []

    def check_contexts(self) -> None:
        """Fail where more enumerations are open than may be."""
        callers = [known.caller for known in self.enumerations._open.values()]  # noqa: SLF001 -- there is no other way
        assert len(callers) <= MAX_CONTEXTS + MAX_PER_CALLER  # the latter for administrators alone
        assert all(callers.count(caller) <= MAX_PER_CALLER for caller in callers)


def test_any_request_gets_an_answer_that_the_standard_has() -> None:
    talks = [Talk(crowd, SEED + at) for at, crowd in enumerate(hosts())]
    for talk in talks:  # what is imported, compiled and looked up once
        for _ in range(REQUESTS // HOSTS // 4):
            talk.one()
    before = kibibytes()
    for talk in talks:
        for _ in range(REQUESTS // HOSTS * 3 // 4):
            talk.one()
            talk.check_contexts()
    outcomes = [talk.outcomes for talk in talks]
    assert all(told["answer"] > REQUESTS / HOSTS / 10 for told in outcomes), outcomes
    assert kibibytes() - before < GROWTH
