"""Tests of wql/predicate.py: the compiled condition equals a slow and simple evaluation on every row.

The obvious one walks the tree for each row, in three-valued logic: true, false, and None for "not known".
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.binding import is_own_name
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.schema import CIMV2, schema
from logonscope.wql.bind import bind, class_scope
from logonscope.wql.like import compile_like
from logonscope.wql.parse import parse
from logonscope.wql.predicate import compile_predicate
from logonscope.wql.tree import And, Comparison, ConditionTree, IsNull, Name, Not, Or, Select
from logonscope.wql.write import write_constant, write_statement
from tests.wql.trees import ORDERED

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)

texts = st.text("aAbB%_\\\"' 1", max_size=4)
numbers = st.integers(-3, 3)
moments = st.builds(
    lambda seconds, hours: (START + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=hours))),
    st.integers(0, 3),
    st.integers(-2, 2),
)
pids = st.sampled_from(("1", "2", "A", "a"))


KINDS: Mapping[str, st.SearchStrategy[Any]] = {
    "Name": texts,
    "Handle": texts,
    "Priority": numbers,
    "UserModeTime": numbers,
    "CreationDate": moments,
    "TerminationDate": moments,
}


def _spelled(value: Any) -> st.SearchStrategy[Any]:
    """Spell a value as a query may: numbers as text, times in either form and any zone."""
    if isinstance(value, datetime):
        return st.sampled_from([format_datetime(value), value.isoformat()])
    if isinstance(value, int):
        return st.sampled_from([value, str(value), float(value), f" {value} "])
    return st.just(value)


@st.composite
def comparisons(draw: st.DrawFn) -> ConditionTree:
    column = draw(st.sampled_from(sorted(KINDS)))
    name = Name((draw(st.sampled_from([column, column.upper(), column.lower()])),))
    if draw(st.integers(0, 4)) == 0:
        return IsNull(name)
    value = draw(KINDS[column])
    if isinstance(value, str) and draw(st.booleans()):
        return Comparison(name, "LIKE", value)
    return Comparison(name, draw(st.sampled_from(ORDERED)), draw(_spelled(value)))


conditions: st.SearchStrategy[ConditionTree] = st.recursive(
    comparisons(),
    lambda smaller: (
        st.builds(Not, smaller)
        | st.builds(And, st.lists(smaller, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(smaller, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
rows = st.fixed_dictionaries({column: st.none() | values for column, values in KINDS.items()})


def obviously(tree: ConditionTree, row: Mapping[str, Any]) -> bool | None:
    """Say whether a condition holds; None where a null leaves it open."""
    if isinstance(tree, Not):
        inner = obviously(tree.term, row)
        return None if inner is None else not inner
    if isinstance(tree, (And, Or)):
        said = [obviously(term, row) for term in tree.terms]
        decisive = isinstance(tree, Or)
        return decisive if decisive in said else None if None in said else not decisive
    (column,) = (column for column in KINDS if column.lower() == str(tree.name).lower())
    value = row[column]
    if isinstance(tree, IsNull):
        return value is None
    if value is None:
        return None
    if tree.operator == "LIKE":
        return compile_like(str(tree.constant))(value)
    wanted: Any = tree.constant
    if isinstance(value, str):
        value, wanted = value.lower(), str(wanted).lower()
    elif isinstance(value, datetime):
        wanted = next(moment for moment in MOMENTS if wanted in {format_datetime(moment), moment.isoformat()})
    else:
        wanted = float(wanted)
    return COMPARE[tree.operator](value, wanted)


MOMENTS = [
    (START + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=hours)))
    for seconds in range(4)
    for hours in range(-2, 3)
]


def fitting(class_name: str, where: str) -> Callable[[Mapping[str, Any]], bool]:
    """Bind and compile a condition on a class; rows are given by name."""
    text = f"SELECT * FROM {class_name} WHERE {where}"
    select = parse(text)
    assert isinstance(select, Select)
    assert select.where is not None
    cls = schema().get(class_name, CIMV2)
    columns = list(cls.properties)
    condition = bind(select.where, class_scope(cls, text, is_own_name))
    fits = compile_predicate(condition, lambda name: itemgetter(columns.index(name)), cls)
    return lambda row: fits(tuple(row.get(column) for column in columns))


@given(conditions, st.lists(rows, min_size=1, max_size=8))
def test_it_says_what_an_obvious_reading_says(tree: ConditionTree, given_rows: list[dict[str, Any]]) -> None:
    where = write_statement(Select(None, "C", tree)).partition(" WHERE ")[2]
    fits = fitting("Win32_Process", where)
    for row in given_rows:
        assert fits(row) is (obviously(tree, row) is True), (where, row)


SPELLINGS = (
    'Win32_Process.Handle="{}"', "win32_process='{}'", r'\\.\root\cimv2:Win32_Process.handle="{}"',
    '//localhost/ROOT/CIMV2:WIN32_PROCESS="{}"',
)  # fmt: skip


@given(pids, pids, st.sampled_from(("=", "<>", "!=")), st.booleans(), st.sampled_from(SPELLINGS))
def test_references_are_compared_by_what_they_name(
    one: str, other: str, said: str, negated: bool, spelling: str
) -> None:
    fits = fitting(
        "Win32_SessionProcess", f"{'NOT ' if negated else ''}Dependent {said} {write_constant(spelling.format(one))}"
    )
    assert fits({"Dependent": ("Win32_Process", other)}) is (
        ((one.lower() == other.lower()) is (said == "=")) is not negated
    )
    assert not fits({"Dependent": None})


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ('Antecedent = \'Win32_UserAccount.Domain="WEB1",Name="Alice"\'', True),
        ('Antecedent = \'Win32_Account.Name="alice",Domain="web1"\'', True),
        ('Antecedent <> \'Win32_UserAccount.Domain="web1",Name="bob"\'', True),
        ("Antecedent = 'Win32_Process=\"alice\"'", False),
        ('Antecedent = \'//elsewhere/root/cimv2:Win32_Account.Name="alice",Domain="web1"\'', False),
        ('Antecedent <> \'//elsewhere/root/cimv2:Win32_Account.Name="alice",Domain="web1"\'', True),
        ("Antecedent LIKE '%name=\"ALICE\"'", True),
        ("NOT Antecedent LIKE '%bob%'", True),
    ],
)
def test_an_account_is_named_by_the_class_of_all_accounts_or_its_own(condition: str, fits: bool) -> None:
    assert fitting("Win32_LoggedOnUser", condition)({"Antecedent": ("Win32_Account", "web1", "alice")}) is fits


@pytest.mark.parametrize(
    ("condition", "row", "fits"),
    [
        ("Lockout = TRUE", {"Lockout": True}, True),
        ("Lockout = 1", {"Lockout": True}, True),
        ("Lockout = -1", {"Lockout": True}, True),
        ("Lockout = 'true'", {"Lockout": True}, True),
        ("Lockout <> FALSE", {"Lockout": False}, False),
        ("NOT Lockout = TRUE", {"Lockout": None}, False),
        ("Lockout = NULL", {"Lockout": None}, True),
        ("SIDType >= 0x01", {"SIDType": 1}, True),
        ("SIDType < 1.5", {"SIDType": 1}, True),
        ("Name = TRUE", {"Name": "true"}, True),
        ("Name = 5", {"Name": "5"}, True),
        ("Name > 'b:' AND Name < 'd:'", {"Name": "C:"}, True),
        ("InstallDate LIKE '20260101%'", {"InstallDate": START}, True),
        ("Name IS NULL", {"Name": ""}, False),
    ],
)
def test_values_of_each_type(condition: str, row: dict[str, Any], fits: bool) -> None:
    assert fitting("Win32_UserAccount", condition)(row) is fits
