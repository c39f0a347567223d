"""The dispatcher: runs the requests of all doors, between decoding and rendering by the door."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from logonscope.broker import Caller, Request
from logonscope.broker.access import check_may_act
from logonscope.broker.past import request_at
from logonscope.broker.subscription import Subscription
from logonscope.broker.view_as import view_as
from logonscope.cim.paths import ObjectPath
from logonscope.dispatch.audit import BEGUN, Audit
from logonscope.dispatch.enumerations import Enumeration, Enumerations, Rows
from logonscope.dispatch.methods import TERMINATE, is_read_only_method, parse_object_path, record_nothing
from logonscope.dispatch.operation import UNDECODED, DecodeError, Door, Limits, Operation, Reply
from logonscope.dispatch.operations import OPERATIONS, OperationRow
from logonscope.dispatch.pushes import EventPush, PushPolicy
from logonscope.dispatch.subscriptions import EventPull, NewSubscription, OpenSubscription
from logonscope.dispatch.watches import Watches, WatchKind, WatchResults, WatchStream
from logonscope.errors import (
    AccessDeniedError,
    AnswerTooLargeError,
    EnumerationNotFoundError,
    InternalError,
    LogonscopeError,
    NotSupportedError,
)
from logonscope.machine import Deadline, Look, Ownership, Source

SUBSCRIPTION_SECONDS = 3600.0
"""Maximum seconds of the remaining lifetime of a subscription, unless the server sets another maximum."""

NO_PUSH = PushPolicy()
"""The default: events are sent to no address."""

_log = logging.getLogger(__name__)


class ReceivedRequest(NamedTuple):
    """A request as received: its bytes, its caller (None: not authenticated), and the address of the client."""

    body: bytes
    caller: Caller | None
    peer: str = ""
    content_type: str = ""
    path: str = ""
    headers: Mapping[str, str] = {}


class Answer(NamedTuple):
    """The response to a request: HTTP status, content type and body; for the metrics, operation and number of rows.

    ``rest`` is one of three things. A stream makes the further parts of the body. An event pull makes the whole body
    later: when there are events, or when the time of the pull is over. A push begins after this response. None: the
    body is complete, and nothing follows it.
    """

    status: int
    content_type: str
    body: bytes
    operation: str = ""
    items: int = 0
    rest: "Rest | None" = None


class Dispatcher:
    """Answers the requests of all doors from one source; its calls block, and may come from many threads.

    Call ``close()`` when the server stops.
    """

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        enumerations: Enumerations,
        limits: Limits,
        *,
        allow_methods: bool = False,
        audit: Audit | None = None,
        subscription_seconds: float = SUBSCRIPTION_SECONDS,
        push_policy: PushPolicy = NO_PUSH,
    ) -> None:
        """Create the dispatcher.

        Args:
            source: the source of the host.
            ownership: the ownership rules of that host.
            enumerations: the table of open enumerations.
            limits: the limits of one answer.
            allow_methods: whether methods that change something may be run.
            audit: the audit log; None: there is none.
            subscription_seconds: the maximum of the remaining lifetime of a subscription.
            push_policy: the addresses to which events may be sent.
        """
        self.source, self.ownership = source, ownership
        self.enumerations, self.limits = enumerations, limits
        self.allow_methods, self.audit = allow_methods, audit
        self.watches, self._subscription_seconds, self._push_policy = Watches(), subscription_seconds, push_policy

    def __repr__(self) -> str:
        methods = "on" if self.allow_methods else "off"
        return f"<Dispatcher of {self.source.label}, methods {methods}, {self.enumerations!r}>"

    def close(self) -> None:
        """End all open enumerations and watches, and the requests that are reading rows of an open enumeration."""
        self.enumerations.close()
        self.watches.close()

    def request(self, caller: Caller, deadline: Deadline | None = None) -> Request:
        """Return a new request of a caller to the broker; the server creates such requests only here."""
        return Request(self.source, self.ownership, caller, Look(deadline))

    def answer(self, door: Door, received: ReceivedRequest, deadline: Deadline) -> Answer:
        """Answer one request.

        Args:
            door: the protocol of the request.
            received: the request, as received.
            deadline: the deadline of the answer. When the operation begins, this method sets it to the server's limit,
                or to the client's timeout if that is shorter. Cancel it when the client disconnects.
        """
        operation: Operation | None = None
        try:
            operation = door.decode(received.body, received.content_type, received.path, received.headers)
            reply, result = self._reply(door, operation, received, deadline)
            rest: Rest | None = None
            if isinstance(result, WatchStream | EventPull | EventPush):
                rest = result
            elif reply.continues and result is not None:
                rest = AnswerStream(self, door, operation, result)
            return Answer(reply.status, reply.content_type, reply.body, operation.label, reply.items, rest)
        except DecodeError as error:
            operation = error.operation
            reply = door.fault(error.error, operation, self._host(received))
        except LogonscopeError as error:
            reply = door.fault(error, operation, self._host(received))
        except Exception:  # noqa: BLE001 -- a programming error: the client gets a fault, the log has the traceback
            _log.exception("internal error in a request")
            reply = door.fault(InternalError("internal error", "see the server's log"), operation)
        label = UNDECODED if operation is None else operation.label
        return Answer(reply.status, reply.content_type, reply.body, label, reply.items)

    def _reply(
        self, door: Door, operation: Operation, received: ReceivedRequest, deadline: Deadline
    ) -> tuple[Reply, "Enumeration | WatchStream | EventPull | EventPush | None"]:
        """Run an operation and render its answer, within the limits.

        Also return the object that makes the further parts of the answer, makes the answer later, or pushes events.
        None: nothing follows the answer.
        """
        limits = self.limits.narrowed_by(operation)
        result = self._run(operation, received, deadline, limits.seconds)
        # A new enumeration, or one that a pull continues: its rows are read while the door renders them.
        if isinstance(result, Enumeration):
            return self._render_rows(door, operation, result, limits, deadline), result
        if isinstance(result, Subscription):
            return self._start_watch(door, operation, result, limits)
        if isinstance(result, NewSubscription):
            return self._keep_subscription(door, operation, result, limits)
        if isinstance(result, OpenSubscription):
            return self._start_pull(door, operation, result, limits)
        reply = door.render(operation, result, limits.octets)
        _check_size(reply, limits)
        return reply, None

    def _keep_subscription(
        self, door: Door, operation: Operation, new_subscription: NewSubscription, limits: Limits
    ) -> tuple[Reply, EventPush | None]:
        """Add a subscription to the tables, and render its id.

        Also return the push that delivers its events; None: the client pulls them.
        """
        subscription = new_subscription.subscription
        context = OpenSubscription(
            self.watches, subscription, self._subscription_seconds, new_subscription.heartbeat_seconds
        )
        context.bind_door(door)
        try:
            if new_subscription.push_urls:
                self._push_policy.check(context.caller, new_subscription.push_urls)
            self.enumerations.add(context, new_subscription.seconds)
            self.watches.add(subscription, WatchKind(door.name, new_subscription.mode))
            reply = door.render(operation, context, limits.octets)
        except BaseException:
            self.enumerations.remove(context.id)
            context.close()
            raise
        if context.channel is None:
            return reply, None
        return reply, EventPush((self.enumerations, self.watches), context, context.channel, limits)

    def _start_pull(
        self, door: Door, operation: Operation, context: OpenSubscription, limits: Limits
    ) -> tuple[Reply, EventPull | None]:
        """Return the available events; if there are none, an empty answer, and the pull that waits for events."""
        if context.channel is not None:
            raise EnumerationNotFoundError("the events of this subscription are sent, not pulled", "subscribe to pull")
        pull = EventPull((self.enumerations, self.watches), door, operation, context, limits)
        # the caller of this request has just authenticated
        pull.is_allowed = _always
        reply = pull.next_reply(self.request(context.caller).host_name)
        return (Reply(0, "", b""), pull) if reply is None else (reply, None)

    def _start_watch(
        self, door: Door, operation: Operation, subscription: Subscription, limits: Limits
    ) -> tuple[Reply, WatchStream]:
        """Return the first part of a watch, which has no event yet, and the stream of the other parts."""
        # subscriptions of WS-Management count as watches of the caller, too: expired ones must not count
        self.enumerations.remove_expired()
        try:
            self.watches.add(subscription, WatchKind(door.name, "Stream"))
        except LogonscopeError:
            subscription.close()
            raise
        host = self.request(subscription.caller).host_name
        reply = door.render(operation, WatchResults((), host), limits.octets)
        return reply, WatchStream(self.watches, door, operation, subscription, limits=limits, host=host)

    def continue_answer(self, door: Door, operation: Operation, enumeration: Enumeration, deadline: Deadline) -> Reply:
        """Render the next part of a stream.

        Raises:
            LogonscopeError: as ``Door.render``; or the enumeration has expired.
        """
        # Extends the lifetime; raises if the enumeration has expired, or if the server is stopping.
        self.enumerations.find(enumeration.id, enumeration.caller)
        deadline.check()
        return self._render_rows(door, operation, enumeration, self.limits.narrowed_by(operation), deadline)

    def _run(self, operation: Operation, received: ReceivedRequest, deadline: Deadline, seconds: float) -> Any:
        """Return the result of an operation; if the result is Rows, an Enumeration of them."""
        entry = _find_entry(operation)
        if received.caller is None:
            if entry.needs_caller:
                raise AccessDeniedError("authentication required", "send credentials")
            return entry.function(None, **operation.arguments)
        # While the request waited for a thread, its time may have run out, or the client may have disconnected.
        deadline.check()
        deadline.move(seconds)
        request = self.request(received.caller, deadline)
        # Everything below is done as the user whose view is requested: open enumerations and watches count for this
        # view, and not for the administrator who requests it.
        if operation.view_as is not None:
            request = self.request(self._view_as(request, operation.view_as, received.peer), deadline)
        if operation.moment is not None:
            request = request_at(request, operation.moment)
        if entry.takes_enumerations:
            result = entry.function(self.enumerations, caller=request.caller, **operation.arguments)
        elif entry.changes_host:
            result = self._act(entry, operation, request, received.peer)
        else:
            result = entry.function(request, **operation.arguments)
        return Enumeration(self.enumerations, request, deadline, result) if isinstance(result, Rows) else result

    def _view_as(self, request: Request, user: str, peer: str) -> Caller:
        """Return the user whose view an administrator asks for, and record the request in the audit log."""
        try:
            caller_for_view = view_as(request, user)
        except LogonscopeError as error:
            self._record_view(peer, request.caller, user, error.name)
            raise
        self._record_view(peer, request.caller, user, "accepted")
        return caller_for_view

    def _record_view(self, peer: str, caller: Caller, user: str, outcome: str) -> None:
        if self.audit is not None:
            self.audit.record_view(peer, caller, user, outcome)

    def _act(self, entry: OperationRow, operation: Operation, request: Request, peer: str) -> Any:
        """Run an operation that changes something, if that is allowed, and record it in the audit log.

        A method that only reads is always allowed, and not recorded.
        """
        if is_read_only_method(request, **operation.arguments):
            return entry.function(request, record=record_nothing, **operation.arguments)
        record = partial(self._record, peer, request.caller)
        try:
            self._check_may_act(request.caller)
        except AccessDeniedError as error:
            path, method = operation.arguments["path"], operation.arguments.get("method", TERMINATE)
            record(parse_object_path(path), method, error.name)
            raise
        return entry.function(request, record=record, **operation.arguments)

    def _check_may_act(self, caller: Caller) -> None:
        """Check that a caller may change something on the host.

        Raises:
            AccessDeniedError: the caller or the server's settings do not permit it.
        """
        check_may_act(caller)
        if not self.allow_methods:
            raise AccessDeniedError(
                "methods that change something are disabled",
                "the server's administrator can enable them: allow_methods",
            )

    def _record(self, peer: str, caller: Caller, path: ObjectPath, method: str, outcome: str) -> None:
        if self.audit is None:
            return
        method_name = f"{path.class_name}.{method}"
        if outcome == BEGUN:
            self.audit.record_method_begin(peer, caller, method_name, path.relative)
        else:
            self.audit.record_method_outcome(peer, caller, method_name, path.relative, outcome)

    def _render_rows(
        self, door: Door, operation: Operation, enumeration: Enumeration, limits: Limits, deadline: Deadline
    ) -> Reply:
        """Render rows of an enumeration; remove it when it is complete, or cannot continue."""
        with enumeration:
            enumeration.bind_door(door)
            enumeration.resume(limits.seconds, deadline)
            try:
                reply = door.render(operation, enumeration, limits.octets)
            except Exception as error:  # whatever it is, it decides whether the client may pull again
                # After an error of the door alone, such as a limit that is too small, the client may pull again.
                if enumeration.failure is not None or not isinstance(error, LogonscopeError):
                    self.enumerations.remove(enumeration.id)
                raise
            # The rows of a stream count as an open enumeration of their caller until the last part is sent.
            if reply.continues and not enumeration.id:
                deadline.check()  # the client may have disconnected, and would never get the rest
                enumeration.keep_open()
        if enumeration.is_complete:
            self.enumerations.remove(enumeration.id)
        _check_size(reply, limits)
        return reply

    def _host(self, received: ReceivedRequest) -> str:
        """Return the name of the host for a fault; "" for clients that have not authenticated."""
        return "" if received.caller is None else self.request(received.caller).host_name


class AnswerStream:
    """The parts of an answer after the first. Its calls block, and only one runs at a time."""

    def __init__(self, dispatcher: Dispatcher, door: Door, operation: Operation, enumeration: Enumeration) -> None:
        self._dispatcher, self._door, self._operation, self._enumeration = dispatcher, door, operation, enumeration
        # A timeout that the client asks for is for the whole answer; the server's limit is for each part.
        self._end = None if operation.seconds is None else time.monotonic() + operation.seconds
        self.items = 0
        self.is_allowed: Callable[[], bool] = _always
        """Returns whether the caller may still get the next part; set by the server."""

    def deadline(self) -> Deadline:
        """Return the deadline of the next part."""
        seconds = self._dispatcher.limits.seconds
        if self._end is not None:
            # The seconds of a deadline must be greater than 0. If the time is over, the first check ends the part.
            seconds = min(seconds, max(self._end - time.monotonic(), 1e-9))
        return Deadline(seconds)

    def next_part(self, deadline: Deadline) -> tuple[bytes, bool]:
        """Return the next part, and whether it is the last one; an error ends the stream with the door's fault."""
        if not self.is_allowed():
            return self.end_with(AccessDeniedError("the credentials are not valid any more", "authenticate again"))
        try:
            reply = self._dispatcher.continue_answer(self._door, self._operation, self._enumeration, deadline)
        except LogonscopeError as error:
            return self.end_with(error)
        except Exception:  # noqa: BLE001 -- a programming error: the client gets a fault, the log has the traceback
            _log.exception("internal error in a stream")
            return self.end_with(InternalError("internal error", "see the server's log"))
        self.items += reply.items
        return reply.body, not reply.continues

    def close(self) -> None:
        """Stop reading rows: the last part was sent, or the client has disconnected."""
        self._dispatcher.enumerations.remove(self._enumeration.id)

    def end_with(self, error: LogonscopeError) -> tuple[bytes, bool]:
        """Return the door's fault as the last part."""
        return self._door.fault(error, self._operation).body, True


Rest = AnswerStream | WatchStream | EventPull | EventPush
"""What follows an answer, or makes its body later: see ``Answer``."""


def _always() -> bool:
    return True


def _check_size(reply: Reply, limits: Limits) -> None:
    """Check the size of an answer, or of a part of a stream.

    Raises:
        AnswerTooLargeError: the size exceeds the limit.
    """
    if len(reply.body) > limits.octets:
        reason = f"the answer of {len(reply.body):,} octets exceeds the limit of {limits.octets:,} octets"
        raise AnswerTooLargeError(reason, "ask for a larger envelope, or for less")


def _find_entry(operation: Operation) -> OperationRow:
    """Return the row of an operation in the table of operations.

    Raises:
        NotSupportedError: there is no such operation.
    """
    entry = OPERATIONS.get(operation.name)
    if entry is None:
        reason = f"unknown operation '{operation.name[:100]}'"
        raise NotSupportedError(reason, f"the operations are {', '.join(OPERATIONS)}")
    return entry
