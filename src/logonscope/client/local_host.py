"""LocalHost: a host that is read in the caller's Python process; its operations are functions of the broker."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from logonscope.broker import Caller, Request
from logonscope.client.host import Host
from logonscope.machine import Deadline, Look, Ownership, Source

if TYPE_CHECKING:
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import ClassRows, Instance
    from logonscope.cim.schema import Schema
    from logonscope.client.watch import Watch
    from logonscope.machine.snapshot import Snapshot

SaveRecording = Callable[["Snapshot", str, bool], int]
"""Writes a snapshot to a path (True: replace an existing file), and returns the number of processes in it."""

OpenEvents = Callable[[], Source]
"""Opens a source of this machine that has events."""

BROKER_FUNCTIONS: Mapping[str, str] = {
    "sessions": "sessions.sessions", "tree": "sessions.tree", "processes": "session_processes.processes",
    "session_processes": "session_processes.read_pairs", "leftovers": "session_processes.leftovers",
    "services": "services.services", "whose": "whose.whose",
    "session_of": "whose.session_of", "doctor": "doctor.doctor",
    "history": "history.history", "past_processes": "history.past_processes",
    "verify_history": "history.verify_history", "forget_user": "history.forget_user",
    "record": "recording_contents.recordable_snapshot",
    "get": "instances.get", "enumerate": "instances.enumerate_instances", "query": "query.query",
    "explain": "explain.explain",
    "invoke": "invoke.invoke", "classes": "classes.classes", "get_class": "classes.get_class",
}  # fmt: skip
"""The broker's functions by operation, as MODULE.FUNCTION; imported on first use.

The operations associators, references and watch have methods or functions below instead. With a filter (``where``), the
function of the same name in filtered_logons.py is called, except for the operations of the history.
"""


class LocalHost(Host):
    """A host that is read in the caller's Python process: this machine, a recording, a folder or another source."""

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        caller: Caller,
        save: SaveRecording,
        open_events: OpenEvents | None = None,
    ) -> None:
        self._source, self._ownership, self._caller = source, ownership, caller
        self._save, self._open_events = save, open_events

    def __repr__(self) -> str:
        return f"<LocalHost {self._source.label} as {self._caller.name}>"

    def request(self, timeout: float | None = None) -> Request:
        """Return a request to this host.

        Args:
            timeout: seconds that the request may take; None: no limit.

        Raises:
            InvalidParameterError: the timeout is not greater than 0.
        """
        look = None if timeout is None else Look(Deadline(timeout))
        return Request(self._source, self._ownership, self._caller, look)

    def viewed_by(self, caller: Caller) -> "LocalHost":
        """Return the host as another caller sees it."""
        return LocalHost(self._source, self._ownership, caller, self._save, self._open_events)

    @property
    def sees_everything(self) -> bool:
        return self.request().sees_whole_host

    @property
    def hiding_reason(self) -> str | None:
        return self._source.hiding_reason()

    @property
    def schema(self) -> "Schema":
        return self.request().schema

    @property
    def moment(self) -> datetime:
        # The time is a fact of the source: a recording returns the time at which it was made.
        vitals = self.request().source.machine(Look(), frozenset({"vitals"})).vitals
        return super().moment if vitals is None else datetime.fromtimestamp(vitals.time / 1e6, UTC)

    def identify_machine(self) -> "HostIdentity":
        from logonscope.answers.host_identity import HostIdentity  # noqa: PLC0415 -- only formats of other tools need it

        return HostIdentity.from_machine(self.request().machine)

    def at(self, moment: datetime) -> "LocalHost":
        from logonscope.answers.filter_checks import check_time  # noqa: PLC0415 -- seldom needed
        from logonscope.broker.past import request_at  # noqa: PLC0415 -- seldom needed

        check_time("moment", moment)
        request = request_at(self.request(), moment)
        return LocalHost(request.source, self._ownership, request.caller, self._save)

    def close(self) -> None:
        self._source.close()

    def record(self, path: str, *, replace: bool = False) -> int:
        return self._save(self._perform("record"), path, replace)

    def _watch(self, *, timeout: float | None, events: Iterable[str] | None, **options: Any) -> "Watch":
        from logonscope.broker.subscription import WatchOptions, subscribe  # noqa: PLC0415 -- seldom needed
        from logonscope.client.watch import Watch, check_events  # noqa: PLC0415 -- seldom needed

        source = self._source
        close_source: Callable[[], object] | None = None
        if "events" not in source.abilities and self._open_events is not None:
            # a source of its own, which lasts as long as the watch
            source = self._open_events()
            close_source = source.close
        # the watch closes the source that was opened for it; if the watch cannot begin, the source is closed here
        try:
            request = Request(source, self._ownership, self._caller)
            subscription = subscribe(request, WatchOptions(**options, events=check_events(events)))
            return Watch(subscription, timeout, close_source)
        except BaseException:
            if close_source is not None:
                close_source()
            raise

    def _perform(self, operation: str, *, timeout: float | None = None, **arguments: Any) -> Any:
        if "namespace" in arguments:
            from logonscope.client.argument_check import check_arguments  # noqa: PLC0415 -- for classes and instances only

            check_arguments({"timeout": timeout, **arguments})
        if operation == "watch":
            return self._watch(timeout=timeout, **arguments)
        if operation == "whose" and ":" in arguments["target"]:
            from logonscope.client.service_names import with_port  # noqa: PLC0415 -- rarely used

            arguments["target"] = with_port(arguments["target"])
        request = self.request(timeout)
        if operation in {"associators", "references"}:
            return _to_instances(request, _follow_associations(request, operation, **arguments))
        module, _, function = BROKER_FUNCTIONS[operation].partition(".")
        # The filtered operations are in a module of their own, so that requests without a filter do not import it.
        if "where" in arguments and module != "history":
            module = "filtered_logons"
        answer = getattr(import_module(f"logonscope.broker.{module}"), function)(request, **arguments)
        if operation == "get":
            return next(_to_instances(request, iter((answer,))))
        return _to_instances(request, answer) if operation in {"enumerate", "query"} else answer


def _follow_associations(
    request: Request, operation: str, *, path: str, namespace: str | None, **options: Any
) -> Iterator["ClassRows"]:
    from logonscope.broker.associations import AssociationOptions, associators, references  # noqa: PLC0415 -- large and rarely used

    follow = associators if operation == "associators" else references
    return follow(request, path, AssociationOptions(**options), namespace)


def _to_instances(request: Request, results: "Iterator[ClassRows | Class]") -> "Iterator[Instance | Class]":
    from logonscope.cim.instances import iterate_instances  # noqa: PLC0415 -- operations on logon sessions need no classes

    return iterate_instances(results, request.host_name)
