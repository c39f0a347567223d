"""Tests of server/wsman_events.py: subscriptions and pulls, as WS-Management and its clients have them."""

from pathlib import Path

import pytest
from lxml import etree

from logonscope.broker.cursors import write_cursor
from logonscope.dispatch.dispatcher import Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.dispatch.subscriptions import EventPull
from logonscope.errors import QuotaViolationError
from logonscope.facts import Process
from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.machine import Deadline, Owner
from logonscope.machine.events import Event, EventHead, EventMark, ProcessStarted
from logonscope.ownership import LINUX
from logonscope.server.wsman import WsmanDoor
from logonscope.server.wsman_events import PLACEHOLDER_BOOKMARK
from logonscope.sources.live.ring import RingReader
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import parse_duration
from logonscope.wire.wsman.names import WMI, XSI
from logonscope.wire.xml import clark_name
from tests.broker.memory import Memory
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT
from tests.server.eventing import LOGONS, Events, about, bookmarks, fault_of, pull_request, subscription, wait
from tests.server.soap import request, shown

FOLDER = Path(__file__).parent / "event_conversations"
ALICE, BOB = user(1000), user(1001)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    events, contexts = Events(), list[str]()
    for part in path.read_text(encoding="utf-8").replace('"PULL"', f'"{names.PULL_MODE}"').strip().split("\n\n"):
        lines = part.splitlines()
        if part.startswith("! "):
            count, uid = map(int, part[2:].split())
            events.host.publish(count, uid)
            continue
        data = request(tuple(line[2:] for line in lines if line.startswith("> ")), contexts)
        message = events.say(data)
        answer = tuple(shown(message.status, etree.tostring(message.root), contexts))
        assert answer == tuple(line[2:] for line in lines if line.startswith("< ")), part


def test_a_pull_waits_without_a_thread_until_there_is_an_event() -> None:
    events = Events()
    context = events.subscribe().context
    answer = events.answer(pull_request(context, 10, 30))
    assert isinstance(answer.rest, EventPull)
    woken = list[bool]()
    answer.rest.notify(lambda: woken.append(True))
    assert answer.rest.next_reply() is None
    assert 0 < answer.rest.wait_seconds <= 30
    woken.clear()
    events.host.publish(1)
    assert woken == [True]
    reply = answer.rest.next_reply()
    assert reply is not None
    assert (reply.status, reply.items) == (200, 1)


def test_a_new_pull_replaces_one_that_waits() -> None:
    events = Events()
    context = events.subscribe().context
    first = events.answer(pull_request(context, 10, 30)).rest
    assert isinstance(first, EventPull)
    woken = list[bool]()
    first.notify(lambda: woken.append(True))
    woken.clear()
    second = events.answer(pull_request(context, 10, 30)).rest
    assert woken == [True]
    reply = first.next_reply()
    assert reply is not None
    assert b"w:Concurrency" in reply.body
    events.host.publish(1)
    assert isinstance(second, EventPull)
    assert wait(second).items == 1


def test_a_pull_that_waits_ends_with_its_subscription() -> None:
    for end in ("Unsubscribe", "close"):
        events = Events()
        context = events.subscribe().context
        pull = events.answer(pull_request(context, 10, 30)).rest
        assert isinstance(pull, EventPull)
        if end == "close":
            events.dispatcher.close()
        else:
            assert events.say(about(end, context)).status == 200
        reply = pull.next_reply()
        assert reply is not None
        assert b"n:InvalidEnumerationContext" in reply.body
        assert events.host.ring.reader_count == 0


def test_a_pull_that_waits_ends_with_its_credentials() -> None:
    events = Events()
    pull = events.answer(pull_request(events.subscribe().context, 10, 30)).rest
    assert isinstance(pull, EventPull)
    pull.is_allowed = lambda: False
    reply = pull.next_reply()
    assert reply is not None
    assert b"w:AccessDenied" in reply.body


def test_the_time_of_a_pull_is_the_least_of_its_limits() -> None:
    events = Events(seconds=20.0)
    context = events.subscribe().context
    for seconds, most, waits in ((10.0, "", 10.0), (300.0, "", 20.0), (10.0, "<n:MaxTime>PT5S</n:MaxTime>", 5.0)):
        data = pull_request(context, 1, seconds).replace(b"</n:Pull>", f"{most}</n:Pull>".encode())
        pull = events.answer(data).rest
        assert isinstance(pull, EventPull)
        assert waits - 3 < pull.wait_seconds <= waits


def test_heartbeats_are_answers_without_events() -> None:
    events = Events()
    context = events.subscribe(delivery="<w:Heartbeats>PT0.02S</w:Heartbeats>").context
    message = events.pull(context, seconds=20)
    assert (message.status, message.items, message.context) == (200, [], context)
    # the client's own timeout comes first
    context = events.subscribe(delivery="<w:Heartbeats>PT20S</w:Heartbeats>").context
    assert fault_of(events.pull(context, seconds=0.02)) == ("w:TimedOut", "0x80338029")


def test_events_continue_after_a_bookmark() -> None:
    events = Events()
    first = events.subscribe(more="<w:SendBookmarks/>").context
    events.host.publish(5)
    message = events.pull(first, most=2)
    assert (message.logon_ids, len(list(bookmarks(message)))) == (["1", "2"], 1)
    (bookmark,) = bookmarks(message)
    assert events.say(about("Unsubscribe", first)).status == 200
    second = events.subscribe(more=f"<w:Bookmark>{bookmark}</w:Bookmark>").context
    assert events.pull(second).logon_ids == ["3", "4", "5"]
    assert list(bookmarks(events.pull(second, seconds=0.01))) == []
    # a bookmark of another run of the service
    third = events.subscribe(more="<w:Bookmark>0123456789abcdef</w:Bookmark>").context
    (lost, *others) = events.pull(third).items
    assert lost.tag == clark_name(names.WSMAN, "DroppedEvents")
    assert len(others) == 5


def test_the_room_for_events_is_measured_with_the_longest_bookmark() -> None:
    for cursor in (CursorCipher(bytes(64), "1").write(EventMark(1, 1, 0)), write_cursor(1)):
        assert len(f"<w:Bookmark>{cursor}</w:Bookmark>") <= len(PLACEHOLDER_BOOKMARK)


def test_lost_events_are_counted_for_administrators_alone() -> None:
    events = Events()
    root, alice = events.subscribe().context, events.subscribe(caller=ALICE).context
    events.host.publish(1500)
    for context, caller, count in ((root, None, "500"), (alice, ALICE, None)):
        message = events.pull(context) if caller is None else events.pull(context, caller=caller)
        lost = message.items[0]
        assert (lost.tag, lost.text, lost.get("Action")) == (
            clark_name(names.WSMAN, "DroppedEvents"), count, names.DROPPED_EVENTS,
        )  # fmt: skip
        assert lost.get(clark_name(XSI, "nil")) == (None if count else "true")
        assert message.logon_ids[0] == "501"


def test_a_subscription_is_its_callers_alone_and_has_their_events_only() -> None:
    events = Events()
    context = events.subscribe(caller=ALICE).context
    events.host.publish(2, uid=1001)
    events.host.publish(1, uid=1000)
    for data in (pull_request(context, 9, 0.01), about("Unsubscribe", context), about("Renew", context)):
        stranger, unknown = events.say(data, BOB), events.say(data.replace(context.encode(), b"uuid:none"), BOB)
        assert fault_of(stranger) == fault_of(unknown)
    assert events.pull(context, caller=ALICE).logon_ids == ["3"]


def test_many_hidden_events_do_not_delay_the_own_one() -> None:
    events = Events()
    context = events.subscribe(caller=ALICE).context
    events.host.publish(900, uid=1001)
    events.host.publish(1, uid=1000)
    assert events.pull(context, seconds=20, caller=ALICE).logon_ids == ["901"]


def test_the_subscriptions_of_a_caller_are_limited_with_those_of_other_doors() -> None:
    events = Events()
    contexts = [events.subscribe(caller=ALICE).context for _ in range(5)]
    assert fault_of(events.say(subscription(LOGONS), ALICE))[0] == "w:QuotaLimit"
    assert events.subscribe(caller=BOB).status == 200
    assert (len(events.dispatcher.watches), events.host.ring.reader_count) == (6, 6)
    assert events.say(about("Unsubscribe", contexts[0]), ALICE).status == 200
    assert events.subscribe(caller=ALICE).status == 200


def test_a_subscription_expires_and_nobody_can_move_that_beyond_the_maximum() -> None:
    events = Events(subscription_seconds=0.3)
    context = events.subscribe(more="<e:Expires>PT3759670629.777S</e:Expires>").context
    # a pull does not extend it
    pull = events.answer(pull_request(context, 1, 30)).rest
    assert isinstance(pull, EventPull)
    for verb, inner in (("Renew", "<e:Expires>P1Y</e:Expires>"), ("Renew", ""), ("GetStatus", "")):
        (left,) = events.say(about(verb, context, inner)).texts(names.EVENTING, "Expires")
        assert 0 < parse_duration(left or "", "Expires") <= 0.3
    reply = wait(pull)
    assert b"n:InvalidEnumerationContext" in reply.body
    assert (events.host.ring.reader_count, len(events.dispatcher.watches)) == (0, 0)


def started(number: int, command: str = "") -> ProcessStarted:
    process = Process(
        pid=4000 + number,
        start=5,
        ppid=1,
        comm="made",
        ses=41,
        loginuid=1000,
        uids=(1000,) * 4,
        cmdline=command.encode(),
    )
    return ProcessStarted(EventHead(number, number), process, Owner("41", "audit"), (1, 1))


PROCESSES = "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'"
CIMV2 = f"{WMI}/root/cimv2"


def test_an_event_has_the_instance_that_it_is_about() -> None:
    events = Events()
    context = events.say(subscription(PROCESSES, uri=f"{CIMV2}/*")).context
    events.host.ring.publish([started(1, "made\0of\0<xml>")], 1)
    (event,) = events.pull(context).items
    assert event.tag == clark_name(f"{CIMV2}/__InstanceCreationEvent", "__InstanceCreationEvent")
    target = event.find(clark_name(f"{CIMV2}/__InstanceCreationEvent", "TargetInstance"))
    assert target is not None
    prefix, _, type_name = (target.get(clark_name(XSI, "type")) or "").partition(":")
    assert (target.nsmap[prefix], type_name) == (f"{CIMV2}/Win32_Process", "Win32_Process_Type")
    values = {etree.QName(part).localname: part for part in target}
    assert {etree.QName(part).namespace for part in target} == {f"{CIMV2}/Win32_Process"}
    assert (values["Handle"].text, values["CommandLine"].text) == ("4001", "made of <xml>")
    assert list(values) == sorted(values, key=str.lower)


def test_an_aggregate_has_its_representative_with_its_target() -> None:
    events = Events()
    query = f"{PROCESSES} GROUP WITHIN 1"
    context = events.say(subscription(query, uri=f"{CIMV2}/*")).context
    events.host.ring.publish([started(1), started(2)], 2)
    (event,) = events.pull(context, seconds=20).items
    representative = event.find(clark_name(f"{CIMV2}/__AggregateEvent", "Representative"))
    assert representative is not None
    target = representative.find(clark_name(f"{CIMV2}/__InstanceCreationEvent", "TargetInstance"))
    assert target is not None
    assert target.findtext(clark_name(f"{CIMV2}/Win32_Process", "Handle")) == "4001"
    assert event.findtext(clark_name(f"{CIMV2}/__AggregateEvent", "NumberOfEvents")) == "2"


def test_a_large_event_is_cut_and_one_that_does_not_fit_stays() -> None:
    events = Events()
    context = events.say(subscription(PROCESSES, uri=f"{CIMV2}/*")).context
    events.host.ring.publish([started(1, "&" * 32_000), started(2)], 2)
    small = pull_request(context, 9, 1, "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>")
    assert fault_of(events.say(small))[0] == "w:EncodingLimit"
    large = events.pull(context)
    assert len(large.items) == 2
    assert len(etree.tostring(large.items[0])) < 100_000
    (command,) = large.items[0].iter(clark_name(f"{CIMV2}/Win32_Process", "CommandLine"))
    assert set(command.text or "") == {"&"}


def test_a_host_without_events_is_no_event_source() -> None:
    dispatcher = Dispatcher(Memory(SNAPSHOT), LINUX, Enumerations(5, 5, 60.0), Limits())
    answer = dispatcher.answer(WsmanDoor(), ReceivedRequest(subscription(LOGONS), ROOT), Deadline())
    assert b"e:EventSourceUnableToProcess" in answer.body
    assert b"events are not supported by" in answer.body


class FailingReader(RingReader):
    """A reader that fails after the events."""

    def read(self, seconds: float | None = None, max_events: int | None = None) -> list[Event]:
        events = super().read(seconds, max_events)
        if not events:
            raise QuotaViolationError("a class has too many instances", "add a condition")
        return events


class FailingHost(Ringed):
    """A host whose readers fail."""

    def event_reader(self, after: int | None = None) -> RingReader:
        return FailingReader(self.ring, self.ring.number if after is None else after, "a test", lambda: None)


def test_events_before_a_failure_are_in_the_answer_and_the_failure_in_the_next_one() -> None:
    events = Events(host=FailingHost(SNAPSHOT))
    context = events.subscribe().context
    events.host.publish(2)
    assert events.pull(context).logon_ids == ["1", "2"]
    assert fault_of(events.pull(context))[0] == "w:QuotaLimit"
    assert len(events.dispatcher.enumerations) == 0


def test_a_subscription_that_fails_ends() -> None:
    events = Events()
    context = events.subscribe().context
    events.host.ring.close()
    assert fault_of(events.pull(context))[0] == "n:InvalidEnumerationContext"
    assert len(events.dispatcher.enumerations) == 0
