"""errors.py: does each meaning have its own numbers, and does every message say what to do?"""

import inspect

import pytest

from logonscope import errors
from logonscope.errors import LogonscopeError

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
