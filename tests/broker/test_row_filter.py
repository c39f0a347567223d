"""Tests of broker/row_filter.py: the rows that keys and conditions select."""

import pytest

from logonscope.broker.plan import RowsPlan, plan
from logonscope.broker.row_filter import RowFilter, filter_by_condition, references_to
from logonscope.cim.binding import Target
from logonscope.cim.schema import schema
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT

REQUEST = Memory(example.snapshot()).request(ROOT)


def where(text: str) -> RowFilter:
    """Return the condition of a query for instances of one class."""
    found = plan(REQUEST, text)
    assert isinstance(found, RowsPlan)
    (part,) = found.parts
    return filter_by_condition(REQUEST, part.cls, part.condition)


@pytest.mark.parametrize(
    ("condition", "columns", "fixed"),
    [
        ("Name = 'x' AND ProcessId > 3", ("Name", "ProcessId"), {"Name": {"x"}}),
        ("Handle = 3 OR Handle = 4", ("Handle",), {"Handle": {"3", "4"}}),
        ("__RELPATH = 'Win32_Process=3'", ("Handle",), {"Handle": {"3"}}),
        ("__PATH LIKE '%3%' AND Name = 'x'", ("Handle", "Name"), {"Name": {"x"}}),
        ("Handle = 3 OR Name = 'x'", ("Handle", "Name"), {}),
    ],
)
def test_a_condition_says_what_it_looks_at_and_what_it_fixes(
    condition: str, columns: tuple[str, ...], fixed: dict[str, set[str]]
) -> None:
    found = where(f"SELECT * FROM Win32_Process WHERE {condition}")
    assert found.columns == columns
    assert {name: set(values) for name, values in found.fixed.items()} == fixed


def test_the_text_of_a_path_is_made_of_the_keys() -> None:
    like = r"""'\\\\WEB1\\root_cimv2:%="431_"'"""
    fits = where(f"SELECT Name FROM Win32_Process WHERE __PATH LIKE {like}").predicate(["Handle"])
    assert [handle for handle in ("4311", "4312", "431", "5") if fits((handle,))] == ["4311", "4312"]


def test_a_row_refers_to_an_instance_at_its_end() -> None:
    found = references_to("Antecedent", Target(schema().get("Win32_UserAccount"), ("web1", "alice")))
    assert (found.columns, set(found.fixed)) == (("Antecedent",), {"Antecedent"})
    fits = found.predicate(["Dependent", "Antecedent"])
    assert fits((None, ("Win32_Account", "web1", "alice")))
    assert not fits((None, ("Win32_Account", "web1", "ALICE")))


def test_an_account_is_compared_by_its_own_class_too() -> None:
    named = r"Antecedent {} 'Win32_SystemAccount.Domain=\"web1\",Name=\"alice\"'"
    for operator, expected in (("=", [True, False, False]), ("<>", [False, True, True])):
        found = where(f"SELECT * FROM Win32_LoggedOnUser WHERE {named.format(operator)}")
        assert found.columns == ("Antecedent", "Antecedent.__CLASS")
        fits = found.predicate(found.columns)
        rows = (("ALICE", "Win32_SystemAccount"), ("alice", "Win32_UserAccount"), ("bob", "Win32_SystemAccount"))
        assert [fits((("Win32_Account", "web1", name), of)) for name, of in rows] == expected
    assert where(f"SELECT * FROM Win32_LoggedOnUser WHERE {named.format('=')}").fixed["Antecedent"]
