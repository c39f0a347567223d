"""What does this caller see of this machine? Every operation goes through here: needs in, owned processes out.

Two orders of reading. ``stream`` reads logins first and processes while they are iterated: for rows that are
processes. ``gather`` reads processes first: for rows that are logon sessions, so that none lacks its login record.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from logonscope.broker.access import HIDDEN, Caller, Sight, limit
from logonscope.broker.selection import Selection, select
from logonscope.facts import NO_PROCESSES, Login, Needs, Owner, Process, Snapshot, Source
from logonscope.ownership import SYSTEM, Joined, join, login_of_cgroup, owners

LOGINS = Needs(pids=NO_PROCESSES, logins=True)
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
    sight: Sight
    owned: Iterable[tuple[Process, Owner]]


def stream(broker: Broker, needs: Needs, which: str | None = None) -> View:
    """Return a view of a selection whose processes are read while it is iterated, as of the logins known before.

    A login without a kernel id that appears meanwhile is asked for once one of its processes turns up.
    """
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    before = observe(LOGINS)
    joined = join(before.logins)
    selection = select(which, joined)
    snapshot = observe(_with_ownership(sight.needs, joined, selection))
    _report(snapshot, before)
    owned = _seen(sight, _learning(observe, before.logins, joined, snapshot.processes))
    if which is not None:
        owned = (pair for pair in owned if selection.keeps(*pair, snapshot.accounts))
    return View(snapshot, joined, sight, owned)


def gather(broker: Broker, needs: Needs, which: str | None = None) -> View:
    """Return a view of a selection, its processes read before their logins."""
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    joined = join(observe(LOGINS).logins)
    for _ in range(MOST_ROUNDS):
        asked = joined.cgroup_of
        snapshot = observe(_with_ownership(sight.needs, joined, select(which, joined)))
        processes = list(snapshot.processes)
        after = observe(LOGINS)
        _report(snapshot, after)
        joined = join(after.logins)
        if joined.cgroup_of <= asked:
            break
    owner, selection = owners(joined), select(which, joined)
    owned = _seen(sight, ((process, owner(process)) for process in processes))
    kept = [pair for pair in owned if selection.keeps(*pair, snapshot.accounts)]
    return View(snapshot._replace(processes=processes), joined, sight, kept)


def _report(snapshot: Snapshot, logins: Snapshot) -> None:
    """Add the troubles of reading the logins to those of reading the processes, each once."""
    snapshot.troubles.extend(trouble for trouble in logins.troubles if trouble not in snapshot.troubles)


def _with_ownership(needs: Needs, joined: Joined, selection: Selection) -> Needs:
    """Add what ownership asks for; a cgroup that only ownership asks for is read only where it decides."""
    cgroup_of = None if "cgroup" in needs.process else joined.cgroup_of
    process = needs.process | {"ses", "cgroup"}
    return needs._replace(process=process, cgroup_of=cgroup_of, ses=selection.kernel_ids(joined))


def _seen(sight: Sight, owned: Iterable[tuple[Process, Owner]]) -> Iterable[tuple[Process, Owner]]:
    return owned if sight.everything else _filtered(sight, owned)


def _filtered(sight: Sight, owned: Iterable[tuple[Process, Owner]]) -> Iterator[tuple[Process, Owner]]:
    for process, owner in owned:
        if sight.session(process, owner):
            yield sight.shown(process), owner
        elif sight.process(process, owner):
            yield sight.shown(process), HIDDEN


def _learning(
    observe: Callable[[Needs], Snapshot], logins: tuple[Login, ...], joined: Joined, processes: Iterable[Process]
) -> Iterator[tuple[Process, Owner]]:
    """Yield each process with its owner; look a login up when a process lies in the place of one not known yet."""
    decide, known, asked = owners(joined), {login.id: login for login in logins}, set[str]()
    for process in processes:
        found = decide(process)
        if found is SYSTEM and process.cgroup and process.cgroup.startswith("/user.slice/"):
            login_id = login_of_cgroup(process.cgroup)
            if login_id and login_id not in asked:
                asked.add(login_id)
                new = observe(LOGINS._replace(login_ids=frozenset({login_id}))).logins
                if new:
                    known.update({login.id: login for login in new})
                    decide = owners(join(known.values()))
                    found = decide(process)
        yield process, found
