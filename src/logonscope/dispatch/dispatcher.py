"""The dispatcher: what happens to a request of any door between its decoding and the rendering of its answer."""

import logging
from functools import partial
from typing import Any, NamedTuple

from logonscope.broker import Caller, Request
from logonscope.cim.paths import ObjectPath
from logonscope.dispatch.audit import BEGUN, Audit
from logonscope.dispatch.enumerations import Enumeration, Enumerations, Rows
from logonscope.dispatch.methods import TERMINATE, object_path, only_reads, unrecorded
from logonscope.dispatch.operation import UNDECODED, DecodeError, Door, Limits, Operation, Reply
from logonscope.dispatch.operations import OPERATIONS, Row
from logonscope.errors import AccessDeniedError, AnswerTooLargeError, InternalError, LogonscopeError, NotSupportedError
from logonscope.machine import Deadline, Look, Ownership, Source

_log = logging.getLogger(__name__)


class Message(NamedTuple):
    """A request as it came: its bytes, who sent it (None: nobody who authenticated), and from which address."""

    body: bytes
    caller: Caller | None
    peer: str = ""
    content_type: str = ""
    path: str = ""


class Answer(NamedTuple):
    """The answer to a request: a status of HTTP, a content type and the body; for metrics, its name and its rows."""

    status: int
    content_type: str
    body: bytes
    operation: str = ""
    items: int = 0


class Dispatcher:
    """Answers the requests of all doors from one source; it blocks, and is called from many threads.

    ``close()`` it when no more requests come: open enumerations end, and requests that wait for long with them.
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
    ) -> None:
        """Take the source and its rules, open enumerations, the limits of an answer, and whether methods may be run."""
        self.source, self.ownership = source, ownership
        self.enumerations, self.limits = enumerations, limits
        self.allow_methods, self.audit = allow_methods, audit

    def __repr__(self) -> str:
        methods = "on" if self.allow_methods else "off"
        return f"<Dispatcher of {self.source.label}, methods {methods}, {self.enumerations!r}>"

    def close(self) -> None:
        """End all open enumerations."""
        self.enumerations.close()

    def request(self, caller: Caller, deadline: Deadline | None = None) -> Request:
        """Return a question of a caller to the source: the only place where one is made."""
        return Request(self.source, self.ownership, caller, Look(deadline))

    def answer(self, door: Door, message: Message, deadline: Deadline) -> Answer:
        """Answer one request.

        Args:
            door: decodes it, and renders its answer or the fault.
            message: the request.
            deadline: is moved to what the client asks for; cancel it when nobody waits for the answer any more.
        """
        operation: Operation | None = None
        try:
            operation = door.decode(message.body, message.content_type, message.path)
            reply = self._reply(door, operation, message, deadline)
        except DecodeError as error:
            operation = error.operation
            reply = door.fault(error.error, operation, self._host(message))
        except LogonscopeError as error:
            reply = door.fault(error, operation, self._host(message))
        except Exception:  # noqa: BLE001 -- the client is told that much; what it was is in the log
            _log.exception("a request could not be answered")
            reply = door.fault(InternalError("the request could not be answered", "see the server's log"), operation)
        label = UNDECODED if operation is None else operation.label
        return Answer(reply.status, reply.content_type, reply.body, label, reply.items)

    def _reply(self, door: Door, operation: Operation, message: Message, deadline: Deadline) -> Reply:
        limits = self.limits.of_operation(operation)
        result = self._run(operation, message, deadline, limits.seconds)
        if isinstance(result, Enumeration):
            with result:
                result.claim(door)
                result.resume(limits.seconds, deadline)
                reply = self._render_rows(door, operation, result, limits.octets)
        else:
            reply = door.render(operation, result, limits.octets)
        if len(reply.body) > limits.octets:
            said = f"the answer has {len(reply.body):,} octets, where {limits.octets:,} are asked for"
            raise AnswerTooLargeError(said, "ask for a larger envelope, or for less")
        return reply

    def _run(self, operation: Operation, message: Message, deadline: Deadline, seconds: float) -> Any:
        """Return what the function of an operation returns; an Enumeration where that is rows."""
        row = _row(operation)
        if message.caller is None:
            if row.needs_caller:
                raise AccessDeniedError("nobody sees nothing", "authenticate first")
            return row.function(None, **operation.arguments)
        deadline.check()  # a client that went away, or gave up, while others were answered gets nothing done
        deadline.move(seconds)
        request = self.request(message.caller, deadline)
        if row.of_enumerations:
            result = row.function(self.enumerations, caller=message.caller, **operation.arguments)
        elif row.acts:
            result = self._act(row, operation, request, message.peer)
        else:
            result = row.function(request, **operation.arguments)
        return Enumeration(self.enumerations, request, deadline, result) if isinstance(result, Rows) else result

    def _act(self, row: Row, operation: Operation, request: Request, peer: str) -> Any:
        """Run an operation that acts, where that is allowed; the audit log gets what came of it, or who tried.

        A method that only reads is always allowed, as every other reading is.
        """
        if only_reads(request, **operation.arguments):
            return row.function(request, record=unrecorded, **operation.arguments)
        record = partial(self._record, peer, request.caller)
        if self.allow_methods:
            return row.function(request, record=record, **operation.arguments)
        error = AccessDeniedError(
            "methods that change something are off", "the server's administrator can turn them on: allow_methods"
        )
        record(object_path(operation.arguments["path"]), operation.arguments.get("method", TERMINATE), error.name)
        raise error

    def _record(self, peer: str, caller: Caller, path: ObjectPath, method: str, outcome: str) -> None:
        if self.audit is None:
            return
        what = f"{path.class_name}.{method}"
        if outcome == BEGUN:
            self.audit.begin(peer, caller, what, path.relative)
        else:
            self.audit.method(peer, caller, what, path.relative, outcome)

    def _render_rows(self, door: Door, operation: Operation, rows: Enumeration, octets: int) -> Reply:
        """Render rows; forget the enumeration once it is over, or cannot go on."""
        try:
            reply = door.render(operation, rows, octets)
        except Exception as error:  # whatever it is, it is raised again
            if rows.failure is not None or not isinstance(error, LogonscopeError):
                self.enumerations.forget(rows.id)
            raise
        if rows.is_over:
            self.enumerations.forget(rows.id)
        return reply

    def _host(self, message: Message) -> str:
        return "" if message.caller is None else self.request(message.caller).host_name


def _row(operation: Operation) -> Row:
    row = OPERATIONS.get(operation.name)
    if row is None:
        raise NotSupportedError(f"there is no operation '{operation.name[:100]}'", f"there are {', '.join(OPERATIONS)}")
    return row
