"""The door of WS-Management: the table of its requests, each with its operation and the rendering of its answer.

The dispatcher runs the operations.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.cim.classes import Class
from logonscope.cim.schema import schema
from logonscope.dispatch.enumerations import Enumeration
from logonscope.dispatch.methods import Invocation
from logonscope.dispatch.operation import DecodeError, Operation, Reply
from logonscope.dispatch.operations import FoundInstance, Identity
from logonscope.dispatch.subscriptions import OpenSubscription
from logonscope.errors import AnswerTooLargeError, InvalidObjectPathError, LogonscopeError
from logonscope.server.client_tls import ClientTls
from logonscope.server.soap_answer import Body, Call, SoapRequest
from logonscope.server.wsman_events import (
    decode_renew_subscription,
    decode_subscribe,
    decode_unsubscribe,
    render_events,
    render_renew_subscription,
    render_subscribe,
    render_unsubscribe,
    subscription_fault,
)
from logonscope.wire.cimxml.write_class import write_class
from logonscope.wire.wsman import names, render_instance
from logonscope.wire.wsman.envelope import (
    PLACEHOLDER_ID,
    Envelope,
    check_options,
    check_understood,
    context_element,
    free_octets,
    parse_envelope,
    read_limits,
    write_duration,
    write_envelope,
    write_fault,
)
from logonscope.wire.wsman.faults import CANNOT_PROCESS_FILTER, UNSUPPORTED, FaultError, eventing_fault, fault_of
from logonscope.wire.wsman.render_items import Batch, ItemRenderer, render_batch
from logonscope.wire.wsman.requests import (
    EPR,
    EXCLUDE,
    NONE,
    OBJECT,
    OBJECT_AND_EPR,
    AssociationFilter,
    Change,
    Delete,
    Enumerate,
    Get,
    Identify,
    Invoke,
    Pull,
    Release,
    Renew,
    SelectorFilter,
    WqlFilter,
    operation_name,
)
from logonscope.wire.wsman.requests import decode_request as decode_message
from logonscope.wire.wsman.resource import ALL, Resource, check_keys, check_no_shell
from logonscope.wire.wsman.row_cutter import ROW_OCTETS, RowCutter
from logonscope.wire.wsman.subscription_requests import RenewSubscription, Subscribe, Unsubscribe
from logonscope.wire.xml import escape
from logonscope.wql.tree import EQUAL, And, Comparison, Name, Select
from logonscope.wql.write import write_statement as write_query

WSMAN_PATHS = ("/wsman",)
ANONYMOUS_PATHS = ("/wsman-anon/identify",)
"""The path at which Windows answers Identify without credentials."""

ANONYMOUS_HEADER = "wsmanidentify"
"""The header with which a client sends Identify without credentials (MS-WSMV 3.1.4.1.23)."""

OK, FAULT = 200, 500
PROTOCOL = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
UNKNOWN_COUNT = f'<w:TotalItemsCountEstimate xmlns:xsi="{names.XSI}" xsi:nil="true"/>'
"""The element for the count of items, always nil, "not known" (DSP0226 8.2.2): counting would read all items twice."""

SAMPLE_ROWS = 16
"""Rows that are rendered to estimate whether all rows fit."""

SAFETY_FACTOR = 1.2
"""Factor that raises the estimated number of rows that fit, because the rows after the sample may be smaller."""


class WsmanDoor:
    """The door of WS-Management; see ``dispatch.operation.Door``."""

    name = "wsman"

    def __init__(self, push_tls: ClientTls = ClientTls()) -> None:  # noqa: B008 -- a tuple
        """Create the door; ``push_tls``: the files of certificates for connections to addresses of subscribers."""
        self._push_tls = push_tls

    def __repr__(self) -> str:
        return "<WsmanDoor>"

    def decode(self, body: bytes, content_type: str, path: str, headers: Mapping[str, str]) -> Operation:  # noqa: ARG002 -- as every door
        """See ``Door``."""
        envelope = parse_envelope(body)
        action = operation_name(envelope.action)
        # From here on the envelope is known, so that a fault can refer to its MessageID.
        try:
            check_no_shell(envelope.text(names.WSMAN, "ResourceURI"), envelope.action)
            check_understood(envelope)
            check_options(envelope)
            client_limits = read_limits(envelope)
            message = decode_message(envelope)
            name, arguments = REQUESTS[type(message)].decode(message)
        except LogonscopeError as error:
            raise DecodeError(error, Operation("", action=action, options=SoapRequest(envelope))) from None
        request = SoapRequest(envelope, message, client_limits.wants_count, self._push_tls)
        # a Pull can have a time limit of its own (MaxTime), beside the OperationTimeout of any request
        limits = [seconds for seconds in (client_limits.seconds, getattr(message, "seconds", None)) if seconds]
        seconds = min(limits, default=None)
        return Operation(name, arguments, seconds, client_limits.max_envelope, action, request)

    def render(self, operation: Operation, answer: Any, octets: int) -> Reply:
        """See ``Door``."""
        request: SoapRequest = operation.options
        envelope = request.envelope
        body = REQUESTS[type(request.message)].render(request, answer, octets)
        text = write_envelope(
            body.action, envelope.message_id, body.inner, *body.items, body.rest, headers=body.headers
        )
        return _encode(OK, text, envelope.encoding, body.rows)

    def fault(self, error: LogonscopeError, operation: Operation | None, host: str = "") -> Reply:
        """See ``Door``."""
        request = SoapRequest(Envelope({}, None)) if operation is None else operation.options
        envelope = request.envelope
        fault = fault_of(subscription_fault(_selector_fault(error, request), request))
        if envelope.action == names.SUBSCRIBE:
            fault = eventing_fault(fault)
        return _encode(FAULT, write_fault(fault, envelope, host), envelope.encoding)


def _encode(status: int, text: str, encoding: str, count: int = 0) -> Reply:
    return Reply(status, f"application/soap+xml;charset={encoding.upper()}", text.encode(encoding), count)


def _selector_fault(error: LogonscopeError, request: SoapRequest) -> LogonscopeError:
    """Return the fault for wrong selectors in place of an error about keys; return any other error unchanged.

    WS-Management has different faults for missing and for surplus selectors (DSP0226 5.4.2.2).
    """
    path = getattr(request.message, "path", None)
    if isinstance(error, InvalidObjectPathError) and path is not None:
        try:
            check_keys(path, schema().get(path.class_name, schema().namespace(path.namespace)).keys)
        except FaultError as selector_fault:
            return selector_fault
        except LogonscopeError:
            return error
    return error


def _decode_identify(_message: Identify) -> Call:
    return "identify", {}


def _render_identify(_request: SoapRequest, answer: Identity, _octets: int) -> Body:
    product = answer.product if answer.version is None else f"{answer.product} {answer.version}"
    inner = (
        f'<wsmid:IdentifyResponse xmlns:wsmid="{names.IDENTITY}"><wsmid:ProtocolVersion>{PROTOCOL}'
        f"</wsmid:ProtocolVersion><wsmid:ProductVendor>{answer.product}</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{product}</wsmid:ProductVersion></wsmid:IdentifyResponse>"
    )
    return Body(f"{names.IDENTITY}/IdentifyResponse", inner)


def _decode_get(message: Get) -> Call:
    resource = message.resource
    if message.path is None:
        return "get_class", {"name": resource.class_name, "namespace": resource.namespace}
    properties = [_property(message.fragment)] if message.fragment else None
    # The namespace of the resource URI is passed once, as an argument of its own.
    path = message.path._replace(namespace=None)
    return "get", {"path": path, "properties": properties, "namespace": resource.namespace}


def _property(fragment: str) -> str:
    """Return the property that a fragment expression names, with or without ``/text()`` (DSP0226 7.7)."""
    return fragment.removesuffix("/text()")


def _render_get(request: SoapRequest, instance_or_class: FoundInstance | Class, _octets: int) -> Body:
    message: Get = request.message
    count_octets = request.envelope.octets
    if isinstance(instance_or_class, Class):
        return Body(f"{names.GET}Response", write_class(instance_or_class, hierarchy=message.with_superclasses))
    answer = instance_or_class.result
    row = next(answer.rows)
    # A row that is too large for the envelopes of most clients is cut, as in an enumeration (decision 21).
    if not message.fragment:
        item_renderer = ItemRenderer(message.resource, OBJECT)
        inner = item_renderer.renderer(answer)(row)
        return Body(
            f"{names.GET}Response",
            inner if count_octets(inner) <= ROW_OCTETS else item_renderer.render_shortened(answer, row, count_octets),
        )
    name = answer.cls.property_named(_property(message.fragment)).name
    short_row = RowCutter(answer.cls, answer.columns).cut(row, ROW_OCTETS, count_octets)
    value = dict(zip(answer.columns, short_row, strict=True))[name]
    inner = render_instance.render_property(
        answer.cls, name, message.resource, value, inner=message.fragment.endswith("/text()")
    )
    header = f'<w:FragmentTransfer s:mustUnderstand="true">{escape(message.fragment)}</w:FragmentTransfer>'
    return Body(f"{names.GET}Response", f"<w:XmlFragment>{inner}</w:XmlFragment>", header)


def _decode_enumerate(message: Enumerate) -> Call:
    resource, condition = message.resource, message.filter
    if resource.is_class:
        pattern = None if resource.class_name == ALL else resource.class_name
        return "classes", {"pattern": pattern, "namespace": resource.namespace}
    if isinstance(condition, WqlFilter):
        return "query", {"text": condition.text, "namespace": resource.namespace}
    if isinstance(condition, SelectorFilter):
        return "query", {"text": _as_query(resource, condition), "namespace": resource.namespace}
    if isinstance(condition, AssociationFilter):
        return _decode_association_filter(condition)
    if resource.class_name == ALL:
        raise FaultError(CANNOT_PROCESS_FILTER, "cannot enumerate all classes at once", "give a filter, or a class")
    polymorphism = {"deep": message.polymorphism != NONE, "as_base": message.polymorphism == EXCLUDE}
    return "enumerate", {"class_name": resource.class_name, "namespace": resource.namespace, **polymorphism}


def _as_query(resource: Resource, condition: SelectorFilter) -> str:
    """Return a filter by selectors as a WQL query."""
    terms = tuple(Comparison(Name((name,)), EQUAL, value) for name, value in condition.values.items())
    if resource.class_name == ALL or not terms:
        reason = "invalid selector filter: expected a class and at least one selector"
        raise FaultError(CANNOT_PROCESS_FILTER, reason, "name the class in the ResourceURI, and a property")
    return write_query(Select(None, resource.class_name, terms[0] if len(terms) == 1 else And(terms)))


def _decode_association_filter(condition: AssociationFilter) -> Call:
    arguments = {name: value for name, value in condition._asdict().items() if name != "references"}
    if not condition.references:
        return "associators", arguments
    # `references` returns associations: a filter may name their class as AssociationClassName or as ResultClassName.
    if condition.assoc_class is not None and condition.result_class is None:
        arguments |= {"assoc_class": None, "result_class": condition.assoc_class}
    return "references", arguments


def _render_enumerate(request: SoapRequest, rows: Enumeration, octets: int) -> Body:
    message: Enumerate = request.message
    action, count_element = f"{names.ENUMERATE}Response", UNKNOWN_COUNT if request.wants_count else ""
    if rows.is_projection and message.mode in {EPR, OBJECT_AND_EPR}:
        raise FaultError(UNSUPPORTED, "cannot return endpoint references of selected properties", "use SELECT *")
    server = rows.host if rows.is_projection else None
    rows.format = ItemRenderer(
        message.resource, message.mode, rows.base_class, server, hierarchy=message.with_superclasses
    )
    expires = "" if message.expires is None else _expires(rows.lifetime(message.expires))
    head, tail = f"<n:EnumerateResponse>{expires}", "</n:EnumerateResponse>"
    # Without OptimizeEnumeration the response has only the id, and the client pulls all items.
    if not message.optimized:
        return Body(action, f"{head}{context_element(rows.keep_open(message.expires))}{tail}", count_element)
    end = f"</w:Items><w:EndOfSequence/>{tail}"
    free = free_octets(
        request.envelope, action, f"{head}{context_element(PLACEHOLDER_ID)}<w:Items>{end}{count_element}", octets
    )
    # All rows or none: some clients ignore the items of a response that also has a context (decision 15).
    batch = _all_items(rows, message.max_elements, free, request.envelope.octets)
    if batch is not None:
        return Body(action, f"{head}{context_element('')}<w:Items>", count_element, batch.texts, end, batch.item_count)
    return Body(action, f"{head}{context_element(rows.keep_open(message.expires))}<w:Items/>{tail}", count_element)


def _decode_pull(message: Pull) -> Call:
    return "pull", {"enumeration_id": message.context}


def _render_pull(request: SoapRequest, rows: Enumeration | OpenSubscription, octets: int) -> Body:
    if isinstance(rows, OpenSubscription):
        return render_events(request, rows, octets)
    message: Pull = request.message
    action, head, end = f"{names.PULL}Response", "<n:PullResponse>", "</n:Items><n:EndOfSequence/></n:PullResponse>"
    free = free_octets(request.envelope, action, f"{head}{context_element(PLACEHOLDER_ID)}<n:Items>{end}", octets)
    if message.max_characters is not None:
        free = min(free, message.max_characters)
    batch = render_batch(rows.format, rows.take(message.max_elements), free, request.envelope.octets)
    # The surplus rows were taken, but did not fit: they are put back, and are the first of the next Pull.
    if batch.surplus:
        rows.put_back(batch.surplus)
        if not batch.item_count:
            size = f"{batch.surplus_octets:,}"
            reason = f"an item of {size} octets does not fit into the {free:,} octets that are left for items"
            raise AnswerTooLargeError(reason, "ask for a larger envelope")
    if rows.is_complete:
        return Body(action, f"{head}<n:Items>", items=batch.texts, rest=end, rows=batch.item_count)
    rest = "</n:Items></n:PullResponse>"
    opening = f"{head}{context_element(rows.id)}<n:Items>"
    return Body(action, opening, items=batch.texts, rest=rest, rows=batch.item_count)


def _all_items(rows: Enumeration, max_items: int, free: int, count_octets: Callable[[str], int]) -> Batch | None:
    """Render all rows if there are at most ``max_items`` and they fit into ``free`` octets.

    Otherwise put all rows back, and return None.

    Most enumerations either fit into this answer or have far more rows. So a sample is rendered first: its size shows
    how many rows could fit. If there are more rows than SAFETY_FACTOR times that number, only the sample is rendered.
    """
    taken_rows = list(rows.take(min(max_items, SAMPLE_ROWS)))
    batch = render_batch(rows.format, iter(taken_rows), free, count_octets)
    if not batch.surplus and len(taken_rows) == SAMPLE_ROWS:
        upper_limit = int(SAFETY_FACTOR * SAMPLE_ROWS * batch.free / (free - batch.free)) + 1
        further_rows = list(rows.take(min(max_items - SAMPLE_ROWS, upper_limit)))
        taken_rows += further_rows
        if rows.is_complete:
            further_batch = render_batch(rows.format, iter(further_rows), batch.free, count_octets)
            batch = further_batch._replace(
                texts=batch.texts + further_batch.texts, item_count=batch.item_count + further_batch.item_count
            )
    if rows.is_complete and not batch.surplus:
        return batch
    rows.put_back(taken_rows)
    return None


def _expires(seconds: float) -> str:
    return f"<n:Expires>{write_duration(seconds)}</n:Expires>"


def _decode_release(message: Release) -> Call:
    return "release", {"enumeration_id": message.context}


def _render_release(_request: SoapRequest, _answer: None, _octets: int) -> Body:
    return Body(f"{names.RELEASE}Response", "")


def _decode_renew(message: Renew) -> Call:
    return "renew", {"enumeration_id": message.context, "seconds": message.expires}


def _render_renew(request: SoapRequest, seconds: float, _octets: int) -> Body:
    verb = "GetStatus" if request.message.is_status else "Renew"
    return Body(f"{names.ENUMERATION}/{verb}Response", f"<n:{verb}Response>{_expires(seconds)}</n:{verb}Response>")


def _decode_invoke(message: Invoke) -> Call:
    return "invoke", {"path": message.path, "method": message.method, "parameters": message.parameters}


def _render_invoke(request: SoapRequest, answer: Invocation, _octets: int) -> Body:
    (cls, method, outcome), resource = answer, request.message.resource
    types = {parameter.name: parameter.type for parameter in method.parameters}
    out_parameters = [(name, types.get(name, "string"), value) for name, value in outcome.parameters.items()]
    inner = render_instance.render_parameters(
        [*sorted(out_parameters), ("ReturnValue", method.type, outcome.return_value)], resource, cls.schema
    )
    tag = f"p:{method.name}_OUTPUT"
    return Body(
        f"{request.envelope.action}Response",
        f"<{tag} {render_instance.namespace_declarations(cls, resource)}>{inner}</{tag}>",
    )


def _decode_delete(message: Delete) -> Call:
    return "delete", {"path": message.path}


def _render_delete(_request: SoapRequest, _answer: None, _octets: int) -> Body:
    return Body(f"{names.DELETE}Response", "")


def _decode_change(message: Change) -> Call:
    """Return the operation that reads the class; if the class exists, ``_render_change`` rejects the request."""
    return "get_class", {"name": message.resource.class_name, "namespace": message.resource.namespace}


def _render_change(_request: SoapRequest, cls: Class, _octets: int) -> Body:
    reason = f"cannot create or change instances of {cls.name}: the class is read-only"
    raise FaultError(UNSUPPORTED, reason, "use Get or Enumerate")


class MessageRow(NamedTuple):
    """A message type.

    Attributes:
        description: its description in the reference.
        operations: the names of the operations that it may run.
        decode: returns the operation and its arguments.
        render: returns the body of the response.
    """

    description: str
    operations: tuple[str, ...]
    decode: Callable[[Any], Call]
    render: Callable[[SoapRequest, Any, int], Body]


REQUESTS: Mapping[type, MessageRow] = {
    Identify: MessageRow("the product and the protocol", ("identify",), _decode_identify, _render_identify),
    Get: MessageRow(
        "one instance by its keys, a property of it, or the definition of a class", ("get", "get_class"), _decode_get,
        _render_get,
    ),
    Enumerate: MessageRow(
        "the instances of a class, those that match a filter, or definitions of classes",
        ("enumerate", "query", "associators", "references", "classes"), _decode_enumerate, _render_enumerate,
    ),
    Pull: MessageRow(
        "the next items of an enumeration, or events of a subscription", ("pull",), _decode_pull, _render_pull,
    ),
    Release: MessageRow("end an enumeration", ("release",), _decode_release, _render_release),
    Renew: MessageRow("extend the lifetime of an enumeration", ("renew",), _decode_renew, _render_renew),
    Invoke: MessageRow("run a method of an instance", ("invoke",), _decode_invoke, _render_invoke),
    Delete: MessageRow("end a process", ("delete",), _decode_delete, _render_delete),
    Change: MessageRow("rejected: instances are read-only", ("get_class",), _decode_change, _render_change),
    Subscribe: MessageRow(
        "subscribe to the results of an event query, which are pulled or sent", ("subscribe",), decode_subscribe,
        render_subscribe,
    ),
    Unsubscribe: MessageRow("end a subscription", ("release",), decode_unsubscribe, render_unsubscribe),
    RenewSubscription: MessageRow(
        "extend the lifetime of a subscription", ("renew",), decode_renew_subscription,
        render_renew_subscription,
    ),
}  # fmt: skip
"""All message types of wire/wsman/requests.py and subscription_requests.py."""
