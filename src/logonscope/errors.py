"""Exception classes with their error codes: one class for each meaning that a caller can act on.

Each class carries its WMI name and number (MS-WMI 2.2.11, WBEMSTATUS) and its DMTF status (DSP0200, 5.2.3.1). The
message says what is wrong, the hint what to do about it. Where the hint depends on the reader (a command to type, a
method to call, a request to send), it is a code, and each face and each door has its own text for the code.
"""

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import ClassVar, NamedTuple

MAX_MESSAGE_LENGTH = 500
"""Maximum characters of a message: messages quote input, which can have any length."""


class HintCode(StrEnum):
    """Advice whose text depends on the face or the door.

    The comments have the names of the values that the text needs, or the purpose of the advice.
    """

    LIST_CLASSES = auto()  # namespace
    SHOW_CLASS = auto()  # name, namespace
    USE_OTHER_NAMESPACE = auto()  # name, namespace: the namespace that has the class
    LIST_INSTANCES = auto()  # name, namespace
    LIST_PROCESSES = auto()
    FIND_PROCESS = auto()  # pid: of a running process, or one that has ended
    CHECK_ACCESS = auto()  # to check what can be read
    GET_RIGHTS = auto()  # to see the processes of other users, and the files that they have open
    SEE_OTHERS = auto()  # to see the logon sessions of other users
    RUN_AS_ROOT = auto()
    USE_RECORDING = auto()
    REPLACE_FILE = auto()
    TRUST_CERTIFICATE = auto()
    LOOK_INTO_NAMESPACES = auto()  # to look for a socket in all network namespaces
    RUN_ON_THAT_HOST = auto()  # command
    LIST_USERS_ON_THAT_HOST = auto()


HintTexts = Mapping[HintCode, str]
"""The text for every hint code, with the names of its values in braces (str.format)."""

PYTHON_HINTS: HintTexts = {
    HintCode.LIST_CLASSES: 'host.classes(namespace="{namespace}") lists the classes',
    HintCode.SHOW_CLASS: 'host.get_class("{name}", namespace="{namespace}") shows the class',
    HintCode.USE_OTHER_NAMESPACE: (
        'it is in {namespace}: host.get_class("{name}", namespace="{namespace}") shows the class'
    ),
    HintCode.LIST_INSTANCES: 'host.enumerate("{name}", namespace="{namespace}") lists the instances',
    HintCode.LIST_PROCESSES: "host.processes() lists the processes",
    HintCode.FIND_PROCESS: (
        'host.processes() lists running processes; host.past_processes(HistoryFilter("pid:{pid}")) finds an ended one'
    ),
    HintCode.CHECK_ACCESS: "host.doctor() shows what can be read",
    HintCode.GET_RIGHTS: "run it as root",
    HintCode.SEE_OTHERS: 'run it as root, or connect(visibility="kernel")',
    HintCode.RUN_AS_ROOT: "run it as root",
    HintCode.USE_RECORDING: "give a file that host.record() wrote",
    HintCode.REPLACE_FILE: "give another name, or replace=True",
    HintCode.TRUST_CERTIFICATE: "give certificate=FILE, or set LOGONSCOPE_CA",
    HintCode.LOOK_INTO_NAMESPACES: "host.whose(..., all_namespaces=True) looks into all",
    HintCode.RUN_ON_THAT_HOST: "run this command on that host: logonscope {command}",
    HintCode.LIST_USERS_ON_THAT_HOST: (
        "ask the administrator of that host, who can list its users: logonscope user list"
    ),
}


class Hint(NamedTuple):
    """Advice for an error, as a code. A face or a door turns the code into text; ``also`` is the end of the text."""

    code: HintCode
    values: Mapping[str, str] = {}
    also: str = ""

    def text(self, texts: HintTexts) -> str:
        """Return the hint as text, by the texts of a face or a door."""
        return texts[self.code].format_map(self.values) + self.also


class LogonscopeError(Exception):
    """Base class of every error that Logonscope reports; str() is "what is wrong; what to do"."""

    name: ClassVar[str] = "WBEM_E_FAILED"
    number: ClassVar[int] = 0x80041001
    cim_status: ClassVar[int] = 1  # CIM_ERR_FAILED

    def __init__(self, message: str, advice: str | Hint = "") -> None:
        self.message = message if len(message) <= MAX_MESSAGE_LENGTH else f"{message[: MAX_MESSAGE_LENGTH - 3]}..."
        self.advice = advice
        super().__init__(self.message, advice)

    @property
    def hint(self) -> str:
        """Return what to do, for a reader who writes Python."""
        return self.hint_text(PYTHON_HINTS)

    def hint_text(self, texts: HintTexts) -> str:
        """Return what to do, by the texts of a face or a door."""
        return self.advice if isinstance(self.advice, str) else self.advice.text(texts)

    def text(self, texts: HintTexts) -> str:
        """Return "what is wrong; what to do", by the texts of a face or a door."""
        hint = self.hint_text(texts)
        return f"{self.message}; {hint}" if hint else self.message

    def __str__(self) -> str:
        return self.text(PYTHON_HINTS)


class NotFoundError(LogonscopeError):
    """The requested object does not exist, or this caller may not see it."""

    name = "WBEM_E_NOT_FOUND"
    number = 0x80041002
    cim_status = 6  # CIM_ERR_NOT_FOUND


class AccessDeniedError(LogonscopeError):
    """The caller, or this process, lacks the rights for the operation, or the authentication failed."""

    name = "WBEM_E_ACCESS_DENIED"
    number = 0x80041003
    cim_status = 2  # CIM_ERR_ACCESS_DENIED


class InvalidParameterError(LogonscopeError):
    """An argument is invalid, such as a target, a timeout, an output file or an association's role."""

    name = "WBEM_E_INVALID_PARAMETER"
    number = 0x80041008
    cim_status = 4  # CIM_ERR_INVALID_PARAMETER


class NotSupportedError(LogonscopeError):
    """This host, its protocol or this platform does not support the operation, or a module for it is not installed."""

    name = "WBEM_E_NOT_SUPPORTED"
    number = 0x8004100C
    cim_status = 7  # CIM_ERR_NOT_SUPPORTED


class InvalidNamespaceError(LogonscopeError):
    """This host has no such namespace, or the path names another host."""

    name = "WBEM_E_INVALID_NAMESPACE"
    number = 0x8004100E
    cim_status = 3  # CIM_ERR_INVALID_NAMESPACE


class InvalidClassError(LogonscopeError):
    """The namespace has no such class."""

    name = "WBEM_E_INVALID_CLASS"
    number = 0x80041010
    cim_status = 5  # CIM_ERR_INVALID_CLASS


class InvalidPropertyError(LogonscopeError, KeyError):
    """The class has no such property, or the property was not selected for this instance.

    The exception is a KeyError, too, because an instance is a mapping.
    """

    name = "WBEM_E_INVALID_PROPERTY"
    number = 0x80041031
    cim_status = 12  # CIM_ERR_NO_SUCH_PROPERTY


class InvalidObjectPathError(LogonscopeError):
    """A text is not an object path, or its keys are not those of the class."""

    name = "WBEM_E_INVALID_OBJECT_PATH"
    number = 0x8004103A
    cim_status = 4  # CIM_ERR_INVALID_PARAMETER


class TypeMismatchError(LogonscopeError):
    """A value does not have the type of its property or parameter."""

    name = "WBEM_E_TYPE_MISMATCH"
    number = 0x80041005
    cim_status = 13  # CIM_ERR_TYPE_MISMATCH


class InvalidMethodError(LogonscopeError):
    """The class has no such method."""

    name = "WBEM_E_INVALID_METHOD"
    number = 0x8004102E
    cim_status = 17  # CIM_ERR_METHOD_NOT_FOUND


class InvalidMethodParametersError(LogonscopeError):
    """The method has no such parameter, or a parameter is missing."""

    name = "WBEM_E_INVALID_METHOD_PARAMETERS"
    number = 0x8004102F
    cim_status = 4  # CIM_ERR_INVALID_PARAMETER


class InvalidQueryError(LogonscopeError):
    """A query is not valid WQL, or names a property that its class does not have; the message says where."""

    name = "WBEM_E_INVALID_QUERY"
    number = 0x80041017
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class InvalidQueryTypeError(LogonscopeError):
    """The query language is not supported."""

    name = "WBEM_E_INVALID_QUERY_TYPE"
    number = 0x80041018
    cim_status = 14  # CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED


class QuotaViolationError(LogonscopeError):
    """The input exceeds a limit (length, nesting, number of parts), or a caller has too much open, such as watches."""

    name = "WBEM_E_QUOTA_VIOLATION"
    number = 0x8004106C
    cim_status = 27  # CIM_ERR_SERVER_LIMITS_EXCEEDED


class TimedOutError(LogonscopeError):
    """The operation did not finish before its deadline, or no event came within the timeout."""

    name = "WBEM_E_TIMED_OUT"
    number = 0x80041069


class NotEventClassError(LogonscopeError):
    """An event query names a class that is not an event class."""

    name = "WBEM_E_NOT_EVENT_CLASS"
    number = 0x80041059
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class MissingGroupWithinError(LogonscopeError):
    """An event query has BY without GROUP WITHIN."""

    name = "WBEM_E_MISSING_GROUP_WITHIN"
    number = 0x8004105A
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class MissingAggregationListError(LogonscopeError):
    """An event query aggregates events without a list of properties after BY."""

    name = "WBEM_E_MISSING_AGGREGATION_LIST"
    number = 0x8004105B
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class PropertyNotAnObjectError(LogonscopeError):
    """A query names an inner property, as in A.B, of a property A that is not an object."""

    name = "WBEM_E_PROPERTY_NOT_AN_OBJECT"
    number = 0x8004105C
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class AggregatingByObjectError(LogonscopeError):
    """An event query aggregates by an embedded object."""

    name = "WBEM_E_AGGREGATING_BY_OBJECT"
    number = 0x8004105D
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class RegistrationTooBroadError(LogonscopeError):
    """An event query does not limit the class of the instances that its events are about."""

    name = "WBEMESS_E_REGISTRATION_TOO_BROAD"
    number = 0x80042001
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class RegistrationTooPreciseError(LogonscopeError):
    """An event query lacks WITHIN, the polling interval: its events are found only by polling the class."""

    name = "WBEMESS_E_REGISTRATION_TOO_PRECISE"
    number = 0x80042002
    cim_status = 15  # CIM_ERR_INVALID_QUERY


class EnumerationNotFoundError(LogonscopeError):
    """No enumeration or subscription with this id is open, or it belongs to another caller or door."""

    name = "WBEM_E_INVALID_CONTEXT"
    number = 0x80041007
    cim_status = 21  # CIM_ERR_INVALID_ENUMERATION_CONTEXT


class PullInProgressError(LogonscopeError):
    """Another request is pulling from this enumeration or subscription."""

    name = "WBEM_E_RETRY_LATER"
    number = 0x80043001


class AnswerTooLargeError(LogonscopeError):
    """The response, or its next row, is larger than the client accepts, or than the server may send."""

    name = "WBEM_E_BUFFER_TOO_SMALL"
    number = 0x8004103C
    cim_status = 27  # CIM_ERR_SERVER_LIMITS_EXCEEDED


class RequestTooLargeError(LogonscopeError):
    """The request is larger than the server accepts."""

    name = "WBEM_E_TOO_MUCH_DATA"
    number = 0x80041044
    cim_status = 27  # CIM_ERR_SERVER_LIMITS_EXCEEDED


class InternalError(LogonscopeError):
    """The server failed unexpectedly; its log has the details."""

    name = "WBEM_E_CRITICAL_ERROR"
    number = 0x8004100A


class ServerTooBusyError(LogonscopeError):
    """The server or this process cannot answer now: too many requests, failed authentications or open files."""

    name = "WBEM_E_SERVER_TOO_BUSY"
    number = 0x80041045


class TransportFailureError(LogonscopeError):
    """The remote host cannot be reached, its response is invalid, or it has ended a stream of events."""

    name = "WBEM_E_TRANSPORT_FAILURE"
    number = 0x80041015


class RecordingError(LogonscopeError):
    """A recording cannot be read: the file is not a recording, damaged, truncated, or of a newer version."""

    name = "WBEM_E_PROVIDER_LOAD_FAILURE"
    number = 0x80041013
