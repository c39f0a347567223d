"""Tests of server/auth/throttle.py: guesses are delayed and limited, and users are not locked out."""

import itertools
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.errors import ServerTooBusyError
from logonscope.server.auth.throttle import (
    ADDRESS_LIMIT,
    FORGIVEN_SECONDS,
    FREE_FAILURES,
    HOUR,
    MAX_DELAY,
    MAX_WAITING,
    USER_LIMIT,
    Throttle,
    client_network,
)

HERE, THERE = "192.0.2.1", "198.51.100.7"


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, source: str, user: str, times: int = 1) -> None:
    for _ in range(times):
        with suppress(ServerTooBusyError):
            throttle.begin(source, user)


def guesses(throttle: Throttle, attempts: Iterable[tuple[str, str]]) -> int:
    """Return how many of these attempts have their password looked at."""
    looked_at = 0
    for source, user in attempts:
        with suppress(ServerTooBusyError):
            throttle.begin(source, user)
            looked_at += 1
    return looked_at


def test_a_few_failures_are_free_then_each_costs_more_up_to_a_maximum(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(FREE_FAILURES + 6):
        waits.append(throttle.delay(HERE, "alice"))
        clock.now += waits[-1]
        throttle.begin(HERE, "alice")
    assert waits == [0.0] * FREE_FAILURES + [1.0, 2.0, 4.0, 8.0, MAX_DELAY, MAX_DELAY]


def test_failures_count_for_the_place_and_for_the_user(throttle: Throttle) -> None:
    fail(throttle, HERE, "alice", FREE_FAILURES)
    assert throttle.delay(HERE, "bob") == 1.0
    assert throttle.delay(THERE, "alice") == 1.0
    assert throttle.delay(THERE, "bob") == 0.0


def test_guesses_from_many_places_at_one_user_are_slowed(throttle: Throttle) -> None:
    for number in range(20):
        throttle.begin(f"203.0.113.{number}", "alice")
    assert throttle.delay("203.0.113.99", "alice") == MAX_DELAY


def test_failures_of_others_do_not_lock_out_a_known_pair(throttle: Throttle) -> None:
    throttle.succeeded(HERE, "alice")
    fail(throttle, THERE, "alice", 1000)
    assert throttle.delay(HERE, "alice") == 0.0
    assert throttle.delay("203.0.113.1", "alice") == MAX_DELAY  # from a new place, but no longer


def test_behind_one_proxy_guesses_at_others_do_not_slow_the_known(throttle: Throttle) -> None:
    throttle.succeeded("127.0.0.1", "alice")
    fail(throttle, "127.0.0.1", "bob", 100)
    assert throttle.delay("127.0.0.1", "alice") == 0.0
    assert throttle.delay("127.0.0.1", "bob") == MAX_DELAY
    assert throttle.delay("::1", "carol") == 0.0
    assert throttle.delay("127.0.0.1", "carol") == MAX_DELAY  # loopback is not exempt


def test_guesses_at_a_known_user_from_its_place_are_slowed(throttle: Throttle) -> None:
    throttle.succeeded(HERE, "alice")
    fail(throttle, HERE, "alice", FREE_FAILURES + 2)
    assert throttle.delay(HERE, "alice") == 4.0


def test_a_success_takes_back_its_own_failures(throttle: Throttle) -> None:
    fail(throttle, HERE, "alice", FREE_FAILURES)
    throttle.succeeded(HERE, "alice")
    assert throttle.delay(HERE, "alice") == throttle.delay(HERE, "bob") == throttle.delay(THERE, "alice") == 0.0


def test_an_account_of_ones_own_does_not_help_to_guess_at_others(throttle: Throttle) -> None:
    for _ in range(FREE_FAILURES):
        throttle.begin(HERE, "alice")
        throttle.succeeded(HERE, "mallory")
    assert throttle.delay(HERE, "alice") == 1.0
    assert throttle.delay(HERE, "bob") == 1.0


def test_of_one_place_only_some_may_wait_at_once(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, HERE, "alice", 100)
    assert [throttle.delay(HERE, f"user{number}") for number in range(MAX_WAITING)] == [MAX_DELAY] * MAX_WAITING
    with pytest.raises(
        ServerTooBusyError, match="too many authentication attempts are waiting; try again in 10 seconds"
    ):
        throttle.delay(HERE, "alice")
    assert throttle.delay(THERE, "alice") == MAX_DELAY  # elsewhere nobody is turned away
    clock.now += MAX_DELAY
    assert throttle.delay(HERE, "alice") == MAX_DELAY


def test_who_waits_because_of_strangers_is_never_turned_away(throttle: Throttle) -> None:
    fail(throttle, THERE, "alice", 100)
    assert [throttle.delay(HERE, "alice") for _ in range(100)] == [MAX_DELAY] * 100


def test_after_a_quiet_time_it_is_forgotten(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, HERE, "alice", 100)
    clock.now += FORGIVEN_SECONDS + 1
    assert throttle.delay(HERE, "alice") == 0.0
    throttle.begin(HERE, "alice")
    assert throttle.delay(HERE, "alice") == 0.0


def test_guesses_are_bounded_for_an_address_and_for_a_user(throttle: Throttle, clock: Clock) -> None:
    assert guesses(throttle, ((HERE, f"user{number}") for number in range(1000))) == ADDRESS_LIMIT
    assert guesses(throttle, ((f"127.0.{number}.1", "alice") for number in range(250))) == USER_LIMIT
    clock.now += HOUR
    assert guesses(throttle, ((HERE, f"user{number}") for number in range(1000))) == ADDRESS_LIMIT
    with pytest.raises(ServerTooBusyError, match="too many failed authentications within an hour; try again later"):
        throttle.begin(HERE, "bob")


def test_guesses_of_an_hour_are_at_most_twice_as_many_as_at_once(throttle: Throttle, clock: Clock) -> None:
    looked_at = 0
    for _ in range(3600):
        looked_at += guesses(throttle, [(HERE, "alice")] * 5)
        clock.now += 1
    assert looked_at <= 2 * ADDRESS_LIMIT


def test_a_known_pair_is_limited_by_its_own_failures_only(throttle: Throttle) -> None:
    throttle.begin(HERE, "alice")
    throttle.succeeded(HERE, "alice")
    fail(throttle, HERE, "bob", 1000)
    for number in range(250):
        fail(throttle, f"127.0.{number}.1", "alice")
    assert guesses(throttle, [(HERE, "alice")] * 1000) == ADDRESS_LIMIT


def test_many_right_passwords_spend_nothing(throttle: Throttle) -> None:
    for number in range(10 * USER_LIMIT):
        throttle.begin(HERE, "alice")
        throttle.succeeded(HERE, "alice")
        throttle.begin(f"127.0.{number % 250}.1", "alice")
        throttle.succeeded(f"127.0.{number % 250}.1", "alice")
    assert throttle.delay(THERE, "alice") == 0.0


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_place_is_an_address_or_a_customers_network(source: str, place: str) -> None:
    assert client_network(source) == place


def test_what_is_remembered_is_bounded_and_those_who_go_on_stay(clock: Clock) -> None:
    throttle = Throttle(clock, max_records=10)
    for number in range(1000):
        fail(throttle, THERE, "alice")
        throttle.begin(f"2001:db8:0:{number:x}::1", f"user{number}")
    assert throttle.delay(THERE, "alice") == MAX_DELAY
    kept = (throttle._networks, throttle._users, throttle._pairs)  # noqa: SLF001 -- how much is kept is the question
    assert [len(records._records) for records in kept] == [10, 10, 10]  # noqa: SLF001 -- the same


def test_many_names_from_another_place_do_not_push_out_a_known_pair(clock: Clock) -> None:
    throttle = Throttle(clock, max_records=10)
    throttle.succeeded(HERE, "alice")
    for number in range(100):
        throttle.begin(f"2001:db8:0:{number:x}::1", f"user{number}")
    assert throttle.is_known(HERE, "alice")


def test_rejected_attempts_push_out_no_record(clock: Clock) -> None:
    throttle = Throttle(clock, max_records=2 * ADDRESS_LIMIT)
    fail(throttle, HERE, "alice", FREE_FAILURES)
    assert guesses(throttle, ((THERE, f"user{number}") for number in range(1000))) == ADDRESS_LIMIT
    assert throttle.delay("203.0.113.1", "alice") == 1.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "succeeded", "delay"]),
            st.sampled_from([HERE, THERE, "::1"]),
            st.sampled_from("abc"),
            st.floats(0, 2000),
        ),
        max_size=60,
    )
)
def test_whatever_happens_a_delay_is_none_or_some_and_no_longer_than_the_longest(
    steps: list[tuple[str, str, str, float]],
) -> None:
    clock = Clock()
    throttle = Throttle(clock, max_records=3)
    for (what, source, user, seconds), number in zip(steps, itertools.count()):
        clock.now += seconds if number % 3 == 0 else 0
        try:
            answer = getattr(throttle, what)(source, user)
        except ServerTooBusyError:
            continue
        assert answer is None or 0.0 <= answer <= MAX_DELAY
