"""Faults of WS-Management: one for every class of errors, and the faults that only WS-Management has.

DSP0226 14.6 lists the faults. The fault of an error that WMI has, too, has the WMI number, which scripts look for. A
fault that only WS-Management has has the number of wsmerror.h.
"""

from collections.abc import Mapping
from typing import NamedTuple

from logonscope import errors
from logonscope.errors import Hint, HintCode, HintTexts, LogonscopeError
from logonscope.wire.wsman.names import (
    ADDRESSING_FAULT,
    BINDING,
    CIM_SCHEMA,
    DETAIL,
    ENUMERATION_FAULT,
    EVENTING_FAULT,
    MICROSOFT_FAULT,
    WSMAN_FAULT,
)
from logonscope.wire.xml import escape

HINTS: HintTexts = {
    HintCode.LIST_CLASSES: "SELECT * FROM meta_class lists the classes of {namespace}",
    HintCode.SHOW_CLASS: "see the class {name} in {namespace}",
    HintCode.USE_OTHER_NAMESPACE: "it is a class of {namespace}",
    HintCode.LIST_INSTANCES: "enumerate {name} in {namespace} to list its instances",
    HintCode.LIST_PROCESSES: "enumerate Win32_Process",
    HintCode.FIND_PROCESS: "enumerate Win32_Process, which has the running processes",
    HintCode.CHECK_ACCESS: "ask the server's administrator for the reason",
    HintCode.GET_RIGHTS: "authenticate as an administrator",
    HintCode.SEE_OTHERS: "authenticate as an administrator",
    HintCode.RUN_AS_ROOT: "authenticate as an administrator",
    HintCode.USE_RECORDING: "ask the server's administrator to run Logonscope on the host that you mean",
    HintCode.REPLACE_FILE: "give another name",
    HintCode.TRUST_CERTIFICATE: "trust its certificate",
    HintCode.LOOK_INTO_NAMESPACES: "enumerate LS_Socket, which has the sockets of all",
    HintCode.RUN_ON_THAT_HOST: "run on the server: logonscope {command}",
    HintCode.LIST_USERS_ON_THAT_HOST: "ask the server's administrator for the users who have access",
}
"""Hints for clients, which have no command line on the server."""

SENDER, RECEIVER, MUST_UNDERSTAND, VERSION_MISMATCH = "s:Sender", "s:Receiver", "s:MustUnderstand", "s:VersionMismatch"

# The Action of a fault depends on the specification that defines its subcode.
_ACTIONS = {"w": WSMAN_FAULT, "a": ADDRESSING_FAULT, "n": ENUMERATION_FAULT, "e": EVENTING_FAULT, "": ADDRESSING_FAULT}


class FaultKind(NamedTuple):
    """A kind of fault: its SOAP code and subcode with prefixes, the last part of its detail URI, and its number."""

    code: str
    subcode: str = ""
    detail: str = ""
    number: int = 0  # of wsmerror.h; 0: the fault has the WMI number of its error

    @property
    def action(self) -> str:
        """Return the Action of a message with this fault."""
        return _ACTIONS[self.subcode.partition(":")[0]]


ACTION_NOT_SUPPORTED = FaultKind(SENDER, "a:ActionNotSupported", number=0x80338013)
CANNOT_PROCESS_FILTER = FaultKind(SENDER, "n:CannotProcessFilter", number=0x8033801A)
DIALECT_UNAVAILABLE = FaultKind(SENDER, "n:FilterDialectRequestedUnavailable", number=0x80338019)
ENCODING_LIMIT = FaultKind(SENDER, "w:EncodingLimit", "MaxEnvelopeSize", 0x80338048)
ENVELOPE_TOO_SMALL = FaultKind(SENDER, "w:EncodingLimit", "MinimumEnvelopeLimit", 0x80338047)
REQUEST_TOO_LARGE = FaultKind(SENDER, "w:EncodingLimit", "ServiceEnvelopeLimit", 0x80338049)
HEADER_REQUIRED = FaultKind(SENDER, "a:MessageInformationHeaderRequired", number=0x80338011)
INSUFFICIENT_SELECTORS = FaultKind(SENDER, "w:InvalidSelectors", "InsufficientSelectors", 0x8033805A)
UNEXPECTED_SELECTORS = FaultKind(SENDER, "w:InvalidSelectors", "UnexpectedSelectors", 0x8033805B)
INVALID_CONTEXT = FaultKind(RECEIVER, "n:InvalidEnumerationContext", number=0x8033801B)
INVALID_OPTIONS = FaultKind(SENDER, "w:InvalidOptions", "NotSupported", 0x80338039)
INVALID_PARAMETER = FaultKind(SENDER, "w:InvalidParameter", number=0x8033803A)
INVALID_RESOURCE = FaultKind(SENDER, "a:DestinationUnreachable", "InvalidResourceURI", 0x80338000)
INVALID_XML = FaultKind(SENDER, "w:SchemaValidationError", number=0x80338041)
INVALID_EXPIRATION = FaultKind(SENDER, "n:InvalidExpirationTime", number=0x80338016)
UNSUPPORTED_EXPIRATION = FaultKind(SENDER, "n:UnsupportedExpirationType", number=0x80338017)
NOT_UNDERSTOOD = FaultKind(MUST_UNDERSTAND, number=0x80338010)
NO_EVENTS = FaultKind(RECEIVER, "e:EventSourceUnableToProcess", number=0x80338023)
EVENT_FILTER_UNAVAILABLE = FaultKind(SENDER, "e:FilteringRequestedUnavailable", number=0x80338022)
EVENT_FILTER_INVALID = FaultKind(SENDER, "w:CannotProcessFilter", number=0x8033801A)
DELIVERY_MODE_UNAVAILABLE = FaultKind(SENDER, "e:DeliveryModeRequestedUnavailable", number=0x8033801E)
INVALID_BOOKMARK = FaultKind(SENDER, "w:InvalidBookmark", "InvalidFormat", 0x80338038)
INVALID_MESSAGE = FaultKind(SENDER, "e:InvalidMessage", number=0x80338025)
INVALID_SUBSCRIPTION_EXPIRATION = FaultKind(SENDER, "e:InvalidExpirationTime", number=0x8033801F)
UNSUPPORTED_SUBSCRIPTION_EXPIRATION = FaultKind(SENDER, "e:UnsupportedExpirationType", number=0x80338020)
UNABLE_TO_RENEW = FaultKind(RECEIVER, "e:UnableToRenew", number=0x80338024)
UNKNOWN_SUBSCRIPTION = FaultKind(SENDER, "w:InvalidParameter", "InvalidValue", number=0x8033803A)
PULL_TIMED_OUT = FaultKind(RECEIVER, "w:TimedOut", number=0x80338029)
"""The fault of a Pull that got no event before its timeout. Clients of WinRM know it by its number, and pull again."""
NOT_SOAP = FaultKind(VERSION_MISMATCH, number=0x8033800D)
PULL_IN_PROGRESS = FaultKind(SENDER, "w:Concurrency", number=0x80338032)
INTERNAL = FaultKind(RECEIVER, "w:InternalError", number=0x80338003)
UNSUPPORTED = FaultKind(SENDER, "w:UnsupportedFeature", number=0x80338042)

FAULT_KINDS: Mapping[type[LogonscopeError], FaultKind] = {
    errors.NotFoundError: FaultKind(SENDER, "a:DestinationUnreachable", "InvalidResourceURI"),
    errors.AccessDeniedError: FaultKind(SENDER, "w:AccessDenied"),
    errors.InvalidParameterError: FaultKind(SENDER, "w:InvalidParameter"),
    errors.NotSupportedError: FaultKind(SENDER, "w:UnsupportedFeature"),
    errors.InvalidNamespaceError: FaultKind(SENDER, "a:DestinationUnreachable", "InvalidResourceURI"),
    errors.InvalidClassError: FaultKind(SENDER, "a:DestinationUnreachable", "InvalidResourceURI"),
    errors.InvalidPropertyError: FaultKind(SENDER, "w:InvalidParameter", "InvalidName"),
    errors.InvalidObjectPathError: FaultKind(SENDER, "w:InvalidSelectors", "UnexpectedSelectors"),
    errors.TypeMismatchError: FaultKind(SENDER, "w:InvalidParameter", "TypeMismatch"),
    errors.InvalidMethodError: FaultKind(SENDER, "a:ActionNotSupported"),
    errors.InvalidMethodParametersError: FaultKind(SENDER, "w:InvalidParameter", "InvalidName"),
    errors.InvalidQueryError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.InvalidQueryTypeError: FaultKind(SENDER, "n:FilterDialectRequestedUnavailable"),
    errors.QuotaViolationError: FaultKind(SENDER, "w:QuotaLimit"),
    errors.TimedOutError: FaultKind(RECEIVER, "w:TimedOut"),
    errors.NotEventClassError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.MissingGroupWithinError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.MissingAggregationListError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.PropertyNotAnObjectError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.AggregatingByObjectError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.RegistrationTooBroadError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.RegistrationTooPreciseError: FaultKind(SENDER, "n:CannotProcessFilter"),
    errors.EnumerationNotFoundError: INVALID_CONTEXT,
    errors.PullInProgressError: PULL_IN_PROGRESS,
    errors.AnswerTooLargeError: ENCODING_LIMIT,
    errors.RequestTooLargeError: REQUEST_TOO_LARGE,
    errors.InternalError: INTERNAL,
    errors.ServerTooBusyError: FaultKind(RECEIVER, "w:InternalError"),
    errors.TransportFailureError: FaultKind(RECEIVER, "w:InternalError"),
    errors.RecordingError: FaultKind(RECEIVER, "w:InternalError"),
}
"""The kind of fault of each subclass of LogonscopeError in errors.py."""


SUBSCRIBE_FAULT_KINDS: Mapping[str, FaultKind] = {
    "n:CannotProcessFilter": EVENT_FILTER_INVALID,
    "n:FilterDialectRequestedUnavailable": EVENT_FILTER_UNAVAILABLE,
    "w:UnsupportedFeature": NO_EVENTS,
}
"""The kinds of faults that only a Subscribe message gets (DSP0226 10.2, 14.6). The key is the subcode of the fault that
other messages get for the same error."""


class FaultError(LogonscopeError):
    """An error that only WS-Management has, with its kind, a message and advice."""

    def __init__(self, kind: FaultKind, message: str, advice: str | Hint = "", not_understood: str = "") -> None:
        super().__init__(message, advice)
        self.kind, self.not_understood = kind, not_understood


class Fault(NamedTuple):
    """A fault as it is sent: its kind, number and reason, and the header that was not understood."""

    kind: FaultKind
    number: int
    reason: str
    not_understood: str = ""
    cim_status: int = 0  # the status code of CIM; 0: the number is not one of WMI


def fault_of(error: LogonscopeError) -> Fault:
    """Return the fault of an error; an error class without a row in FAULT_KINDS gets INTERNAL, with the WMI number."""
    if isinstance(error, FaultError):
        return Fault(error.kind, error.kind.number, error.text(HINTS), error.not_understood)
    kind = FAULT_KINDS.get(type(error))
    # Errors of the protocol have a number of wsmerror.h; all others have their WMI number, which scripts look for.
    if kind is not None and kind.number:
        return Fault(kind, kind.number, error.text(HINTS))
    return Fault(kind or INTERNAL, error.number, error.text(HINTS), cim_status=error.cim_status)


def eventing_fault(fault: Fault) -> Fault:
    """Return the fault that a Subscribe message gets in place of this fault, or this fault if none replaces it."""
    kind = SUBSCRIBE_FAULT_KINDS.get(fault.kind.subcode)
    if kind is None:
        return fault
    # a fault with the WMI number of its error keeps this number
    return fault._replace(kind=kind, number=fault.number if fault.cim_status else kind.number)


def fault_body(fault: Fault, machine: str) -> str:
    """Return the s:Fault of an envelope (MS-WSMV 2.2.4.43: f:WSManFault)."""
    subcode = fault.kind.subcode and f"<s:Subcode><s:Value>{fault.kind.subcode}</s:Value></s:Subcode>"
    detail = fault.kind.detail and f"<w:FaultDetail>{DETAIL}/{fault.kind.detail}</w:FaultDetail>"
    reason = escape(fault.reason)
    return (
        f"<s:Fault><s:Code><s:Value>{fault.kind.code}</s:Value>{subcode}</s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason><s:Detail>{detail}'
        f'<f:WSManFault xmlns:f="{MICROSOFT_FAULT}" Code="{fault.number}" Machine="{escape(machine)}">'
        f"<f:Message>{reason}</f:Message></f:WSManFault>{_wmi_error_element(fault, reason)}</s:Detail></s:Fault>"
    )


def _wmi_error_element(fault: Fault, reason: str) -> str:
    """Return the element MSFT_WmiError of an error that WMI has, in which clients read error_Code; "" for others."""
    if not fault.cim_status:
        return ""
    return (
        f'<p:MSFT_WmiError xmlns:p="{CIM_SCHEMA}/MSFT_WmiError" xmlns:b="{BINDING}" b:IsCIM_Error="true">'
        f"<p:CIMStatusCode>{fault.cim_status}</p:CIMStatusCode><p:Message>{reason}</p:Message>"
        f"<p:MessageID>HRESULT 0x{fault.number:08x}</p:MessageID><p:error_Code>{fault.number}</p:error_Code>"
        "<p:error_Type>HRESULT</p:error_Type></p:MSFT_WmiError>"
    )
