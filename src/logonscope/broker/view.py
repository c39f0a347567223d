"""What does this caller see of this machine? Every operation goes through here: needs in, owned processes out.

Three orders of reading. ``stream`` reads logins first and processes while they are iterated: for rows that are
processes. ``gather`` reads processes first: for rows that are logon sessions, so that none lacks its login record.
``keyed`` reads the processes with these pids, and the few logins that can speak for them: what it costs does not grow
with the host.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from logonscope.broker.access import Caller, Sight, limit
from logonscope.broker.selection import keeper, kernel_ids, login_uids, select
from logonscope.facts import UNSET, Login, Process
from logonscope.machine import NO_PROCESSES, LoggedIn, Needs, Owner, Selection, Sieve, Snapshot, Source
from logonscope.ownership import SYSTEM, Joined, join, login_of_cgroup, login_of_elogind, owners
from logonscope.ownership.join import is_manager, kernel_id

LOGINS = Needs(pids=NO_PROCESSES, logins=True)
MOST_ROUNDS = 3
"""How often gather reads again because logins began to share a kernel id while it was reading."""

OWNING = frozenset({"ses", "cgroup"})
"""The facts that decide which logon session owns a process."""

UNASKED = Owner(None, "unasked")
"""In place of an owner that nobody asked for."""

Observe = Callable[[Needs], Snapshot]
Owned = tuple[Process, Owner]
"""A process and its owner."""

Which = str | Selection | None
"""What is meant: a person's word for logon sessions, a selection, or everything."""


class Question(NamedTuple):
    """What decides whether a process is wanted at all: facts, perhaps its owner, and what tells by them.

    It is asked of what the caller is told of a process, before the rest of it is read.
    """

    facts: frozenset[str]
    of_owner: bool
    fits: Callable[[Process, Owner], bool]


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
    broker: Broker, needs: Needs, which: Which = None, *, others: bool = False, question: Question | None = None
) -> View:
    """Return a view of a selection whose processes are read while it is iterated, as of the logins known before.

    A login without a kernel id that appears meanwhile is asked for once one of its processes turns up. With ``others``
    the processes that the caller may not see are there too, with what identifies them alone. What a ``question``
    rules out may be left out.
    """
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    before = observe(LOGINS)
    joined = join(before.logins)
    selection = select(which, joined)
    owner = _Owners(observe, before.logins, joined)
    keeps = _keeper(which, selection, before)

    def seen(process: Process) -> Owned | None:
        pair = sight.seen(process, owner.of(process), others=others)
        return None if pair is None or not (keeps is None or keeps(*pair)) else pair

    asked = _with_ownership(sight, joined, selection, login_uids(observe, selection, joined), strays=True)
    asked = asked._replace(sieve=_sieve(broker.caller, question, seen, others=others, narrowed=keeps is not None))
    snapshot = observe(asked)
    _report(snapshot, before)
    plain = sight.everything and keeps is None
    owned = owner.pairs(snapshot.processes) if plain else filter(None, map(seen, snapshot.processes))
    return View(snapshot, joined, sight, owned)


def gather(broker: Broker, needs: Needs, which: Which = None, *, strays: bool = False) -> View:
    """Return a view of a selection, its processes read before their logins.

    With ``strays`` the caller's processes in logon sessions that the caller may not see are there too.
    """
    observe = broker.source.observe
    sight = limit(broker.caller, needs)
    before = observe(LOGINS)
    joined = join(before.logins)
    for _ in range(MOST_ROUNDS):
        asked = joined.cgroup_of
        selection = select(which, joined)
        uids = login_uids(observe, selection, joined)
        keeps = _keeper(which, selection, before)
        sieve = None if keeps is None else Sieve(OWNING, _may_be_kept(keeps, owners(joined)))
        snapshot = observe(_with_ownership(sight, joined, selection, uids, strays=strays)._replace(sieve=sieve))
        processes = list(snapshot.processes)
        after = observe(LOGINS)
        _report(snapshot, after)
        joined = join(after.logins)
        if joined.cgroup_of <= asked:
            break
    owner = owners(joined)
    owned = (sight.seen(process, owner(process)) for process in processes)
    keeps = _keeper(which, select(which, joined), snapshot)
    kept = [pair for pair in owned if pair is not None and (keeps is None or keeps(*pair))]
    return View(snapshot._replace(processes=processes), joined, sight, kept)


def _may_be_kept(
    keeps: Callable[[Process, Owner], bool], owner: Callable[[Process], Owner]
) -> Callable[[Process], bool]:
    """Return what tells whether a process may be kept once all logins are known, with those that are known before."""

    def may_be(process: Process) -> bool:
        found = owner(process)
        return keeps(process, found) or (found is SYSTEM and login_of_cgroup(process.cgroup or "") is not None)

    return may_be


def keyed(broker: Broker, needs: Needs, pids: frozenset[int], *, others: bool = False, unasked: bool = False) -> View:
    """Return a view of the processes with these pids; the id of a thread is that of no process.

    Their owners are ``unasked`` where nobody asks for them, and what the caller is told does not depend on them.
    """
    sight = limit(broker.caller, needs)
    unasked = unasked and sight.is_told(needs.process, others=others)
    asked = needs.process if unasked else sight.needs.process | OWNING
    snapshot = broker.source.observe(needs._replace(process=asked | {"tgid"}, pids=pids))
    found = [process for process in snapshot.processes if process.tgid in {None, process.pid}]
    if unasked:
        return View(snapshot, join(()), sight, list(_without_owners(sight, found)))
    owner = owners(join(logins_of(broker, *found)))
    owned = (sight.seen(process, owner(process), others=others) for process in found)
    return View(snapshot, join(()), sight, list(filter(None, owned)))


def unowned(broker: Broker, needs: Needs, *, others: bool = False, question: Question | None = None) -> View | None:
    """Return a view of processes whose owners nobody asks for; None where what the caller is told depends on them."""
    sight = limit(broker.caller, needs)
    if not sight.is_told(needs.process, others=others):
        return None
    sieve = None if question is None else _free_sieve(sight, question)
    snapshot = broker.source.observe(needs._replace(sieve=sieve))
    return View(snapshot, join(()), sight, _without_owners(sight, snapshot.processes))


def _without_owners(sight: Sight, processes: Iterable[Process]) -> Iterator[tuple[Process, Owner]]:
    shown = processes if sight.everything else map(sight.identity, processes)
    return ((process, UNASKED) for process in shown)


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
    whose = None if strays and not selection.names_sessions else sight.logged_in(uids)
    return needs._replace(
        process=needs.process | OWNING,
        cgroup_of=cgroup_of,
        ses=kernel_ids(selection, joined),
        logged_in=None if whose is None else LoggedIn(whose, joined.cgroup_of),
    )


def _keeper(which: Which, selection: Selection, known: Snapshot) -> Callable[[Process, Owner], bool] | None:
    """Return what tells whether a logon session is meant; None where any is."""
    if not selection.names_sessions:
        return None
    return keeper(selection, known.accounts, to_the_letter=isinstance(which, str))


def _sieve(
    caller: Caller,
    question: Question | None,
    seen: Callable[[Process], Owned | None],
    *,
    others: bool,
    narrowed: bool,
) -> Sieve | None:
    """Return what decides half way: the question, asked with the owner only where that matters, and what narrows."""
    if question is None and not narrowed:
        return None
    facts = question.facts if question else frozenset()
    sight = limit(caller, Needs(process=facts))
    if question and not (narrowed or question.of_owner) and sight.is_told(facts, others=others):
        return _free_sieve(sight, question)

    def keeps(process: Process) -> bool:
        pair = seen(process)
        return pair is not None and (question is None or question.fits(*pair))

    return Sieve(sight.needs.process | OWNING, keeps)


def _free_sieve(sight: Sight, question: Question) -> Sieve:
    """Return what decides half way where the answer does not depend on who owns a process."""
    fits, shown = question.fits, sight.identity
    if sight.everything:
        return Sieve(question.facts, lambda process: fits(process, UNASKED))
    return Sieve(question.facts, lambda process: fits(shown(process), UNASKED))


class _Owners:
    """Names the owner of each process; looks a login up when a process lies in the place of one not known yet."""

    def __init__(self, observe: Observe, logins: tuple[Login, ...], joined: Joined) -> None:
        self._observe = observe
        self._known = {login.id: login for login in logins}
        self._asked: set[str] = set()
        self._decide = owners(joined)

    def of(self, process: Process) -> Owner:
        """Return the owner of a process."""
        found = self._decide(process)
        return self._learned(process) if found is SYSTEM else found

    def pairs(self, processes: Iterable[Process]) -> Iterator[Owned]:
        """Yield each process with its owner."""
        for process in processes:
            found = self._decide(process)
            yield process, self._learned(process) if found is SYSTEM else found

    def _learned(self, process: Process) -> Owner:
        """Return the owner of a process that is the system's, as far as is known."""
        cgroup = process.cgroup or ""
        login_id = login_of_cgroup(cgroup) if cgroup.startswith("/user.slice/") else None
        if login_id is None or login_id in self._asked:
            return SYSTEM
        self._asked.add(login_id)
        new = self._observe(LOGINS._replace(login_ids=frozenset({login_id}))).logins
        if not new:
            return SYSTEM
        self._known.update({login.id: login for login in new})
        self._decide = owners(join(self._known.values()))
        return self._decide(process)
