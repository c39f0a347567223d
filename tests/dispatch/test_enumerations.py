"""Tests of dispatch/enumerations.py: each row is delivered once, and only to the caller of the enumeration."""

import gc
import itertools
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.dispatch.enumerations import Enumeration, Enumerations, OpenContext, Rows
from logonscope.errors import EnumerationNotFoundError, PullInProgressError, QuotaViolationError, TimedOutError
from logonscope.machine import Deadline
from tests.broker.memory import Memory
from tests.dispatch.rows import PROCESS, enumeration, numbered, taken
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

ALICE, BOB = user(1000), user(1001)


class Clock:
    """A clock that is put forward by hand."""

    now = 0.0

    def read(self) -> float:
        """Return what it shows."""
        return self.now


@given(
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1),
)
def test_every_row_comes_once_and_in_order_whatever_is_put_back(count: int, pulls: list[tuple[int, int]]) -> None:
    rows, delivered = enumeration(range(count)), list[int]()
    for most, fit in itertools.chain(pulls, itertools.repeat((3, 3))):
        batch = list(rows.take(most))
        rows.put_back(batch[fit:])
        delivered += [int(str(row[0])) for _, row in batch[:fit]]
        if rows.is_complete:
            break
    assert delivered == list(range(count))


def test_rows_that_are_put_back_twice_come_once() -> None:
    rows = enumeration(range(6))
    rows.put_back(list(rows.take(4)))
    first, *others = rows.take(3)
    rows.put_back(others)
    assert first[1] == ("0",)
    assert taken(rows, 9) == [1, 2, 3, 4, 5]
    assert rows.is_complete


def test_what_is_put_back_thousands_of_times_costs_no_more_each_time() -> None:
    rows = enumeration(range(20_000))
    for number in range(20_000):
        one, *others = rows.take(2)
        assert one[1] == (str(number),)
        rows.put_back(others)
    assert taken(rows, 1) == []


def test_no_more_is_read_than_is_taken() -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(9):
            read.append(number)
            yield number

    rows = enumeration(numbers())
    assert taken(rows, 2) == [0, 1]
    assert read == [0, 1]


def test_classes_and_rows_of_several_results_come_as_one() -> None:
    session = schema().get("Win32_LogonSession")
    results: list[ClassRows | Class] = [*numbered(range(2)), session, ClassRows(session, ("LogonId",), iter([("41",)]))]
    rows = Enumeration(Enumerations(1, 1, 1.0), Memory(SNAPSHOT).request(ROOT), Deadline(), Rows(iter(results)))
    items = list(rows.take(9))
    assert [row for _, row in items] == [("0",), ("1",), (), ("41",)]
    assert [getattr(result, "cls", result) for result, _ in items] == [PROCESS, PROCESS, session, session]
    assert items[0][0] is items[1][0]


def test_only_one_request_at_a_time_takes_rows() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        entered.set()
        go_on.wait(10)
        yield 7

    rows, first = enumeration(slow()), list[list[int]]()

    def pull() -> None:
        with rows:
            first.append(taken(rows, 1))

    thread = threading.Thread(target=pull)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(PullInProgressError), rows:
        pass
    go_on.set()
    thread.join()
    assert first == [[7]]
    with rows:
        pass


def test_what_went_wrong_half_way_is_raised_again_and_never_taken_for_the_end() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise TimedOutError("no time left")

    rows = enumeration(broken())
    assert taken(rows, 1) == [1]
    for _ in range(2):
        with pytest.raises(TimedOutError):
            taken(rows, 1)
    assert not rows.is_complete


def test_an_enumeration_goes_on_for_as_long_as_the_request_that_pulls() -> None:
    begun, pulled = Deadline(60), Deadline(60)
    rows = enumeration((), deadline=begun)
    rows.resume(60, begun)
    rows.resume(60, pulled)
    assert not begun.is_over
    pulled.cancel()
    assert begun.is_over


def test_another_callers_enumeration_is_as_unknown_as_one_that_was_made_up() -> None:
    kept = Enumerations(10, 10, 60.0)
    rows = enumeration((1,), ALICE, kept)
    context = rows.keep_open()
    assert kept.find(context, ALICE) is rows
    assert rows.id == context
    sentences = set()
    for made_up, caller in (
        (context, BOB),
        (context, ROOT),
        (context, ALICE._replace(administrator=True)),
        ("x", ALICE),
    ):
        for attempt in (kept.find, kept.release, partial(kept.renew, seconds=5.0)):
            with pytest.raises(EnumerationNotFoundError) as refused:
                attempt(made_up, caller)
            sentences.add(str(refused.value))
    assert len(sentences) == 1
    kept.release(context, ALICE)
    assert len(kept) == 0


def test_ids_do_not_reveal_each_other() -> None:
    kept = Enumerations(1000, 1000, 60.0)
    ids = {enumeration((), enumerations=kept).keep_open() for _ in range(1000)}
    assert len(ids) == 1000
    varied = [len({text[at] for text in ids}) for at in range(len("uuid:"), 41)]
    assert sum(number > 8 for number in varied) >= 30  # 122 bits of 128 are random (RFC 9562 5.4)


def test_there_are_so_many_of_a_caller_and_so_many_in_total() -> None:
    kept = Enumerations(3, 2, 60.0)
    enumeration((), ALICE, kept).keep_open()
    context = enumeration((), ALICE, kept).keep_open()
    with pytest.raises(QuotaViolationError, match="too many open enumerations"):
        enumeration((), ALICE, kept).keep_open()
    enumeration((), BOB, kept).keep_open()
    carol = user(1002)
    with pytest.raises(QuotaViolationError):
        enumeration((), carol, kept).keep_open()
    for _ in range(2):
        enumeration((), ROOT, kept).keep_open()  # nobody else takes all there is from an administrator
    with pytest.raises(QuotaViolationError):
        enumeration((), ROOT, kept).keep_open()
    kept.release(context, ALICE)
    with pytest.raises(QuotaViolationError):
        enumeration((), carol, kept).keep_open()


def test_an_unused_enumeration_expires_and_releases_its_rows() -> None:
    clock = Clock()
    kept = Enumerations(10, 10, 60.0, clock.read)
    left, pulled = Deadline(), Deadline()
    for_long = enumeration((1,), enumerations=kept, deadline=left).keep_open()
    asked = enumeration((2,), enumerations=kept, deadline=pulled).keep_open(3600.0)
    short = enumeration((3,), enumerations=kept).keep_open(5.0)
    clock.now = 10.0
    with pytest.raises(EnumerationNotFoundError):
        kept.find(short, ROOT)
    clock.now = 59.0
    kept.find(asked, ROOT)
    clock.now = 61.0
    kept.find(asked, ROOT)
    with pytest.raises(EnumerationNotFoundError):
        kept.find(for_long, ROOT)
    assert left.is_over
    assert not pulled.is_over


def test_an_enumeration_can_be_renewed_and_asked_how_long_it_lasts() -> None:
    clock = Clock()
    kept = Enumerations(10, 10, 60.0, clock.read)
    rows = enumeration((), enumerations=kept)
    assert [rows.lifetime(seconds) for seconds in (5.0, 3600.0)] == [5.0, 60.0]
    context = rows.keep_open()
    assert kept.renew(context, ROOT) == 60.0
    clock.now = 20.0
    assert kept.renew(context, ROOT, None) == 40.0
    assert kept.renew(context, ROOT, 30.0) == 30.0
    assert kept.renew(context, ROOT, 3600.0) == 60.0


def test_what_is_over_is_forgotten_once_and_twice() -> None:
    kept, deadline = Enumerations(10, 10, 60.0), Deadline()
    context = enumeration((1,), enumerations=kept, deadline=deadline).keep_open()
    for _ in range(2):
        kept.remove(context)
    assert deadline.is_over
    assert len(kept) == 0


def test_all_give_up_at_the_end() -> None:
    kept, deadline = Enumerations(10, 10, 60.0), Deadline()
    enumeration((1,), enumerations=kept, deadline=deadline).keep_open()
    assert repr(kept) == "<Enumerations: 1 of 10 open>"
    kept.close()
    assert deadline.is_over
    assert len(kept) == 0


def test_an_enumeration_that_is_given_up_is_freed_at_once() -> None:
    """Garbage of long life is collected rarely: what clients leave unread must not wait for it."""
    kept = Enumerations(10, 10, 60.0)
    rows = enumeration((1, 2, 3), enumerations=kept)
    taken(rows, 1)
    reference, context = weakref.ref(rows), rows.keep_open()
    del rows
    gc.disable()
    try:
        kept.release(context, ROOT)
        assert reference() is None
    finally:
        gc.enable()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "find", "renew", "release", "wait"]),
        st.integers(0, 9),
        st.sampled_from([1.0, 5.0, 30.0, 90.0]),
        st.sampled_from([ALICE, BOB, ROOT]),
    ),
    max_size=40,
)


@given(STEPS)
def test_counts_and_expirations_are_those_of_a_plain_list(steps: list[tuple[str, int, float, Caller]]) -> None:
    clock = Clock()
    kept = Enumerations(4, 2, 60.0, clock.read)
    expected = dict[str, tuple[Caller, float]]()
    contexts = ["uuid:made-up"]
    for step, number, seconds, caller in steps:
        expected = {context: known for context, known in expected.items() if known[1] > clock.now}
        context = contexts[number % len(contexts)]
        until = clock.now + min(seconds, 60.0)
        is_own = context in expected and expected[context][0] == caller
        if step == "wait":
            clock.now += seconds
        elif step == "keep":
            own = sum(known[0] == caller for known in expected.values())
            if own >= 2 or len(expected) >= 4 + (2 if caller is ROOT else 0):
                with pytest.raises(QuotaViolationError, match=rf"^too many open enumerations \({own} of this caller\)"):
                    enumeration((), caller, kept).keep_open(seconds)
            else:
                contexts.append(enumeration((), caller, kept).keep_open(seconds))
                expected[contexts[-1]] = caller, until
            assert len(kept) == len(expected)
        elif not is_own:
            with pytest.raises(EnumerationNotFoundError):
                getattr(kept, step)(context, caller)
        elif step == "find":
            kept.find(context, caller)
            expected[context] = caller, max(expected[context][1], clock.now + 60.0)
        elif step == "renew":
            assert kept.renew(context, caller, seconds) == until - clock.now
            expected[context] = caller, until
        else:
            kept.release(context, caller)
            del expected[context]


def test_one_request_at_a_time_uses_a_context() -> None:
    context = OpenContext(ROOT, 60.0)
    for _ in range(2):
        with context, pytest.raises(PullInProgressError, match="in progress"), context:
            pass


def test_a_context_stays_with_the_first_door() -> None:
    context = OpenContext(ROOT, 60.0)
    context.bind_door("one door")
    context.bind_door("another one of this kind")
    with pytest.raises(EnumerationNotFoundError, match="was not started through 3"):
        context.bind_door(3)


def test_the_lifetime_of_a_context_has_a_maximum() -> None:
    context = OpenContext(ROOT, 60.0)
    assert [context.lifetime(seconds) for seconds in (5.0, 60.0, 1e9)] == [5.0, 60.0, 60.0]
