"""Live source: the source of `logonscope serve`. It keeps an index of all processes, and remembers logins.

A query for all processes that needs only HELD_FACTS is answered from the index. If it needs other facts, the index can
select the processes whose files are read. Queries by pid are answered from /proc.

Before the source uses the index, it reads the events that the kernel has queued. The index is not used at all if there
are no kernel events, if events were lost, if reading them takes too long, or if writes to login uids cause no events
(because fanotify is not available).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from logonscope.answers.check import Check
from logonscope.facts import (
    UNSET,
    Account,
    Authentication,
    Group,
    HeldSockets,
    Login,
    LoginHistory,
    Machine,
    Process,
    Service,
    Socket,
    UnitRequest,
)
from logonscope.machine import (
    NO_PARTS,
    AccountQuery,
    AuthenticationQuery,
    BaseSource,
    Look,
    Membership,
    MembershipGroup,
    Part,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    Source,
)
from logonscope.machine.source import groups_of_processes
from logonscope.sources.differences import DifferenceFeed
from logonscope.sources.live.detail_feed import KernelDetailFeed
from logonscope.sources.live.entries import Place
from logonscope.sources.live.host import LiveHost, Status
from logonscope.sources.live.hub import DetailFeed, EventHub
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.login_reports import LoginReports
from logonscope.sources.live.ring import RingReader
from logonscope.sources.live.stream import EventStream

if TYPE_CHECKING:
    from logonscope.machine.action import Action, ServiceAction
    from logonscope.machine.events import Event

HELD_FACTS = frozenset({"ses", "cgroup", "loginuid", "ppid", "start"})
"""Facts of processes that the index holds."""

START_EVENTS = "start logonscope-events.service, or run the service as root in the initial pid namespace"
"""What to do to get kernel events."""

MAX_GROUP = 512
"""Maximum number of processes in a membership group: the deadline is checked between two groups."""


class LiveSource(BaseSource):
    """The source of this machine, kept up to date by kernel events."""

    def __init__(self, host: LiveHost, log_root: str = "/") -> None:
        """Create a source of a started host; ``log_root`` is the root directory below which login programs log."""
        self._host, self._direct = host, host.direct
        self.label = host.direct.label
        self.partial = host.direct.partial
        self.abilities = host.direct.abilities | {"events"}
        self._stream = EventStream(host, log_root)
        self._hub = EventHub(self._open_detail_feed)

    @property
    def direct(self) -> Source:
        """Return the source that reads the machine itself."""
        return self._direct

    @property
    def status(self) -> Status:
        """Return the status of the live host, as ``doctor`` shows it."""
        return self._host.status

    @property
    def subscribers(self) -> int:
        """Return the number of readers of the stream.

        All readers of events with details share one reader of the stream. Without kernel events, they use none.
        """
        return self._host.subscribers

    @property
    def login_reports(self) -> LoginReports:
        """Return the reader of what login programs log."""
        return self._stream.login_reports

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        return self._direct.machine(look, parts)

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        return self._direct.machine(look, parts)

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        # a query by pid costs no more from /proc than from the index; and if these differ, /proc is right
        if query.pids is not None or query.with_ancestors:
            return self._direct.processes(look, query)
        index = self._index(look)
        if index is None:
            return self._direct.processes(look, query)
        early_filter, kernel_ids = query.early_filter, query.logon_hint.kernel_ids
        needs_only_index = query.facts <= HELD_FACTS and query.names is None and query.may_run_as is None
        if (
            not needs_only_index
            and kernel_ids is None
            and (early_filter is None or not early_filter.facts <= HELD_FACTS)
        ):
            return self._direct.processes(look, query)
        held_processes, unknown_pids = self._held_processes(look, index, query)
        if early_filter is not None and early_filter.facts <= HELD_FACTS:
            held_processes = filter(early_filter.keeps, held_processes)
        hint = query.logon_hint
        matching = [
            process for process in look.checked(held_processes) if hint.may_match(process.ses, process.loginuid)
        ]
        pids = frozenset(unknown_pids)
        if needs_only_index:
            # the processes whose logon the index does not know are read from /proc
            return self._held_and_read(look, query, matching, pids)
        return self._direct.processes(look, query._replace(pids=pids.union(process.pid for process in matching)))

    def memberships(self, look: Look, query: ProcessQuery) -> Iterator[Membership]:
        index = self._index(look)
        if index is None:
            return self._direct.memberships(look, query)
        groups = self.membership_groups(look, query)
        return ((pid, kernel_id, cgroup) for kernel_id, cgroup, pids in groups for pid in look.checked(pids))

    def membership_groups(self, look: Look, query: ProcessQuery) -> Iterator[MembershipGroup]:
        index = self._index(look)
        if index is None:
            return self._direct.membership_groups(look, query)
        with self._host.locked:
            places = self._places(look, index, query)
            groups = [(place.ses, place.cgroup, [*place.pids]) for place in places]
            unindexed_pids = frozenset(_pids_without_entry(index))
        held_groups = (
            (kernel_id, cgroup, pids[begin : begin + MAX_GROUP])
            for kernel_id, cgroup, pids in groups
            if kernel_id is not None and cgroup is not None
            for begin in range(0, len(pids), MAX_GROUP)
        )
        unknown_pids = unindexed_pids.union(
            pid for kernel_id, cgroup, pids in groups if kernel_id is None or cgroup is None for pid in pids
        )
        if not unknown_pids:
            return look.checked(held_groups)
        read_groups = groups_of_processes(self._direct.processes(look, query._replace(pids=unknown_pids)))
        return look.checked(chain(held_groups, read_groups))

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        self._index(look)
        logins = self._host.logins(look, ids)
        return logins if ids is None else [login for login in logins if login.id in ids]

    def account(self, look: Look, uid: int) -> Account | None:
        return self._direct.account(look, uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        return self._direct.accounts(look, query)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        return self._direct.sockets(look, query)

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        return self._direct.held_sockets(look, pids)

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> Sequence[Authentication]:
        return self._direct.authentications(look, queries)

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        return self._direct.services(look, query)

    def login_history(self, look: Look) -> Iterator[LoginHistory]:
        return self._direct.login_history(look)

    def unit_requests(self, look: Look) -> Iterator[UnitRequest]:
        return self._direct.unit_requests(look)

    def act(self, action: "Action") -> None:
        self._direct.act(action)

    def act_on_service(self, action: "ServiceAction") -> None:
        self._direct.act_on_service(action)

    def events(self, after: int | None = None) -> "Iterator[Event]":
        return self._stream.events(after)

    def event_reader(self, after: int | None = None) -> RingReader:
        return self._hub.reader(after)

    def resumed_reader(self, position: int) -> RingReader | None:
        return self._hub.resumed_reader(position)

    def at(self, moment: datetime) -> Source:
        return self._direct.at(moment)

    def hiding_reason(self) -> str | None:
        return self._direct.hiding_reason()

    def checks(self, look: Look) -> Iterator[Check]:
        yield from self._direct.checks(look)
        yield from describe_status(self._host.status)
        yield self._stream.login_reports.check()

    def has_kernel_events(self) -> bool:
        """Return whether events come from the kernel now."""
        return self._host.status.event_source is not None

    def check_history(self) -> Iterator[Check]:
        """Yield a check for ``doctor`` if a history of this source lacks events, because no kernel events come."""
        if not self.has_kernel_events():
            finding = "no kernel events: /proc is compared every minute, and what begins and ends in between is missing"
            yield Check("history: events", False, finding, START_EVENTS)

    def close(self) -> None:
        self._hub.close()
        self._stream.close()
        self._host.close()
        self._direct.close()

    def _open_detail_feed(self) -> DetailFeed:
        """Return the best feed of events with details."""
        if self._host.status.event_source is None:
            return DifferenceFeed(self._direct, self._host.ownership)
        return KernelDetailFeed(self._stream, self._host.ownership)

    def _index(self, look: Look) -> LiveIndex | None:
        """Return the index, updated at the first call for this request; None: /proc must be read."""
        return look.read_once((self, "index"), partial(self._host.drain))

    def _places(self, look: Look, index: LiveIndex, query: ProcessQuery) -> Iterable[Place]:
        """Return at least the places of the logon sessions that a query needs, and those whose logon is not known."""
        hint, places = query.logon_hint, index.places
        if hint.kernel_ids is None:
            return places
        if hint.logon_ids is None or index is not self._host.index:
            return [place for kernel_id in (*hint.kernel_ids, None) for place in places.of_kernel_id(kernel_id)]
        # Most processes have no kernel id. Of their places, only those are returned that belong to a requested logon
        # session, or whose logon is not known.
        owners, needed = self._host.owners(look), dict[Place, None]()
        for kernel_id in hint.kernel_ids - {UNSET}:
            needed.update(dict.fromkeys(places.of_kernel_id(kernel_id)))
        if owners is not None:
            needed.update(dict.fromkeys(owners.places((*hint.logon_ids, None))))
        return needed

    def _held_processes(self, look: Look, index: LiveIndex, query: ProcessQuery) -> tuple[Iterator[Process], list[int]]:
        """Return processes with the facts that the index holds, and the pids of processes whose logon is not known."""
        with self._host.locked:
            unindexed_pids = _pids_without_entry(index)
            if query.logon_hint.kernel_ids is None:
                entries = list(index.entries.values())
            else:
                entries = [index.entries[pid] for place in self._places(look, index, query) for pid in place.pids]
        held_processes = (
            Process(
                entry.pid, ses=entry.place.ses, loginuid=entry.place.loginuid, cgroup=entry.place.cgroup,
                ppid=entry.parent, start=entry.start,
            )
            for entry in entries
            if entry.place.is_known
        )  # fmt: skip
        return held_processes, [*unindexed_pids, *(entry.pid for entry in entries if not entry.place.is_known)]

    def _held_and_read(
        self, look: Look, query: ProcessQuery, processes: list[Process], pids: frozenset[int]
    ) -> Iterator[Process]:
        yield from processes
        if pids:
            yield from self._direct.processes(look, query._replace(pids=pids))


def _pids_without_entry(index: LiveIndex) -> set[int]:
    """Return the pids of processes that are not in the index, because their reading hung."""
    # "unread - entries.keys()" would walk through all entries, for every answer
    return {pid for pid in index.unread if pid not in index.entries}


def describe_status(status: Status) -> Iterator[Check]:
    """Yield the checks of ``doctor`` about events: where they come from, and how often events were lost."""
    if status.event_source is None:
        yield Check(
            "live", False if status.is_set_up else None,
            f"no kernel events: {status.failure}; /proc is read for every answer, logins are remembered",
            START_EVENTS,
        )  # fmt: skip
        return
    counts = status.counts
    finding = f"{status.event_source.name} ({'; '.join(status.event_source.refused)})"
    yield Check("live", True if "fanotify" in status.event_source.name else None, finding, "")
    comparison = "not compared with /proc yet"
    if status.sweep_seconds is not None:
        interval = "second" if status.sweep_seconds < 1 else f"{status.sweep_seconds:.0f} s"
        comparison = f"compared with /proc every {interval} of activity, {counts.mended} differences"
    finding = (
        f"{status.processes} processes, {comparison}; events lost {counts.losses} times,"
        f" {counts.logons_not_determined} logons not determined"
    )
    if status.unread:
        finding += f"; {status.unread} processes whose reading hangs are read again later"
    figures = {
        "processes": status.processes, "losses": counts.losses, "mended": counts.mended,
        "logons_not_determined": counts.logons_not_determined, "unread": status.unread,
    }  # fmt: skip
    yield Check("live events", None if counts.losses else True, finding, "", figures)
