"""Tests of wql/bind.py: names and constants are bound to a class; others are rejected with their position."""

from datetime import UTC, datetime

import pytest

from logonscope.cim.binding import is_own_name
from logonscope.cim.schema import CIMV2, schema
from logonscope.errors import (
    InvalidClassError,
    InvalidObjectPathError,
    InvalidQueryError,
    LogonscopeError,
    QuotaViolationError,
    TypeMismatchError,
)
from logonscope.wql.bind import BOOLEAN, CLASS, MOMENT, NUMBER, REFERENCE, TEXT, THIS, bind, class_scope
from logonscope.wql.condition import FALSE, NOT_LIKE, Condition, Every, NullTest, Some, Term, Truth
from logonscope.wql.parse import parse
from logonscope.wql.tree import Select


def bound(class_name: str, where: str) -> Condition:
    """Bind a condition on a class."""
    text = f"SELECT * FROM {class_name} WHERE {where}"
    select = parse(text)
    assert isinstance(select, Select)
    assert select.where is not None
    return bind(select.where, class_scope(schema().get(class_name, CIMV2), text, is_own_name))


MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
NAME, PRIORITY = Term("Name", "=", "x", TEXT), Term("Priority", "<", 5, NUMBER)
PROCESS = Term(THIS, "ISA", "Win32_Process", CLASS)


@pytest.mark.parametrize(
    ("where", "condition"),
    [
        ("nAME = 'x'", NAME),
        ("NOT Name = 'x'", Term("Name", "<>", "x", TEXT)),
        ("NOT NOT Name = 'x'", NAME),
        ("NOT Name LIKE 'x%'", Term("Name", NOT_LIKE, "x%", TEXT)),
        ("NOT Priority >= 5", PRIORITY),
        ("Name = 'x' AND Priority < 5", Every((NAME, PRIORITY))),
        ("NOT (Name <> 'x' OR Priority >= 5)", Every((NAME, PRIORITY))),
        ("NOT (Name <> 'x' AND Priority >= 5)", Some((NAME, PRIORITY))),
        ("Name IS NULL", NullTest("Name", is_null=True)),
        ("NOT Name IS NULL", NullTest("Name", is_null=False)),
        ("Handle = 4312", Term("Handle", "=", "4312", TEXT)),
        ("Handle = TRUE", Term("Handle", "=", "TRUE", TEXT)),
        ("ProcessId = '4312'", Term("ProcessId", "=", 4312, NUMBER)),
        ("ProcessId = ' 0x10 '", Term("ProcessId", "=", 16, NUMBER)),
        ("ProcessId = 4312.0", Term("ProcessId", "=", 4312, NUMBER)),
        ("ProcessId < '7.5e1'", Term("ProcessId", "<", 75, NUMBER)),
        ("ProcessId < 7.5", Term("ProcessId", "<", 7.5, NUMBER)),
        ("ProcessId = TRUE", Term("ProcessId", "=", 1, NUMBER)),
        ("CreationDate > '20260101010000.000000+060'", Term("CreationDate", ">", MIDNIGHT, MOMENT)),
        ("CreationDate > '2026-01-01T00:00:00Z'", Term("CreationDate", ">", MIDNIGHT, MOMENT)),
        ("__Class = 'Win32_Process'", Term("__CLASS", "=", "Win32_Process", TEXT)),
        ("__genus = 2", Term("__GENUS", "=", 2, NUMBER)),
        ("__this ISA 'win32_process'", PROCESS),
        ("Name.Inner = 'x'", FALSE),
        ("NOT Name.Inner = 'x'", FALSE),
        ("__RELPATH LIKE '%x'", Term("__RELPATH", "LIKE", "%x", TEXT)),
        ("__PATH = 'Win32_Process=7'", Every((PROCESS, Term("Handle", "=", "7", TEXT)))),
        ("__RELPATH <> 'Win32_Process=7'", Some((PROCESS.negated, Term("Handle", "<>", "7", TEXT)))),
        ("__PATH = '//elsewhere/root/cimv2:Win32_Process=7'", Truth(False)),
        ("__PATH = 'root/logonscope:LS_Process=7'", Truth(False)),
        ("__PATH <> 'Win32_Process'", Truth(True)),
        ("__PATH <> '//elsewhere/root/cimv2:Win32_Process=7'", Truth(True)),
    ],
)  # fmt: skip
def test_what_a_condition_means(where: str, condition: Condition) -> None:
    assert bound("Win32_Process", where) == condition


def test_a_pattern_may_have_a_thousand_characters() -> None:
    assert bound("Win32_Process", f"Name LIKE '{'x' * 1000}'") == Term("Name", "LIKE", "x" * 1000, TEXT)


def test_types_of_other_classes() -> None:
    assert bound("Win32_UserAccount", "Lockout = 'FALSE'") == Term("Lockout", "=", False, BOOLEAN)
    assert bound("Win32_SessionProcess", r"Dependent='\\\\.\\root\\cimv2:Win32_Process=\'7\''") == Term(
        "Dependent", "=", ("Win32_Process", "7"), REFERENCE
    )
    for path in ("Win32_Process", "Win32_LogonSession", "root/logonscope:LS_Process=1"):
        assert bound("Win32_SessionProcess", f"Dependent = '{path}'") == FALSE
        assert bound("Win32_SessionProcess", f"Dependent <> '{path}'") == NullTest("Dependent", is_null=False)
    elsewhere = "Dependent <> '//elsewhere/root/cimv2:Win32_Process=7'"
    assert bound("Win32_SessionProcess", elsewhere) == NullTest("Dependent", is_null=False)
    assert bound("Win32_SessionProcess", f"NOT {elsewhere}") == FALSE


@pytest.mark.parametrize(
    ("class_name", "where", "error", "words"),
    [
        ("Win32_Process", "Nam = 'x'", InvalidQueryError, "'Nam', at line 1, column 35; did you mean Name?"),
        ("Win32_Process", "Name = 'x' AND\n LogonId = 1", InvalidQueryError, "at line 2, column 2"),
        ("Win32_Process", "Priority = 'high'", TypeMismatchError, "expected a number, at line 1, column 46"),
        ("Win32_Process", "Priority = '1_0'", TypeMismatchError, "give a number"),
        ("Win32_Process", "Priority LIKE '1%'", InvalidQueryError, "cannot use LIKE with Priority"),
        ("Win32_Process", f"Name LIKE '{'x' * 1001}'", QuotaViolationError, "pattern too long: 1,001 characters"),
        ("Win32_Process", "CreationDate > 'yesterday'", TypeMismatchError, "expected a datetime"),
        ("Win32_Process", "CreationDate > '00000001000000.000000:000'", TypeMismatchError, "a point in time"),
        ("Win32_Process", "CreationDate > 5", TypeMismatchError, "expected a datetime"),
        ("Win32_Process", "Name ISA 'Win32_Process'", InvalidQueryError, "with Name: it is not an object"),
        ("Win32_Process", "__this = 'Win32_Process'", InvalidQueryError, "is an object"),
        ("Win32_Process", "__this ISA 'Nothing'", InvalidClassError, "Nothing"),
        ("Win32_Process", "__DERIVATION = 'x'", InvalidQueryError, "is an array"),
        ("Win32_Process", "__PATH = 'Win32_Process.Name=7'", InvalidObjectPathError, "is not a key"),
        ("Win32_ComputerSystem", "Roles = 'x'", InvalidQueryError, "is an array"),
        ("Win32_UserAccount", "Lockout = 'perhaps'", TypeMismatchError, "TRUE or FALSE"),
        ("Win32_UserAccount", "Lockout > 0", InvalidQueryError, "compare by = or <>"),
        ("Win32_SessionProcess", "Dependent < 'Win32_Process=1'", InvalidQueryError, "compare by = or <>"),
        ("Win32_SessionProcess", "Dependent = '4312'", InvalidObjectPathError, "4312"),
        ("Win32_SessionProcess", "Dependent = 'Nothing=1'", InvalidClassError, "at line 1, column 54"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(class_name: str, where: str, error: type[LogonscopeError], words: str) -> None:
    with pytest.raises(error) as refused:
        bound(class_name, where)
    assert words in str(refused.value)
    assert "at line" in str(refused.value)
