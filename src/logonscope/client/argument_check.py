"""Checks the arguments of Host's methods, and converts them to the arguments of operations.

An error names the wrong argument.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logonscope.errors import InvalidObjectPathError, InvalidParameterError

if TYPE_CHECKING:
    from logonscope.answers.history import HistoryFilter
    from logonscope.answers.logon_filter import LogonFilter
    from logonscope.answers.logon_session import Detail
    from logonscope.cim.instances import Instance

REQUIRED_TEXTS = frozenset({"text", "class_name", "name", "method_name"})
TEXTS = frozenset({"namespace", "pattern", "assoc_class", "result_class", "role", "result_role", "query"})
"""Names of arguments that are texts; those of ``TEXTS`` can be None."""


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Check the types of arguments. The name of an argument determines its type; any other name is not checked.

    Raises:
        InvalidParameterError: an argument has a wrong type.
    """
    for name, value in arguments.items():
        if name in REQUIRED_TEXTS and not isinstance(value, str):
            _reject(name, value, "a text")
        if value is None:
            continue
        if name in TEXTS and not isinstance(value, str):
            _reject(name, value, "a text or None")
        if name == "parameters" and not isinstance(value, Mapping):
            _reject(name, value, "a mapping of names to values")
        if name == "timeout" and (isinstance(value, bool) or not isinstance(value, int | float)):
            _reject(name, value, "a number of seconds")


def selection_arguments(which: int | str | None, where: "LogonFilter | None") -> dict[str, Any]:
    """Return the arguments that limit an operation to some logon sessions.

    Raises:
        InvalidParameterError: a value has the wrong type, or is invalid.
    """
    word = None if which is None else _word_text("logon session", which, 'give "41", or 41')
    if where is None:
        return {"which": word}
    from logonscope.answers.logon_filter import LogonFilter  # noqa: PLC0415 -- most calls have no filter

    if not isinstance(where, LogonFilter):
        raise InvalidParameterError(f"invalid filter {where!r}: expected a LogonFilter", "give where=LogonFilter(...)")
    where = where.checked()
    # A filter without conditions is left out: operations with a filter describe every logon session, which is slower.
    return {"which": word} if where.matches_all else {"which": word, "where": where}


def history_arguments(where: "HistoryFilter | None") -> dict[str, Any]:
    """Return the argument that limits the history.

    Raises:
        InvalidParameterError: ``where`` is no HistoryFilter, or has an invalid value.
    """
    if where is None:
        return {}
    from logonscope.answers.history import HistoryFilter  # noqa: PLC0415 -- only the history needs it

    if not isinstance(where, HistoryFilter):
        raise InvalidParameterError(f"invalid filter {where!r}: expected a HistoryFilter", "give HistoryFilter(...)")
    return {"where": where.checked()}


def check_pid(pid: object) -> None:
    """Check that a pid is a number.

    Raises:
        InvalidParameterError: the pid is not an int.
    """
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise InvalidParameterError(f"invalid pid {pid!r}: expected a number", "give an int")


def target_text(target: int | str) -> str:
    """Return the argument of ``whose`` as text.

    Raises:
        InvalidParameterError: the target is neither a text nor a number.
    """
    return _word_text("target", target, "give a pid or name")


def detail_arguments(details: "Iterable[Detail]") -> dict[str, Any]:
    """Return the argument for the requested details of logon sessions.

    Raises:
        InvalidParameterError: the argument is not iterable, or names an unknown detail.
    """
    if not details:
        return {}
    from logonscope.answers.logon_session import ALL_DETAILS  # noqa: PLC0415 -- seldom asked for

    if not isinstance(details, Iterable):
        raise InvalidParameterError(f"invalid details {details!r}: expected names of details")
    names = [details] if isinstance(details, str) else list(details)
    # the type is tested first, because a value that is no text may have no hash
    if unknown := sorted(str(name) for name in names if not isinstance(name, str) or name not in ALL_DETAILS):
        raise InvalidParameterError(f"invalid detail {unknown[0]!r}: expected {', '.join(sorted(ALL_DETAILS))}")
    return {"details": frozenset(names)}


def path_text(path: "str | Instance") -> str:
    """Return an object path, or the path of an instance, as text.

    Raises:
        InvalidObjectPathError: the argument is neither a text nor an instance, or is an instance without a path,
            such as one whose keys were not selected.
    """
    if isinstance(path, str):
        return path
    instance_path = getattr(path, "path", None)
    if isinstance(instance_path, str):
        return instance_path
    raise InvalidObjectPathError(f"{path!r} is not an object path", "give text, or an instance that has its keys")


def check_property_names(properties: Sequence[str] | None) -> Sequence[str] | None:
    """Return the names of properties, unless the argument is one text.

    Raises:
        InvalidParameterError: the argument is a text, which would be read as a list of its letters.
    """
    if isinstance(properties, str):
        raise InvalidParameterError(f"invalid properties {properties!r}: expected a list", f"give [{properties!r}]")
    return properties


def _word_text(name: str, value: object, hint: str) -> str:
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise InvalidParameterError(f"invalid {name} {value!r}: expected text or a number", hint)
    return str(value)


def _reject(name: str, value: object, expected: str) -> None:
    raise InvalidParameterError(f"invalid {name} {repr(value)[:100]}: expected {expected}")
