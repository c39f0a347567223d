"""dispatch/watches.py: the number of watches is limited, and a stream ends with what ends it."""

import pytest

from logonscope.broker import Caller
from logonscope.broker.subscription import Subscription, WatchOptions, subscribe
from logonscope.dispatch.operation import Limits, Operation
from logonscope.dispatch.watches import HEARTBEAT_SECONDS, Watches, WatchKind, WatchStatus, WatchStream
from logonscope.errors import QuotaViolationError
from logonscope.machine import Deadline
from logonscope.server.json import JsonDoor
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

KIND = WatchKind("json", "Stream")


def watch(host: Ringed, caller: Caller = ROOT) -> Subscription:
    return subscribe(host.request(caller), WatchOptions())


def stream(watches: Watches, subscription: Subscription) -> WatchStream:
    made = WatchStream(watches, JsonDoor(), Operation("watch"), subscription, limits=Limits(), host="web1")
    made.is_allowed = lambda: True
    return made


def test_each_caller_has_a_share_and_administrators_one_beyond_the_total() -> None:
    host, watches = Ringed(SNAPSHOT), Watches(max_open=3, max_per_caller=2)
    for uid in (1000, 1000, 1001):
        watches.add(watch(host, user(uid)), KIND)
    for uid in (1000, 1001, 1002):
        with pytest.raises(QuotaViolationError, match="too many watches"):
            watches.add(watch(host, user(uid)), KIND)
    for _ in range(2):
        watches.add(watch(host), KIND)
    with pytest.raises(QuotaViolationError, match=r"too many watches \(2 of this caller\)"):
        watches.add(watch(host), KIND)
    watches.close()
    assert len(watches) == 0
    watches.add(watch(host, user(1002)), KIND)


def test_a_stream_has_parts_for_events_and_nothing_between_them() -> None:
    host, watches = Ringed(SNAPSHOT), Watches()
    subscription = watch(host)
    watches.add(subscription, KIND)
    parts = stream(watches, subscription)
    assert parts.next_part(Deadline(1)) == (b"", False)
    assert 0 < parts.wait_seconds <= HEARTBEAT_SECONDS
    host.publish(2)
    body, is_last = parts.next_part(Deadline(1))
    assert (body.count(b"event: LogonStarted\n"), is_last, parts.items) == (2, False, 2)
    parts.close()
    body, is_last = parts.next_part(Deadline(1))
    assert is_last
    assert body.startswith(b"event: error\n")
    assert host.ring.reader_count == 0


def test_a_stream_ends_when_its_credentials_do() -> None:
    host, watches = Ringed(SNAPSHOT), Watches()
    parts = stream(watches, watch(host))
    parts.is_allowed = lambda: False
    host.publish(1)
    body, is_last = parts.next_part(Deadline(1))
    assert is_last
    assert b"WBEM_E_ACCESS_DENIED" in body
    assert b"LogonStarted" not in body


def test_what_was_sent_and_lost_is_counted_by_kind() -> None:
    host, watches, pull = Ringed(SNAPSHOT, most=3), Watches(), WatchKind("wsman", "Pull")
    subscription = watch(host)
    watches.add(subscription, KIND)
    watches.add(watch(host), pull)
    parts = stream(watches, subscription)
    for count in (2, 8):
        host.publish(count)
        parts.next_part(Deadline(1))
    assert watches.statuses() == [WatchStatus(KIND, 1, 5, 5, 1), WatchStatus(pull, 1)]
    parts.close()
    # what has ended is still counted
    assert watches.statuses() == [WatchStatus(KIND, 0, 5, 5, 1), WatchStatus(pull, 1)]
