"""JSON of errors: WMI's name and number, the message and the hint; and the HTTP status of each error."""

from collections.abc import Iterator, Mapping
from typing import Any

from logonscope import errors
from logonscope.errors import Hint, HintCode, HintTexts, LogonscopeError

HINTS: HintTexts = {
    HintCode.LIST_CLASSES: 'POST /v1/classes {{"namespace": "{namespace}"}} lists the classes',
    HintCode.SHOW_CLASS: 'POST /v1/get_class {{"name": "{name}", "namespace": "{namespace}"}} shows the class',
    HintCode.USE_OTHER_NAMESPACE: "it is a class of {namespace}",
    HintCode.LIST_INSTANCES: 'POST /v1/enumerate {{"class_name": "{name}", "namespace": "{namespace}"}} lists them',
    HintCode.LOOK_INTO_NAMESPACES: 'send "all_namespaces": true to look into all',
    HintCode.LIST_PROCESSES: "POST /v1/processes lists the processes",
    HintCode.FIND_PROCESS: (
        'POST /v1/processes lists running processes; POST /v1/past_processes {{"where": {{"word": "pid:{pid}"}}}}'
        " finds an ended one"
    ),
    HintCode.CHECK_ACCESS: "POST /v1/doctor shows what can be read",
    HintCode.GET_RIGHTS: "authenticate as an administrator",
    HintCode.SEE_OTHERS: "authenticate as an administrator",
    HintCode.RUN_AS_ROOT: "authenticate as an administrator",
    HintCode.USE_RECORDING: "ask the server's administrator to run Logonscope on the host that you mean",
    HintCode.REPLACE_FILE: "give another name",
    HintCode.TRUST_CERTIFICATE: "trust its certificate",
    HintCode.RUN_ON_THAT_HOST: "run on the server: logonscope {command}",
    HintCode.LIST_USERS_ON_THAT_HOST: "ask the server's administrator for the users who have access",
}
"""Hints for clients of this API."""

STATUSES: Mapping[type[LogonscopeError], int] = {
    errors.NotFoundError: 404,
    errors.AccessDeniedError: 403,
    errors.InvalidParameterError: 400,
    errors.NotSupportedError: 501,
    errors.InvalidNamespaceError: 404,
    errors.InvalidClassError: 404,
    errors.InvalidPropertyError: 400,
    errors.InvalidObjectPathError: 400,
    errors.TypeMismatchError: 400,
    errors.InvalidMethodError: 404,
    errors.InvalidMethodParametersError: 400,
    errors.InvalidQueryError: 400,
    errors.InvalidQueryTypeError: 400,
    errors.QuotaViolationError: 429,
    errors.TimedOutError: 504,
    errors.NotEventClassError: 400,
    errors.MissingGroupWithinError: 400,
    errors.MissingAggregationListError: 400,
    errors.PropertyNotAnObjectError: 400,
    errors.AggregatingByObjectError: 400,
    errors.RegistrationTooBroadError: 400,
    errors.RegistrationTooPreciseError: 400,
    errors.EnumerationNotFoundError: 410,
    errors.PullInProgressError: 409,
    errors.AnswerTooLargeError: 400,
    errors.RequestTooLargeError: 413,
    errors.InternalError: 500,
    errors.ServerTooBusyError: 503,
    errors.TransportFailureError: 502,
    errors.RecordingError: 500,
}
"""The HTTP status by error class. Other errors, such as a plain LogonscopeError, have the status 500."""


def status_of(error: LogonscopeError) -> int:
    """Return the HTTP status of an error."""
    return STATUSES.get(type(error), 500)


def write_error(error: LogonscopeError) -> dict[str, Any]:
    """Return an error as an object. If its hint has a code, the object has the hint's code, values and text."""
    members: dict[str, Any] = {
        "name": error.name, "number": error.number, "message": error.message, "hint": error.hint_text(HINTS)
    }  # fmt: skip
    if isinstance(error.advice, Hint):
        code, values, also = error.advice
        members["hint_code"] = {"code": code.value, "values": dict(values), "also": also}
    return {"error": members}


def read_error(json_object: Mapping[str, Any]) -> LogonscopeError:
    """Return the error that an object describes: a plain LogonscopeError if its name is unknown.

    An object that describes no error gives a TransportFailureError.
    """
    members = json_object.get("error")
    if not isinstance(members, Mapping):
        return errors.TransportFailureError("the response is not an answer", "check the server")
    # by name, not by number: the name is what documentation and messages have
    classes = {cls.name: cls for cls in _subclasses(LogonscopeError)}
    error_class = classes.get(str(members.get("name")), LogonscopeError)
    return error_class(str(members.get("message", "")), _read_advice(members))


def _read_advice(members: Mapping[str, Any]) -> str | Hint:
    hint_code, text = members.get("hint_code"), str(members.get("hint", ""))
    if not isinstance(hint_code, Mapping) or str(hint_code.get("code")) not in set(HintCode):
        return text
    hint_values = hint_code.get("values", {})
    if not isinstance(hint_values, Mapping):
        return text
    values = {str(name): str(value) for name, value in hint_values.items()}
    hint = Hint(HintCode(str(hint_code["code"])), values, str(hint_code.get("also", "")))
    try:
        hint.text(HINTS)
    except (LookupError, ValueError):  # a newer server gives other values for this code
        return text
    return hint


def _subclasses(cls: type[LogonscopeError]) -> Iterator[type[LogonscopeError]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
