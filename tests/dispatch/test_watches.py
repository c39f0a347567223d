"""dispatch/watches.py: the number of watches is limited, and a stream ends with what ends it."""

import pytest

from logonscope.broker import Caller
from logonscope.broker.subscription import Subscription, WatchOptions, subscribe
from logonscope.dispatch.operation import Limits, Operation
from logonscope.dispatch.watches import HEARTBEAT_SECONDS, Watches, WatchStream
from logonscope.errors import QuotaViolationError
from logonscope.machine import Deadline
from logonscope.server.json import JsonDoor
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT


def watch(host: Ringed, caller: Caller = ROOT) -> Subscription:
    return subscribe(host.request(caller), WatchOptions())


def stream(watches: Watches, subscription: Subscription) -> WatchStream:
    made = WatchStream(watches, JsonDoor(), Operation("watch"), subscription, limits=Limits(), host="web1")
    made.is_allowed = lambda: True
    return made


def test_each_caller_has_a_share_and_administrators_one_beyond_the_total() -> None:
    host, watches = Ringed(SNAPSHOT), Watches(max_open=3, max_per_caller=2)
    for uid in (1000, 1000, 1001):
        watches.add(watch(host, user(uid)))
    for uid in (1000, 1001, 1002):
        with pytest.raises(QuotaViolationError, match="too many watches"):
            watches.add(watch(host, user(uid)))
    for _ in range(2):
        watches.add(watch(host))
    with pytest.raises(QuotaViolationError, match=r"too many watches \(2 of this caller\)"):
        watches.add(watch(host))
    watches.close()
    assert len(watches) == 0
    watches.add(watch(host, user(1002)))


def test_a_stream_has_parts_for_events_and_nothing_between_them() -> None:
    host, watches = Ringed(SNAPSHOT), Watches()
    subscription = watch(host)
    watches.add(subscription)
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
