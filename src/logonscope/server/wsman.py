"""What does a WS-Management request get? One recipe: read, decode, through its door to the broker, and written.

Doors are a table: which operation, who may, what it does. Bytes come in and text goes out; this module blocks, and
runs in a thread of the pool.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from logonscope.broker import Broker, Caller
from logonscope.broker.classes import get_class
from logonscope.broker.deadline import Deadline, within
from logonscope.broker.instances import get
from logonscope.broker.invoke import invoke
from logonscope.broker.target import host_name
from logonscope.cim.classes import Class, has
from logonscope.cim.instances import Outcome
from logonscope.cim.paths import ObjectPath
from logonscope.errors import AccessDeniedError, LogonscopeError, NotSupportedError
from logonscope.machine import Source
from logonscope.server.audit import Audit
from logonscope.server.contexts import Contexts, Enumeration
from logonscope.server.enumerate import items_of
from logonscope.wire.cimxml.definition import definition
from logonscope.wire.wsman import items, names
from logonscope.wire.wsman.envelope import (
    Envelope,
    Limits,
    check_options,
    check_understood,
    limits,
    read,
    room,
    write,
    write_fault,
)
from logonscope.wire.wsman.faults import ENCODING_LIMIT, INTERNAL, NO_EVENTS, UNSUPPORTED, FaultError, fault_of
from logonscope.wire.wsman.requests import (
    Change,
    Delete,
    Enumerate,
    Get,
    Identify,
    Invoke,
    Pull,
    Release,
    Renew,
    Subscribe,
    decode,
    name_of,
)
from logonscope.wire.wsman.resource import needs_keys
from logonscope.wire.xml import escaped

_log = logging.getLogger(__name__)

OK, FAULT = 200, 500
PROTOCOL = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
COUNT = f'<w:TotalItemsCountEstimate xmlns:xsi="{names.XSI}" xsi:nil="true"/>'
"""To count is to read everything twice (DSP0226 8.2.2: nil where it is not known)."""


class Service(NamedTuple):
    """What answers: a source, the open enumerations, and what is allowed."""

    source: Source
    contexts: Contexts
    allow_methods: bool = False
    max_envelope: int = 512_000
    seconds: float = 60.0  # that an answer may take at most, and does where the client does not say
    audit: Audit | None = None


class Answer(NamedTuple):
    """The status of HTTP, the envelope, and for the metrics: what was asked for, and how many items were told."""

    status: int
    data: bytes
    content_type: str
    operation: str = ""
    items: int = 0


class Asked(NamedTuple):
    """One request on its way: who asks what of whom, and what is left of its time."""

    service: Service
    caller: Caller
    broker: Broker
    envelope: Envelope
    limits: Limits
    deadline: Deadline
    peer: str

    @property
    def most(self) -> int:
        """Return how many octets the answer may have."""
        return _most(self.service, self.limits)

    @property
    def seconds(self) -> float:
        """Return how long the answer may take."""
        return min(self.limits.seconds or self.service.seconds, self.service.seconds)


class Reply(NamedTuple):
    """The action of an answer, the content of its body, and header blocks; items stand between what has two parts."""

    action: str
    inner: str
    headers: str = ""
    items: Sequence[str] = ()
    rest: str = ""


def answer(service: Service, caller: Caller | None, data: bytes, deadline: Deadline, peer: str = "") -> Answer:
    """Answer one request.

    Args:
        service: what answers.
        caller: who asks; None: nobody, who may ask for nothing but Identify.
        data: the request.
        deadline: is moved to what the client asks for; whoever finds that nobody waits any more cancels it.
        peer: where it comes from, for the audit.
    """
    envelope, items = Envelope({}, None), 0
    try:
        envelope = read(data)
        check_understood(envelope)
        check_options(envelope)
        wanted = limits(envelope)
        reply = _reply(service, caller, envelope, wanted, deadline, peer=peer)
        text = write(reply.action, envelope.message_id, reply.inner, *reply.items, reply.rest, more=reply.headers)
        made = _encoded(OK, text, envelope.encoding)
        _check_size(len(made.data), _most(service, wanted))
        items = len(reply.items)
    except (FaultError, LogonscopeError) as error:
        made = _told(error, envelope, "" if caller is None else host_name(Broker(service.source, caller)))
    except Exception:  # noqa: BLE001 -- the client is told that much; what it was is in the log
        _log.exception("a request could not be answered")
        made = _told(FaultError(INTERNAL, "the request could not be answered", "see the server's log"), envelope)
    return made._replace(operation=name_of(envelope.action), items=items)


def _told(error: FaultError | LogonscopeError, envelope: Envelope, machine: str = "") -> Answer:
    return _encoded(FAULT, write_fault(fault_of(error), envelope, machine), envelope.encoding)


def _most(service: Service, asked: Limits) -> int:
    """Return how many octets an answer may have."""
    return min(asked.max_envelope or service.max_envelope, service.max_envelope)


def _check_size(octets: int, most: int) -> None:
    """See that an answer is no larger than was asked for (DSP0226 R13.1-6)."""
    if octets > most:
        said = f"the answer has {octets:,} octets, where {most:,} are asked for"
        raise FaultError(ENCODING_LIMIT, said, "ask for a larger envelope, or for less")


def refused(error: FaultError | LogonscopeError) -> Answer:
    """Return the answer to a request that was not read, or not answered in time."""
    return _told(error, Envelope({}, None))


def _encoded(status: int, text: str, encoding: str) -> Answer:
    return Answer(status, text.encode(encoding), f"application/soap+xml;charset={encoding.upper()}")


def _reply(
    service: Service, caller: Caller | None, envelope: Envelope, wanted: Limits, deadline: Deadline, *, peer: str
) -> Reply:
    operation = decode(envelope)
    if isinstance(operation, Identify):
        return _identify(known=caller is not None)
    if caller is None:
        raise AccessDeniedError("nobody sees nothing", "authenticate first")
    asked = Asked(service, caller, Broker(within(service.source, deadline), caller), envelope, wanted, deadline, peer)
    deadline.move(asked.seconds)
    door = DOORS[type(operation)]
    if door.acts and not service.allow_methods:
        raise _off(asked, operation)
    return door.run(asked, operation)


def _off(asked: Asked, operation: Any) -> AccessDeniedError:
    """Return the refusal of what acts, and write down who tried; of both operations that act it is a method's."""
    error = AccessDeniedError("methods over a network are off", "`logonscope serve --allow-methods` turns them on")
    _tell(asked, operation.path, getattr(operation, "method", "Terminate"), error.name)
    return error


def _identify(*, known: bool) -> Reply:
    """Say what this is; to whoever has not said who it is, without a version (MS-WSMV 3.1.4.1.19, DSP0226 11)."""
    product = f"Logonscope {version('logonscope')}" if known else "Logonscope"
    inner = (
        f'<wsmid:IdentifyResponse xmlns:wsmid="{names.IDENTITY}"><wsmid:ProtocolVersion>{PROTOCOL}'
        "</wsmid:ProtocolVersion><wsmid:ProductVendor>Logonscope</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{product}</wsmid:ProductVersion></wsmid:IdentifyResponse>"
    )
    return Reply(f"{names.IDENTITY}/IdentifyResponse", inner)


def _get(asked: Asked, operation: Get) -> Reply:
    where, path = operation.where, operation.path
    cls = get_class(asked.broker, where.class_name, where.namespace)
    if path is None:
        return Reply(f"{names.GET}Response", definition(cls))
    needs_keys(path, cls.keys)
    if operation.fragment:
        return _part(asked, operation, path)
    found = get(asked.broker, path)
    return Reply(f"{names.GET}Response", items.instance(found.cls, found.columns, where)(next(found.rows)))


def _part(asked: Asked, operation: Get, path: ObjectPath) -> Reply:
    """Tell one property, or the text in it (DSP0226 7.7)."""
    name = operation.fragment.removesuffix("/text()")
    found = get(asked.broker, path, [name])
    row = dict(zip(found.columns, next(found.rows), strict=True))
    named = found.cls.property_named(name).name
    inner = items.part(found.cls, named, operation.where, row[named], inner=name != operation.fragment)
    echoed = f'<w:FragmentTransfer s:mustUnderstand="true">{escaped(operation.fragment)}</w:FragmentTransfer>'
    return Reply(f"{names.GET}Response", f"<w:XmlFragment>{inner}</w:XmlFragment>", echoed)


def _enumerate(asked: Asked, operation: Enumerate) -> Reply:
    contexts, action = asked.service.contexts, f"{names.ENUMERATE}Response"
    enumeration = Enumeration(asked.caller, items_of(asked.broker, operation), asked.deadline)
    count = COUNT if asked.limits.wants_count else ""
    expires = "" if operation.expires is None else _expires(min(operation.expires, contexts.seconds))
    head, tail = f"<n:EnumerateResponse>{expires}", "</n:EnumerateResponse>"
    if not operation.optimized:
        return Reply(action, f"{head}{_context(contexts.keep(enumeration, operation.expires))}{tail}", count)
    end = f"</w:Items><w:EndOfSequence/>{tail}"
    free = room(asked.envelope, action, f"{head}{_context(LONGEST)}<w:Items>{end}{count}", asked.most)
    batch = enumeration.batch(operation.max_elements, free, asked.envelope.octets, refuses=False)
    if batch.is_last:
        return Reply(action, f"{head}{_context('')}<w:Items>", count, batch.items, end)
    # there are clients that lose what comes with a context (decision 15)
    enumeration.take_back(batch.items, packed=contexts.are_many)
    return Reply(action, f"{head}{_context(contexts.keep(enumeration, operation.expires))}<w:Items/>{tail}", count)


LONGEST = "uuid:00000000-0000-0000-0000-000000000000"
"""In place of a context's id, while the room for items is measured."""


def _context(context: str) -> str:
    return f"<n:EnumerationContext>{context}</n:EnumerationContext>"


def _expires(seconds: float) -> str:
    return f"<n:Expires>PT{seconds:.3f}S</n:Expires>"


def _pull(asked: Asked, operation: Pull) -> Reply:
    contexts, action = asked.service.contexts, f"{names.PULL}Response"
    enumeration = contexts.find(operation.context, asked.caller)
    enumeration.deadline.move(asked.seconds)
    enumeration.deadline.follow(asked.deadline)  # who goes away while it is answered wants no more of it
    head, end = "<n:PullResponse>", "</n:Items><n:EndOfSequence/></n:PullResponse>"
    free = room(asked.envelope, action, f"{head}{_context(LONGEST)}<n:Items>{end}", asked.most)
    if operation.max_characters is not None:
        free = min(free, operation.max_characters)
    try:
        batch = enumeration.batch(operation.max_elements, free, asked.envelope.octets)
    except FaultError:
        raise
    except Exception:  # what broke off would look like its end to the next pull
        contexts.forget(operation.context)
        raise
    if batch.is_last:
        contexts.forget(operation.context)
        return Reply(action, f"{head}<n:Items>", items=batch.items, rest=end)
    return Reply(
        action, f"{head}{_context(operation.context)}<n:Items>", items=batch.items, rest="</n:Items></n:PullResponse>"
    )


def _release(asked: Asked, operation: Release) -> Reply:
    asked.service.contexts.drop(operation.context, asked.caller)
    return Reply(f"{names.RELEASE}Response", "")


def _renew(asked: Asked, operation: Renew) -> Reply:
    seconds = asked.service.contexts.renew(operation.context, asked.caller, operation.expires)
    verb = "GetStatus" if operation.only_asks else "Renew"
    return Reply(f"{names.ENUMERATION}/{verb}Response", f"<n:{verb}Response>{_expires(seconds)}</n:{verb}Response>")


def _invoke(asked: Asked, operation: Invoke) -> Reply:
    where = operation.where
    cls = get_class(asked.broker, where.class_name, where.namespace)
    method = cls.method_named(operation.method)
    path = operation.path
    if has(method.qualifiers, "Static"):
        path = path._replace(keys=None)
    else:
        needs_keys(path, cls.keys)
    outcome = _run(asked, path, method.name, operation.parameters)
    types = {parameter.name: parameter.type for parameter in method.parameters}
    out = [(name, types.get(name, "string"), value) for name, value in outcome.parameters.items()]
    inner = items.parameters([*sorted(out), ("ReturnValue", method.type, outcome.return_value)], where)
    tag = f"p:{method.name}_OUTPUT"
    outcome_told = f"<{tag} {items.declarations(cls, where)}>{inner}</{tag}>"
    return Reply(f"{asked.envelope.action}Response", outcome_told)


def _run(asked: Asked, path: ObjectPath, method: str, parameters: Mapping[str, str | None] | None = None) -> Outcome:
    """Run a method, and write down who did."""
    try:
        outcome = invoke(asked.broker, path, method, parameters)
    except LogonscopeError as error:
        _tell(asked, path, method, error.name)
        raise
    _tell(asked, path, method, str(outcome.return_value))
    return outcome


def _tell(asked: Asked, path: ObjectPath, method: str, outcome: str) -> None:
    if asked.service.audit is not None:
        asked.service.audit.method(asked.peer, asked.caller, f"{path.class_name}.{method}", path.relative, outcome)


def _delete(asked: Asked, operation: Delete) -> Reply:
    """End a process, as DeleteInstance of Win32_Process does."""
    path = operation.path
    cls = get_class(asked.broker, path.class_name, path.namespace)
    needs_keys(path, cls.keys)
    if "Terminate" not in cls.methods:
        raise NotSupportedError(f"no instance of {cls.name} can be deleted", "end what it describes")
    outcome = _run(asked, path, "Terminate")
    if outcome.return_value != 0:
        raise AccessDeniedError(f"{path.relative} cannot be ended: {outcome.return_value}", "ask as its owner")
    return Reply(f"{names.DELETE}Response", "")


def _change(asked: Asked, operation: Change) -> Reply:
    cls: Class = get_class(asked.broker, operation.where.class_name, operation.where.namespace)
    raise FaultError(UNSUPPORTED, f"instances of {cls.name} can be neither made nor changed", "they tell what is so")


def _subscribe(_: Asked, __: Subscribe) -> Reply:
    raise FaultError(NO_EVENTS, "events are not told yet", "enumerate, time and again")


class Door(NamedTuple):
    """What is done for an operation, what it is for, and whether it does something to the machine."""

    run: Callable[[Asked, Any], Reply]
    about: str
    acts: bool = False


DOORS: Mapping[type, Door] = {
    Get: Door(_get, "one instance by its keys, a property of it, or the definition of a class"),
    Enumerate: Door(_enumerate, "the instances of a class, what a filter lets through, or definitions of classes"),
    Pull: Door(_pull, "more of an enumeration"),
    Release: Door(_release, "an enumeration is no longer wanted"),
    Renew: Door(_renew, "how long an enumeration lasts, and for longer"),
    Invoke: Door(_invoke, "a method of an instance", acts=True),
    Delete: Door(_delete, "end a process", acts=True),
    Change: Door(_change, "refused: instances can be neither made nor changed"),
    Subscribe: Door(_subscribe, "refused: events are not told yet"),
}
"""Every operation; each door takes its own."""
