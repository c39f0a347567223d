"""What does this caller see of this machine? Every operation goes through here: needs in, owned processes out.

Three orders of reading. ``stream`` reads logins first and processes while they are iterated: for rows that are
processes. ``gather`` reads processes first: for rows that are logon sessions, so that none lacks its login record.
``keyed`` reads the processes with these pids, and the few logins that can speak for them: what it costs does not grow
with the host.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from logonscope.broker.access import HIDDEN, Caller, Sight, limit
from logonscope.broker.selection import keeper, kernel_ids, login_uids, select
from logonscope.facts import NO_PROCESSES, UNSET, LoggedIn, Login, Needs, Owner, Process, Selection, Snapshot, Source
from logonscope.ownership import SYSTEM, Joined, join, login_of_cgroup, login_of_elogind, owners
from logonscope.ownership.join import is_manager, kernel_id

LOGINS = Needs(pids=NO_PROCESSES, logins=True)
MOST_ROUNDS = 3
"""How often gather reads again because logins began to share a kernel id while it was reading."""

UNASKED = Owner(None, "unasked")
"""In place of an owner that nobody asked for."""

LARGEST_BATCH = 256
"""Processes that are looked at together once more."""

Observe = Callable[[Needs], Snapshot]

Which = str | Selection | None
"""What is meant: a person's word for logon sessions, a selection, or everything."""


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


def stream(
    broker: Broker, needs: Needs, which: Which = None, *, others: bool = False, pids: Iterator[int] | None = None
) -> View:
    """Return a view of a selection whose processes are read while it is iterated, as of the logins known before.

    A login without a kernel id that appears meanwhile is asked for once one of its processes turns up. With ``others``
    the processes that the caller may not see are there too, with what identifies them alone. With ``pids`` only those
    processes are read.
    """
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    before = observe(LOGINS)
    joined = join(before.logins)
    selection = select(which, joined)
    asked = _with_ownership(sight, joined, selection, login_uids(observe, selection, joined), strays=True)
    snapshot = _observed(observe, asked, pids)
    _report(snapshot, before)
    owned = _seen(sight, _learning(observe, before.logins, joined, snapshot.processes), others=others)
    return View(snapshot, joined, sight, _kept(which, selection, owned, snapshot))


def gather(broker: Broker, needs: Needs, which: Which = None, *, strays: bool = False) -> View:
    """Return a view of a selection, its processes read before their logins.

    With ``strays`` the caller's processes in logon sessions that the caller may not see are there too.
    """
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    joined = join(observe(LOGINS).logins)
    for _ in range(MOST_ROUNDS):
        asked = joined.cgroup_of
        selection = select(which, joined)
        uids = login_uids(observe, selection, joined)
        snapshot = observe(_with_ownership(sight, joined, selection, uids, strays=strays))
        processes = list(snapshot.processes)
        after = observe(LOGINS)
        _report(snapshot, after)
        joined = join(after.logins)
        if joined.cgroup_of <= asked:
            break
    owner = owners(joined)
    owned = _seen(sight, ((process, owner(process)) for process in processes))
    kept = list(_kept(which, select(which, joined), owned, snapshot))
    return View(snapshot._replace(processes=processes), joined, sight, kept)


def keyed(broker: Broker, needs: Needs, pids: frozenset[int], *, others: bool = False, unasked: bool = False) -> View:
    """Return a view of the processes with these pids; the id of a thread is that of no process.

    Their owners are ``unasked`` where nobody asks for them, and what the caller is told does not depend on them.
    """
    sight = limit(broker.caller, needs)
    unasked = unasked and sight.is_told(needs.process, others=others)
    asked = needs.process if unasked else sight.needs.process | {"ses", "cgroup"}
    snapshot = broker.source.observe(needs._replace(process=asked | {"tgid"}, pids=pids))
    found = [process for process in snapshot.processes if process.tgid in {None, process.pid}]
    if unasked:
        return View(snapshot, join(()), sight, list(_without_owners(sight, found)))
    owner = owners(join(logins_of(broker, *found)))
    owned = ((process, owner(process)) for process in found)
    return View(snapshot, join(()), sight, list(_seen(sight, owned, others=others)))


def unowned(broker: Broker, needs: Needs, pids: Iterator[int] | None = None, *, others: bool = False) -> View | None:
    """Return a view of processes whose owners nobody asks for; None where what the caller is told depends on them."""
    sight = limit(broker.caller, needs)
    if not sight.is_told(needs.process, others=others):
        return None
    snapshot = _observed(broker.source.observe, needs, pids)
    return View(snapshot, join(()), sight, _without_owners(sight, snapshot.processes))


def _without_owners(sight: Sight, processes: Iterable[Process]) -> Iterator[tuple[Process, Owner]]:
    shown = processes if sight.everything else map(sight.identity, processes)
    return ((process, UNASKED) for process in shown)


def _observed(observe: Observe, needs: Needs, pids: Iterator[int] | None) -> Snapshot:
    """Look at every process, or at those with these pids, which are taken while the processes are iterated."""
    if pids is None:
        return observe(needs)
    return observe(needs._replace(pids=NO_PROCESSES))._replace(processes=_in_batches(observe, needs, pids))


def _in_batches(observe: Observe, needs: Needs, pids: Iterator[int]) -> Iterator[Process]:
    size = 1  # the first comes at once
    while batch := frozenset(islice(pids, size)):
        yield from observe(needs._replace(pids=batch)).processes
        size = min(2 * size, LARGEST_BATCH)


def logins_of(broker: Broker, *processes: Process) -> tuple[Login, ...]:
    """Read the few login records that can speak for these processes; all of them only where those do not."""
    named: set[tuple[str | None, int | None]] = set()
    for process in processes:
        placed, kernel = login_of_cgroup(process.cgroup or ""), process.ses if process.ses != UNSET else None
        if placed or kernel or login_of_elogind(process.cgroup or ""):
            named.add((placed, kernel))
    if not named:
        return ()
    observe = broker.source.observe
    ids = frozenset(str(login_id) for both in named for login_id in both if login_id)
    few = observe(LOGINS._replace(login_ids=ids)).logins
    told = {(login.id, kernel_id(login)) for login in few}
    speak = all((str(kernel), kernel) in told if kernel else (placed, kernel) in told for placed, kernel in named)
    if speak and not any(map(is_manager, few)):  # a manager may have a session's record besides
        return few
    return observe(LOGINS).logins


def _report(snapshot: Snapshot, logins: Snapshot) -> None:
    """Add the troubles of reading the logins to those of reading the processes, each once."""
    snapshot.troubles.extend(trouble for trouble in logins.troubles if trouble not in snapshot.troubles)


def _with_ownership(
    sight: Sight, joined: Joined, selection: Selection, uids: frozenset[int] | None, *, strays: bool
) -> Needs:
    """Add what ownership asks for; a cgroup that only ownership asks for is read only where it decides."""
    needs = sight.needs
    cgroup_of = None if "cgroup" in needs.process else joined.cgroup_of
    whose = None if strays and not _names_sessions(selection) else sight.logged_in(uids)
    return needs._replace(
        process=needs.process | {"ses", "cgroup"},
        cgroup_of=cgroup_of,
        ses=kernel_ids(selection, joined),
        logged_in=None if whose is None else LoggedIn(whose, joined.cgroup_of),
    )


def _names_sessions(selection: Selection) -> bool:
    return selection.logon_ids is not None or selection.login_users is not None


def _kept(
    which: Which, selection: Selection, owned: Iterable[tuple[Process, Owner]], snapshot: Snapshot
) -> Iterable[tuple[Process, Owner]]:
    if not _names_sessions(selection):
        return owned
    keeps = keeper(selection, snapshot.accounts, to_the_letter=isinstance(which, str))
    return (pair for pair in owned if keeps(*pair))


def _seen(
    sight: Sight, owned: Iterable[tuple[Process, Owner]], *, others: bool = False
) -> Iterable[tuple[Process, Owner]]:
    return owned if sight.everything else _filtered(sight, owned, others=others)


def _filtered(sight: Sight, owned: Iterable[tuple[Process, Owner]], *, others: bool) -> Iterator[tuple[Process, Owner]]:
    for process, owner in owned:
        if sight.session(process, owner):
            yield sight.shown(process, owner), owner
        elif sight.process(process, owner):
            yield sight.unplaced(process), HIDDEN
        elif others:
            yield sight.identity(process), HIDDEN


def _learning(
    observe: Observe, logins: tuple[Login, ...], joined: Joined, processes: Iterable[Process]
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
