"""Live source: answers about all processes from the index, about single ones from /proc, and remembers logins.

Before an answer the events that the kernel has queued are read. Where that takes too long, or there are no events,
everything is read from /proc, and only the logins are remembered.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from logonscope.answers.check import Check
from logonscope.facts import (
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
    Part,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    Source,
)
from logonscope.sources.differences import DifferenceFeed
from logonscope.sources.live.detail_feed import KernelDetailFeed
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


class LiveSource(BaseSource):
    """The source of this machine, kept true by kernel events."""

    def __init__(self, host: LiveHost, log_root: str = "/") -> None:
        """Create a source of a started host; login programs log below ``log_root``."""
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
        """Return the state of the events."""
        return self._host.status

    @property
    def subscribers(self) -> int:
        """Return the number of readers of events."""
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
        # a keyed query costs no more from /proc, which has the last word
        if query.pids is not None or query.with_ancestors:
            return self._direct.processes(look, query)
        index = self._index(look)
        if index is None:
            return self._direct.processes(look, query)
        early, kernel_ids = query.early_filter, query.logon_hint.kernel_ids
        is_held = query.facts <= HELD_FACTS and query.names is None and query.may_run_as is None
        if not is_held and kernel_ids is None and (early is None or not early.facts <= HELD_FACTS):
            return self._direct.processes(look, query)
        known, unknown_pids = self._held_processes(index, kernel_ids)
        if early is not None and early.facts <= HELD_FACTS:
            known = filter(early.keeps, known)
        hint = query.logon_hint
        matching = [process for process in look.checked(known) if hint.may_match(process.ses, process.loginuid)]
        pids = frozenset(unknown_pids)
        if is_held:
            # a process whose logon is not known is read like any other
            return self._with_read(look, query, matching, pids)
        return self._direct.processes(look, query._replace(pids=pids.union(process.pid for process in matching)))

    def memberships(self, look: Look, query: ProcessQuery) -> Iterator[Membership]:
        index = self._index(look)
        if index is None:
            return self._direct.memberships(look, query)
        kernel_ids = query.logon_hint.kernel_ids
        with self._host.locked:
            memberships = index.memberships(None if kernel_ids is None else [*kernel_ids, None])
            has_unknown = bool(index.places.of_kernel_id(None))
        if has_unknown:
            unknown_pids = frozenset(pid for pid, kernel_id, _ in memberships if kernel_id is None)
            known = [membership for membership in memberships if membership[1] is not None]
            read = self._direct.processes(look, query._replace(pids=unknown_pids)) if unknown_pids else ()
            memberships = [*known, *((process.pid, process.ses, process.cgroup) for process in read)]
        return look.checked(memberships)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        self._index(look)
        logins = self._host.logins(look)
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

    def events(self, since: int | None = None) -> "Iterator[Event]":
        return self._stream.events(since)

    def event_reader(self, since: int | None = None) -> RingReader:
        return self._hub.reader(since)

    def at(self, moment: datetime) -> Source:
        return self._direct.at(moment)

    def hiding_reason(self) -> str | None:
        return self._direct.hiding_reason()

    def checks(self, look: Look) -> Iterator[Check]:
        yield from self._direct.checks(look)
        yield from describe_status(self._host.status)
        yield self._stream.login_reports.check()

    def close(self) -> None:
        self._hub.close()
        self._stream.close()
        self._host.close()
        self._direct.close()

    def _open_detail_feed(self) -> DetailFeed:
        """Return the best feed of events with details."""
        if self._host.status.rung is None:
            return DifferenceFeed(self._direct, self._host.ownership)
        return KernelDetailFeed(self._stream, self._host.ownership)

    def _index(self, look: Look) -> LiveIndex | None:
        """Return the index with all events until now, once for each request; None: /proc must be read."""
        return look.read_once((self, "index"), partial(self._host.drain))

    def _held_processes(
        self, index: LiveIndex, kernel_ids: frozenset[int] | None
    ) -> tuple[Iterator[Process], list[int]]:
        """Return processes with the facts that the index holds, and the pids of those whose logon is not known."""
        with self._host.locked:
            if kernel_ids is None:
                entries = list(index.entries.values())
            else:
                entries = [index.entries[pid] for pid, _, _ in index.memberships([*kernel_ids, None])]
        known = (
            Process(
                entry.pid, ses=entry.place.ses, loginuid=entry.place.loginuid, cgroup=entry.place.cgroup,
                ppid=entry.parent, start=entry.start,
            )
            for entry in entries
            if entry.place.is_known
        )  # fmt: skip
        return known, [entry.pid for entry in entries if not entry.place.is_known]

    def _with_read(
        self, look: Look, query: ProcessQuery, known: list[Process], pids: frozenset[int]
    ) -> Iterator[Process]:
        yield from known
        if pids:
            yield from self._direct.processes(look, query._replace(pids=pids))


def describe_status(status: Status) -> Iterator[Check]:
    """Yield the checks of ``doctor`` about events: how they are got, and how many were lost."""
    if status.rung is None:
        yield Check(
            "live", False if status.is_set_up else None,
            f"no kernel events: {status.failure}; /proc is read for every answer, logins are remembered",
            "start logonscope-events.service, or run the service as root in the initial pid namespace",
        )  # fmt: skip
        return
    counts = status.counts
    finding = f"{status.rung.name} ({'; '.join(status.rung.refused)})"
    yield Check("live", True if "fanotify" in status.rung.name else None, finding, "")
    swept = "not compared with /proc yet"
    if status.sweep_seconds is not None:
        swept = f"compared with /proc every {status.sweep_seconds:.0f} s of activity, {counts.mended} differences"
    finding = (
        f"{status.processes} processes, {swept}; events lost {counts.losses} times,"
        f" {counts.logons_not_determined} logons not determined"
    )
    figures = {
        "processes": status.processes, "losses": counts.losses, "mended": counts.mended,
        "logons_not_determined": counts.logons_not_determined,
    }  # fmt: skip
    yield Check("live events", None if counts.losses else True, finding, "", figures)
