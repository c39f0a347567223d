"""Tests of errors.py: each error has its own numbers, and every message has a hint."""

import inspect
import pickle
import re

import pytest

from logonscope import errors
from logonscope.errors import PYTHON_HINTS, Hint, HintCode, HintTexts, LogonscopeError
from logonscope.faces.cli import messages
from logonscope.wire.wsman import faults

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, LogonscopeError)]

# WBEM status codes (MS-WMI 2.2.11) and CIM status codes (DSP0200, 5.2.3.1)
DOCUMENTED = {
    "WBEM_E_FAILED": (0x80041001, 1),
    "WBEM_E_NOT_FOUND": (0x80041002, 6),
    "WBEM_E_ACCESS_DENIED": (0x80041003, 2),
    "WBEM_E_INVALID_PARAMETER": (0x80041008, 4),
    "WBEM_E_NOT_SUPPORTED": (0x8004100C, 7),
    "WBEM_E_TYPE_MISMATCH": (0x80041005, 13),
    "WBEM_E_INVALID_NAMESPACE": (0x8004100E, 3),
    "WBEM_E_INVALID_CLASS": (0x80041010, 5),
    "WBEM_E_INVALID_METHOD": (0x8004102E, 17),
    "WBEM_E_INVALID_METHOD_PARAMETERS": (0x8004102F, 4),
    "WBEM_E_INVALID_PROPERTY": (0x80041031, 12),
    "WBEM_E_INVALID_OBJECT_PATH": (0x8004103A, 4),
    "WBEM_E_PROVIDER_LOAD_FAILURE": (0x80041013, 1),
    "WBEM_E_INVALID_QUERY": (0x80041017, 15),
    "WBEM_E_INVALID_QUERY_TYPE": (0x80041018, 14),
    "WBEM_E_QUOTA_VIOLATION": (0x8004106C, 27),
    "WBEM_E_TIMED_OUT": (0x80041069, 1),
    "WBEM_E_NOT_EVENT_CLASS": (0x80041059, 15),
    "WBEM_E_MISSING_GROUP_WITHIN": (0x8004105A, 15),
    "WBEM_E_MISSING_AGGREGATION_LIST": (0x8004105B, 15),
    "WBEM_E_PROPERTY_NOT_AN_OBJECT": (0x8004105C, 15),
    "WBEM_E_AGGREGATING_BY_OBJECT": (0x8004105D, 15),
    "WBEMESS_E_REGISTRATION_TOO_BROAD": (0x80042001, 15),
    "WBEMESS_E_REGISTRATION_TOO_PRECISE": (0x80042002, 15),
    "WBEM_E_INVALID_CONTEXT": (0x80041007, 21),
    "WBEM_E_RETRY_LATER": (0x80043001, 1),
    "WBEM_E_BUFFER_TOO_SMALL": (0x8004103C, 27),
    "WBEM_E_TOO_MUCH_DATA": (0x80041044, 27),
    "WBEM_E_CRITICAL_ERROR": (0x8004100A, 1),
    "WBEM_E_SERVER_TOO_BUSY": (0x80041045, 1),
    "WBEM_E_TRANSPORT_FAILURE": (0x80041015, 1),
}


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_carries_the_documented_numbers(error: type[LogonscopeError]) -> None:
    assert (error.number, error.cim_status) == DOCUMENTED[error.name]


def test_no_two_errors_mean_the_same() -> None:
    assert len({error.number for error in CLASSES}) == len(CLASSES)


def test_an_error_says_what_was_wrong_and_what_to_do() -> None:
    error = errors.NotFoundError("no process 7", "ask again")
    assert (str(error), error.message, error.hint) == ("no process 7; ask again", "no process 7", "ask again")
    assert str(errors.NotFoundError("no process 7")) == "no process 7"


def test_the_public_ones_are_exported() -> None:
    import logonscope  # noqa: PLC0415 -- the module under test

    assert {error.__name__ for error in CLASSES} <= set(logonscope.__all__)


FACES: dict[str, HintTexts] = {
    "Python": PYTHON_HINTS,
    "the command line": messages.HINTS,
    "WS-Management": faults.HINTS,
}
VALUES = {"name": "Win32_Process", "namespace": "root/cimv2", "command": "record", "pid": "7"}


@pytest.mark.parametrize("face", FACES)
def test_every_face_and_every_door_has_a_text_for_every_hint(face: str) -> None:
    assert set(FACES[face]) == set(HintCode)
    for code in HintCode:
        hint = Hint(code, VALUES, "; or not")
        assert hint.text(FACES[face]).endswith("; or not")


def test_each_face_has_its_own_text_of_a_hint() -> None:
    error = errors.NotFoundError("no process 7", Hint(HintCode.LIST_PROCESSES))
    assert (str(error), error.hint) == (
        "no process 7; host.processes() lists the processes",
        error.hint_text(PYTHON_HINTS),
    )
    assert messages.error_text(error) == "no process 7; see `logonscope ps`"
    assert faults.fault_of(error).reason == "no process 7; enumerate Win32_Process"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own


def test_a_hint_omits_the_default_namespace() -> None:
    for namespace, option in (("root/cimv2", ""), ("root/logonscope", " -n root/logonscope")):
        error = errors.InvalidClassError("no", Hint(HintCode.LIST_CLASSES, {"namespace": namespace}))
        assert messages.error_text(error) == f"no; see `logonscope classes{option}`"


@pytest.mark.parametrize("words", [faults.HINTS, PYTHON_HINTS], ids=["WS-Management", "Python"])
def test_hints_for_programs_name_no_command_line(words: HintTexts) -> None:
    for code in set(HintCode) - {HintCode.RUN_ON_THAT_HOST, HintCode.LIST_USERS_ON_THAT_HOST}:
        assert not re.search(r"logonscope [a-z]|sudo|--[a-z]|`", words[code]), code
