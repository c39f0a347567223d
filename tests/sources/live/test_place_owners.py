"""The places of each logon session: after any changes they are those that a new decision about every place gives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.ownership import LINUX
from logonscope.sources.live import place_owners
from logonscope.sources.live.entries import OwnerFacts
from logonscope.sources.live.place_owners import PlaceOwners
from logonscope.sources.live.places import MAX_CHANGES, Places

MACHINE = Machine("web1", None, 1_700_000_000, audit=True)
SCOPE = "/user.slice/user-1000.slice/session-{}.scope"
IDS: list[OwnerFacts] = [
    (UNSET, UNSET, "/system.slice/cron.service"), (UNSET, UNSET, SCOPE.format("c7")), (UNSET, UNSET, SCOPE.format("5")),
    (41, 1000, SCOPE.format("41")), (41, 1000, SCOPE.format("c7")), (41, 1000, "/"), (42, 1001, "/"),
    (None, None, None), (UNSET, UNSET, None),
]  # fmt: skip
LOGINS = [
    Login("41", 1000, leader=1, audit=41, scope="session-41.scope", scope_inode=3),
    Login("c7", 1000, leader=2, audit=41, scope="session-c7.scope", scope_inode=4),
    Login("5", 1000, leader=3, audit=41, scope="session-5.scope", scope_inode=5),
]
PIDS = st.integers(1, 6)
STEPS = st.lists(
    st.tuples(st.just("add"), PIDS, st.sampled_from(range(len(IDS))))
    | st.tuples(st.just("remove"), PIDS, st.just(0))
    | st.tuples(st.just("logins"), st.integers(0, 7), st.just(0))
    | st.tuples(st.just("look"), st.just(0), st.just(0)),
    max_size=40,
)


def decided_anew(places: Places, logins: tuple[Login, ...]) -> dict[str | None, set[int]]:
    """Return the pids of each LogonId, decided for each place without memory."""
    logons, pids = LINUX.index(list(logins), MACHINE), dict[str | None, set[int]]()
    for place in places:
        owner = logons.owner(Process(0, ses=place.ses, cgroup=place.cgroup))
        pids.setdefault(owner.logon_id, set()).update(place.pids)
    return pids


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_the_owners_are_those_of_a_new_decision(steps: list[tuple[str, int, int]]) -> None:
    places, owners, logins = Places(), PlaceOwners(), tuple(LOGINS[:1])
    held, seen = dict[int, int](), dict[str | None, set[int]]()
    for name, number, other in [*steps, ("look", 0, 0)]:
        if name == "add" and number not in held:
            places.add(places.get(IDS[other]), number)
            held[number] = other
        elif name == "remove" and number in held:
            places.remove(places.get(IDS[held.pop(number)]), number)
        elif name == "logins":
            logins = tuple(login for bit, login in enumerate(LOGINS) if number >> bit & 1)
        elif name == "look":
            owners.update(places, LINUX.index(logins, MACHINE))
            now = decided_anew(places, logins)
            assert {logon_id: owners.pids(logon_id) for logon_id in owners.logon_ids()} == {
                logon_id: pids for logon_id, pids in now.items() if logon_id is not None
            }
            unknown = {pid for place in owners.places([None]) for pid in place.pids}
            assert unknown == now.get(None, set())
            touched = owners.take_touched()
            # a logon session that came or went, if not every one is to be looked at
            assert touched is None or touched >= (seen.keys() ^ now.keys()) - {None}
            seen = now


def test_the_owner_of_a_logon_session_has_its_login() -> None:
    places, owners, logins = Places(), PlaceOwners(), tuple(LOGINS[:1])
    places.add(places.get(IDS[3]), 7)
    owners.update(places, LINUX.index(logins, MACHINE))
    assert owners.owner("41") == Owner("41", "audit", LOGINS[0])
    assert owners.owner("42") is None


def test_lists_that_nobody_takes_are_bounded() -> None:
    places, owners, logons = Places(), PlaceOwners(), LINUX.index((), MACHINE)
    owners.update(places, logons)
    owners.take_touched()
    for number in range(1, 2 * MAX_CHANGES):
        place = places.add(places.get((number, 1000, "/")), number)
        owners.update(places, logons)
        places.remove(place, number)
    assert owners.take_touched() is None
    for number in range(2 * MAX_CHANGES):
        places.add(places.get((number, 1000, "/")), number)
    owners.update(places, logons)
    assert len(owners.logon_ids()) == 2 * MAX_CHANGES
    assert place_owners.MAX_TOUCHED <= MAX_CHANGES
