"""server/contexts.py: is every item told once, in batches that fit, to the one who asked, and to nobody else?"""

import itertools
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.broker.deadline import Deadline
from logonscope.errors import TimedOutError
from logonscope.server.contexts import MANY, Contexts, Enumeration
from logonscope.wire.wsman.faults import ENCODING_LIMIT, INVALID_CONTEXT, PULL_IN_PROGRESS, QUOTA, FaultError
from tests.hosts import ROOT, user

ALICE, BOB = user(1000), user(1001)


class Clock:
    """A clock that is put forward by hand."""

    now = 0.0

    def read(self) -> float:
        """Return what it shows."""
        return self.now


def enumeration(*items: str, caller: Caller = ROOT) -> Enumeration:
    return Enumeration(caller, iter(items), Deadline())


@given(st.lists(st.text("ab", max_size=6)), st.lists(st.tuples(st.integers(1, 5), st.integers(0, 8)), min_size=1))
def test_every_item_is_told_once_and_no_batch_is_larger_than_its_room(
    items: list[str], asked: list[tuple[int, int]]
) -> None:
    told, too_large = list[str](), 0
    pulled = enumeration(*items)
    for most, room in itertools.chain(asked, itertools.repeat((3, 6))):
        try:
            batch = pulled.batch(most, room, len)
        except FaultError as fault:
            too_large += fault.kind is ENCODING_LIMIT
            continue
        assert len(batch.items) <= most
        assert sum(map(len, batch.items)) <= room
        told += batch.items
        if batch.is_last:
            break
    assert len(told) + too_large == len(items)
    remaining = iter(items)
    assert all(item in remaining for item in told)  # in their order


def test_an_item_that_finds_no_room_is_told_next_time_and_one_that_never_will_is_left_out() -> None:
    pulled = enumeration("aa", "bbbb", "cc")
    assert pulled.batch(9, 3, len).items == ["aa"]
    assert pulled.batch(9, 3, len, refuses=False).items == []
    with pytest.raises(FaultError) as refused:
        pulled.batch(9, 3, len)
    assert refused.value.kind is ENCODING_LIMIT
    assert pulled.batch(9, 3, len) == (["cc"], True)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(st.lists(texts), st.booleans())
def test_what_is_taken_back_is_told_first_and_in_its_order(items: list[str], packed: bool) -> None:
    pulled = enumeration(*items, "too long", "d")
    batch = pulled.batch(len(items) + 1, sum(map(len, items)), len, refuses=False)
    assert batch == (items, False)
    pulled.take_back(batch.items, packed=packed)
    assert pulled.batch(len(items) + 3, 100_000, len) == ([*items, "too long", "d"], True)


def test_only_one_at_a_time_takes_items() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow() -> "itertools.chain[str]":
        entered.set()
        go_on.wait(10)
        return itertools.chain(["a"])

    pulled = Enumeration(ROOT, (item for part in (slow,) for item in part()), Deadline())
    first: list[list[str]] = []
    thread = threading.Thread(target=lambda: first.append(pulled.batch(1, 9, len).items))
    thread.start()
    assert entered.wait(10)
    with pytest.raises(FaultError) as refused:
        pulled.batch(1, 9, len)
    go_on.set()
    thread.join()
    assert refused.value.kind is PULL_IN_PROGRESS
    assert first == [["a"]]


def test_what_went_wrong_half_way_is_said_again_and_never_taken_for_the_end() -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise TimedOutError("no time left")

    pulled = Enumeration(ROOT, broken(), Deadline())
    assert pulled.batch(1, 9, len).items == ["a"]
    for _ in range(2):
        with pytest.raises(TimedOutError):
            pulled.batch(1, 9, len)


def test_another_callers_context_is_as_unknown_as_one_that_was_made_up() -> None:
    contexts = Contexts(10, 10, 60.0)
    kept = contexts.keep(enumeration("a", caller=ALICE))
    assert contexts.find(kept, ALICE).caller == ALICE
    sentences = set()
    for context, caller in ((kept, BOB), (kept, ROOT), (kept, ALICE._replace(administrator=True)), ("uuid:x", ALICE)):
        for attempt in (contexts.find, contexts.drop, partial(contexts.renew, seconds=5.0)):
            with pytest.raises(FaultError) as refused:
                attempt(context, caller)
            assert refused.value.kind is INVALID_CONTEXT
            sentences.add(str(refused.value))
    assert len(sentences) == 1
    contexts.drop(kept, ALICE)
    assert len(contexts) == 0


def test_there_are_so_many_of_a_caller_and_so_many_in_all() -> None:
    contexts = Contexts(3, 2, 60.0)
    contexts.keep(enumeration(caller=ALICE))
    kept = contexts.keep(enumeration(caller=ALICE))
    with pytest.raises(FaultError) as refused:
        contexts.keep(enumeration(caller=ALICE))
    assert refused.value.kind is QUOTA
    contexts.keep(enumeration(caller=BOB))
    with pytest.raises(FaultError):
        contexts.keep(enumeration(caller=ROOT))
    contexts.drop(kept, ALICE)
    contexts.keep(enumeration(caller=ROOT))


def test_what_waits_in_many_is_little() -> None:
    contexts = Contexts(100, 100, 60.0)
    for _ in range(MANY):
        assert not contexts.are_many
        contexts.keep(enumeration())
    assert contexts.are_many


def test_what_nobody_asks_for_expires_and_gives_up() -> None:
    clock = Clock()
    contexts = Contexts(10, 10, 60.0, clock.read)
    left, asked = enumeration("a"), enumeration("b")
    for_long, kept, short = contexts.keep(left), contexts.keep(asked, 3600.0), contexts.keep(enumeration("c"), 5.0)
    clock.now = 10.0
    with pytest.raises(FaultError):
        contexts.find(short, ROOT)
    clock.now = 59.0
    contexts.find(kept, ROOT)
    clock.now = 61.0
    contexts.find(kept, ROOT)
    with pytest.raises(FaultError):
        contexts.find(for_long, ROOT)
    assert left.deadline.is_over
    assert not asked.deadline.is_over


def test_a_context_can_be_renewed_and_asked_how_long_it_lasts() -> None:
    clock = Clock()
    contexts = Contexts(10, 10, 60.0, clock.read)
    kept = contexts.keep(enumeration())
    assert contexts.renew(kept, ROOT, None) == 60.0
    clock.now = 20.0
    assert contexts.renew(kept, ROOT, None) == 40.0
    assert contexts.renew(kept, ROOT, 30.0) == 30.0
    assert contexts.renew(kept, ROOT, 3600.0) == 60.0


def test_what_is_over_is_forgotten_once_and_twice() -> None:
    contexts, pulled = Contexts(10, 10, 60.0), enumeration("a")
    kept = contexts.keep(pulled)
    for _ in range(2):
        contexts.forget(kept)
    assert pulled.deadline.is_over
    assert len(contexts) == 0


def test_all_give_up_at_the_end() -> None:
    contexts, pulled = Contexts(10, 10, 60.0), enumeration("a")
    contexts.keep(pulled)
    contexts.close()
    assert pulled.deadline.is_over
    assert len(contexts) == 0
