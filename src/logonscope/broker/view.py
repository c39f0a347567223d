"""What does this caller see of this machine? Every operation goes through here: needs in, owned processes out.

Two orders of reading. ``stream`` reads logins first and processes while they are iterated: for rows that are
processes. ``gather`` reads processes first: for rows that are logon sessions, so that none lacks its login record.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from logonscope.broker.access import HIDDEN, Caller, Sight, limit
from logonscope.broker.selection import select
from logonscope.facts import Login, Needs, Owner, Process, Snapshot, Source
from logonscope.ownership import SYSTEM, Joined, join, login_of_cgroup, login_uid, owners

LOGINS = Needs(pids=frozenset(), logins=True)
MOST_ROUNDS = 3
"""How often gather reads again because logins began to share a kernel id while it was reading."""


class Broker(NamedTuple):
    """A source, and who asks."""

    source: Source
    caller: Caller


class View(NamedTuple):
    """All that an operation sees: processes that the caller may see, each with its owner (HIDDEN where that is not)."""

    snapshot: Snapshot
    joined: Joined
    owned: Iterable[tuple[Process, Owner]]


def stream(broker: Broker, needs: Needs, joined: Joined | None = None) -> View:
    """Return a view whose processes are read while it is iterated, as of the logins known when it began.

    A login that appears meanwhile is asked for once one of its processes turns up.
    """
    observe = broker.source.observe
    logins = observe(LOGINS).logins if joined is None else ()
    joined = joined or join(logins)
    sight = limit(broker.caller, needs)
    snapshot = observe(_with_ownership(sight.needs, joined))
    owner = _learning(observe, logins, joined)
    return View(snapshot, joined, _seen(sight, ((process, owner(process)) for process in snapshot.processes)))


def gather(broker: Broker, needs: Needs, which: str | None = None) -> View:
    """Return a view of a selection, its processes read before their logins."""
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    selection = select(which)
    joined = join(observe(LOGINS).logins)
    for _ in range(MOST_ROUNDS):
        asked = joined.cgroup_of
        snapshot = observe(_with_ownership(sight.needs, joined)._replace(ses=selection.kernel_ids(joined)))
        processes = list(snapshot.processes)
        joined = join(observe(LOGINS).logins)
        if joined.cgroup_of <= asked:
            break
    owner = owners(joined)
    owned = [
        (process, found)
        for process, found in _seen(sight, ((process, owner(process)) for process in processes))
        if selection.keeps(found.logon, login_uid(found, (process,)), snapshot.accounts)
    ]
    return View(snapshot._replace(processes=processes), joined, owned)


def _with_ownership(needs: Needs, joined: Joined) -> Needs:
    return needs._replace(process=needs.process | {"ses", "cgroup"}, cgroup_of=joined.cgroup_of)


def _seen(sight: Sight, owned: Iterable[tuple[Process, Owner]]) -> Iterable[tuple[Process, Owner]]:
    return owned if sight.everything else _filtered(sight, owned)


def _filtered(sight: Sight, owned: Iterable[tuple[Process, Owner]]) -> Iterator[tuple[Process, Owner]]:
    for process, owner in owned:
        if sight.session(process, owner):
            yield sight.shown(process), owner
        elif sight.process(process, owner):
            yield sight.shown(process), HIDDEN


def _learning(
    observe: Callable[[Needs], Snapshot], logins: tuple[Login, ...], joined: Joined
) -> Callable[[Process], Owner]:
    """Return an owner function that looks a login up when a process lies in the place of one that is not known yet."""
    decide, known, asked = owners(joined), list(logins), set[str]()

    def owner(process: Process) -> Owner:
        nonlocal decide
        found = decide(process)
        if found is SYSTEM and process.cgroup and process.cgroup.startswith("/user.slice/"):
            login_id = login_of_cgroup(process.cgroup)
            if login_id and login_id not in asked:
                asked.add(login_id)
                new = observe(LOGINS._replace(login_ids=frozenset({login_id}))).logins
                if new:
                    known.extend(new)
                    decide = owners(join(known))
                    found = decide(process)
        return found

    return owner
