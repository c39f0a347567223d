"""Tests of dispatch/dispatcher.py: requests of a door that has lines of text, as conversations."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from logonscope.broker import Caller
from logonscope.dispatch.audit import Audit
from logonscope.dispatch.dispatcher import Answer, Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.facts import Process
from logonscope.machine import Deadline, Look, ProcessQuery, Source
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.dispatch.lines import LinesDoor
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

BOB = Caller("bob", 1001, administrator=False)
TERMINATE = "invoke path=Win32_Process.Handle='\"4312\"' method=Terminate"


class Talk:
    """A conversation with the example host, and what the audit log gets of it."""

    def __init__(self, source: Source | None = None, limits: Limits = Limits(), *, allow_methods: bool = False) -> None:  # noqa: B008 -- a tuple
        self.lines: list[str] = []
        host = source or Memory(SNAPSHOT)
        audit = Audit(self.lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.enumerations = Enumerations(3, 2, 60.0)
        self.dispatcher = Dispatcher(host, LINUX, self.enumerations, limits, allow_methods=allow_methods, audit=audit)

    def answer(self, text: str, caller: Caller | None = ROOT, deadline: Deadline | None = None) -> Answer:
        """Ask something."""
        message = ReceivedRequest(text.encode(), caller, "192.0.2.7", "text/lines")
        return self.dispatcher.answer(LinesDoor(), message, deadline or Deadline())

    def said(self, text: str, caller: Caller | None = ROOT) -> str:
        """Ask something, and return the body of the answer."""
        return self.answer(text, caller).body.decode()

    @property
    def outcomes(self) -> list[tuple[str, ...]]:
        """Return what the audit log got."""
        return [
            (entry["peer"], entry["user"], entry["method"], entry["outcome"]) for entry in map(json.loads, self.lines)
        ]


def test_an_answer_has_what_the_door_rendered_and_what_the_metrics_count() -> None:
    talk = Talk()
    assert talk.answer("get path=Win32_LogonSession.LogonId='\"41\"'")._replace(body=b"") == (
        200, "text/lines", b"", "get", 1, None,
    )  # fmt: skip
    assert talk.answer("get_class name=win32_process") == (200, "text/lines", b"Win32_Process", "get_class", 0, None)
    assert talk.answer("enumerate class_name=Win32_LogonSession").items == 6


def test_an_error_becomes_the_doors_fault_with_the_name_of_the_host() -> None:
    talk = Talk()
    missing = "get path=Win32_LogonSession.LogonId='\"40\"'"
    assert talk.said(missing).startswith("WBEM_E_NOT_FOUND there is no")
    assert talk.said(missing).endswith("@web1")
    assert talk.answer(missing).status == 400


def test_a_request_that_cannot_be_decoded_is_answered_as_far_as_it_was_understood() -> None:
    talk = Talk()
    assert talk.answer("query limit=many")._replace(body=b"") == (400, "text/lines", b"", "query", 0, None)
    assert talk.answer("") == (
        400, "text/plain", b"WBEM_E_INVALID_PARAMETER nothing is asked for; name an operation @web1", "undecoded", 0,
        None,
    )  # fmt: skip


class Broken(Memory):
    """A host whose processes cannot be read, for a reason that nobody thought of."""

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        del look, query
        raise ZeroDivisionError("another secret")


def test_an_unexpected_error_is_one_fault_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for talk, text in ((Talk(), "broken"), (Talk(Broken(SNAPSHOT)), "enumerate class_name=Win32_Process")):
        assert talk.said(text) == "WBEM_E_CRITICAL_ERROR internal error; see the server's log @"
        assert len(talk.enumerations) == 0
    assert "a secret" in caplog.text
    assert "another secret" in caplog.text


def test_an_unauthenticated_client_gets_only_the_product() -> None:
    talk = Talk()
    nothing_else = "version=None, sees_everything=None, has_history=None, has_events=None"
    assert talk.said("identify", None) == f"Identity(product='Logonscope', {nothing_else})"
    assert "version='0." in talk.said("identify")
    for text in ("get_class name=Win32_Process", "get_class name=Nothing", "pull enumeration_id=uuid:1", TERMINATE):
        assert talk.said(text, None) == "WBEM_E_ACCESS_DENIED authentication required; send credentials @"
    assert talk.outcomes == []


def test_an_operation_that_is_not_in_the_table_is_not_supported() -> None:
    fault = Talk().said("reboot")
    assert fault.startswith("WBEM_E_NOT_SUPPORTED unknown operation 'reboot'; the operations are identify,")


def test_methods_are_off_until_they_are_allowed_and_every_attempt_is_in_the_audit_log() -> None:
    for allow in (False, True):
        talk = Talk(allow_methods=allow)
        said = [talk.said(text, BOB) for text in (TERMINATE, "delete path=Win32_Process.Handle='\"4312\"'")]
        if allow:
            assert said[0] == "Terminate 2"
            assert said[1].startswith(
                'WBEM_E_ACCESS_DENIED cannot end Win32_Process.Handle="4312": Terminate returned 2'
            )
        else:
            assert all(
                text.startswith("WBEM_E_ACCESS_DENIED methods that change something are disabled") for text in said
            )
        outcome = "2" if allow else "WBEM_E_ACCESS_DENIED"
        outcomes = ["begun", outcome] if allow else [outcome]
        assert talk.outcomes == [("192.0.2.7", "bob", "Win32_Process.Terminate", word) for word in outcomes * 2]


def test_methods_that_only_read_are_always_on_and_not_in_the_audit_log() -> None:
    for allow in (False, True):
        talk = Talk(allow_methods=allow)
        for method, caller, owner in (("GetOwner", BOB, "2"), ("GetOwnerSid", BOB, "2"), ("GetOwner", ROOT, "0")):
            path = "path=Win32_Process.Handle='\"4312\"'"
            assert talk.said(f"invoke {path} method={method}", caller) == f"{method} {owner}"
        assert talk.outcomes == []


def test_an_enumeration_that_goes_on_is_pulled_to_its_end_and_forgotten() -> None:
    talk = Talk()
    context, *first = talk.said("enumerate class_name=Win32_LogonSession limit=4").split("\n")
    assert len(first) == 4
    assert float(talk.said(f"renew enumeration_id={context}")) == pytest.approx(60.0, abs=1.0)
    end, *rest = talk.said(f"pull enumeration_id={context}").split("\n")
    whole = talk.said("enumerate class_name=Win32_LogonSession").split("\n")
    assert ["", *first, *rest] == whole
    assert (end, len(talk.enumerations)) == ("", 0)
    assert talk.said(f"pull enumeration_id={context}").startswith("WBEM_E_INVALID_CONTEXT unknown enumeration: ")


def test_an_enumeration_is_its_callers_alone() -> None:
    talk = Talk()
    context = talk.said("enumerate class_name=Win32_LogonSession limit=1").split("\n")[0]
    for verb in ("pull", "renew", "release"):
        assert talk.said(f"{verb} enumeration_id={context}", user(1000)).startswith("WBEM_E_INVALID_CONTEXT")
    assert talk.said(f"release enumeration_id={context}") == "None"
    assert len(talk.enumerations) == 0


def test_an_enumeration_is_its_doors_alone() -> None:
    class AnotherDoor(LinesDoor):
        pass

    talk = Talk()
    context = talk.said("enumerate class_name=Win32_LogonSession limit=1").split("\n")[0]
    pull = ReceivedRequest(f"pull enumeration_id={context}".encode(), ROOT)
    assert talk.dispatcher.answer(AnotherDoor(), pull, Deadline()).body.startswith(b"WBEM_E_INVALID_CONTEXT")
    assert talk.answer(f"pull enumeration_id={context}").items == 5


def test_too_many_enumerations_are_a_quota_and_no_row_is_sent() -> None:
    talk = Talk()
    for _ in range(2):
        talk.said("enumerate class_name=Win32_LogonSession limit=1")
    answer = talk.answer("enumerate class_name=Win32_LogonSession limit=1")
    assert (answer.status, answer.items) == (400, 0)
    assert answer.body.startswith(b"WBEM_E_QUOTA_VIOLATION too many open enumerations (2 of this caller)")


def test_a_row_that_does_not_fit_comes_again_with_a_larger_pull() -> None:
    talk = Talk()
    query = "query text='SELECT * FROM Win32_Process' limit=1"
    context, first = talk.said(query).split("\n")
    assert talk.said(f"pull enumeration_id={context} octets=60 limit=1").startswith(
        "WBEM_E_BUFFER_TOO_SMALL the next row is"
    )
    rest = talk.said(f"pull enumeration_id={context}").split("\n")
    assert ["", first, *rest[1:]] == talk.said("query text='SELECT * FROM Win32_Process'").split("\n")


def test_an_answer_is_no_larger_than_may_be() -> None:
    name = "get path=Win32_LogonSession.LogonId='\"41\"'"
    size = len(Talk().answer(name).body)
    said = f"WBEM_E_BUFFER_TOO_SMALL the answer of {size} octets exceeds the limit of {size - 1} octets"
    assert Talk(limits=Limits(size, 60.0)).answer(name).status == 200
    assert Talk().said(f"{name} octets={size - 1}").startswith(said)
    assert Talk(limits=Limits(size - 1, 60.0)).said(f"{name} octets={size}").startswith(said)


def test_an_answer_that_takes_too_long_ends_its_enumeration() -> None:
    talk = Talk()
    context = talk.said("enumerate class_name=Win32_Process limit=1").split("\n")[0]
    assert talk.said(f"pull enumeration_id={context} seconds=0.000001").startswith(
        "WBEM_E_TIMED_OUT no complete answer within"
    )
    assert len(talk.enumerations) == 0
    assert talk.said("enumerate class_name=Win32_Process seconds=0.000001").startswith("WBEM_E_TIMED_OUT")
    assert talk.answer("enumerate class_name=Win32_Process seconds=3600").status == 200


def test_an_abandoned_pull_ends_its_enumeration() -> None:
    talk = Talk()
    context = talk.said("enumerate class_name=Win32_Process limit=1").split("\n")[0]

    class Gone(Deadline):
        def move(self, seconds: float) -> None:
            super().move(seconds)
            self.cancel()

    answer = talk.answer(f"pull enumeration_id={context}", deadline=Gone())
    assert answer.body.startswith(b"WBEM_E_TIMED_OUT")
    assert len(talk.enumerations) == 0


def test_nothing_is_done_for_a_client_that_went_away_before_its_turn_came() -> None:
    memory, gone = Memory(SNAPSHOT), Deadline(60)
    talk = Talk(memory, allow_methods=True)
    gone.cancel()
    assert talk.answer(TERMINATE, deadline=gone).body.startswith(b"WBEM_E_TIMED_OUT")
    assert memory.done == []
    assert talk.answer(TERMINATE).status == 200
    assert len(memory.done) == 1


def test_it_says_what_it_is_and_ends_what_is_open() -> None:
    talk = Talk()
    talk.said("enumerate class_name=Win32_Process limit=1")
    assert repr(talk.dispatcher) == "<Dispatcher of memory, methods off, <Enumerations: 1 of 3 open>>"
    talk.dispatcher.close()
    assert len(talk.enumerations) == 0
