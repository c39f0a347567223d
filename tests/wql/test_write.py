"""Tests of wql/write.py: a written tree is parsed to the same tree, and conditions are readable."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from logonscope.cim.schema import schema
from logonscope.wql.bind import BOOLEAN, CLASS, MOMENT, NUMBER, REFERENCE, TEXT
from logonscope.wql.condition import FALSE, NOT_ISA, NOT_LIKE, TRUE, Condition, Every, NullTest, Some, Term
from logonscope.wql.parse import parse
from logonscope.wql.tree import Statement
from logonscope.wql.write import describe_condition, write_statement
from tests.wql.trees import statements


@given(statements)
def test_what_is_written_is_parsed_to_the_same_tree(tree: Statement) -> None:
    assert parse(write_statement(tree)) == tree


@given(statements)
def test_what_is_written_twice_is_the_same_text(tree: Statement) -> None:
    assert write_statement(parse(write_statement(tree))) == write_statement(tree)


@pytest.mark.parametrize(
    ("given_text", "written"),
    [
        ("select * from A", "SELECT * FROM A"),
        ("select a.b,c from A where 5<a", "SELECT a.b, c FROM A WHERE a > 5"),
        ("SELECT * FROM A WHERE a=1 AND b=2 OR c=3", "SELECT * FROM A WHERE (a = 1 AND b = 2) OR c = 3"),
        ("SELECT * FROM A WHERE NOT (a=1 AND b=2)", "SELECT * FROM A WHERE NOT (a = 1 AND b = 2)"),
        ("SELECT * FROM A WHERE a != NULL", "SELECT * FROM A WHERE a IS NOT NULL"),
        (r"SELECT * FROM A WHERE a = 'C:\\x \'y\''", r"""SELECT * FROM A WHERE a = "C:\\x 'y'" """.rstrip()),
        (
            "SELECT * FROM E WITHIN 2.5 WHERE t ISA A GROUP WITHIN 9 BY t.x HAVING n>1",
            'SELECT * FROM E WITHIN 2.5 WHERE t ISA "A" GROUP WITHIN 9 BY t.x HAVING n > 1',
        ),
        (
            "associators of {A=1} where keysonly resultclass=B role=C",
            "ASSOCIATORS OF {A=1} WHERE ResultClass = B Role = C KeysOnly",
        ),
        ("References Of{A='1'}", "REFERENCES OF {A='1'}"),
    ],
)
def test_keywords_are_written_large_and_parentheses_show_what_binds(given_text: str, written: str) -> None:
    assert write_statement(parse(given_text)) == written


PROCESS = ("Win32_Process", "1")


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (TRUE, "TRUE"),
        (FALSE, "FALSE"),
        (NullTest("Name", is_null=True), "Name IS NULL"),
        (NullTest("Name", is_null=False), "Name IS NOT NULL"),
        (Term("Name", "=", 'a"b', TEXT), r'Name = "a\"b"'),
        (Term("Name", NOT_LIKE, "a%", TEXT), 'NOT Name LIKE "a%"'),
        (Term("__THIS", NOT_ISA, "Win32_Process", CLASS), 'NOT __THIS ISA "Win32_Process"'),
        (Term("Priority", ">=", 3, NUMBER), "Priority >= 3"),
        (Term("PartOfDomain", "<>", True, BOOLEAN), "PartOfDomain <> TRUE"),
        (
            Term("CreationDate", "<", datetime(2026, 1, 1, tzinfo=UTC), MOMENT),
            'CreationDate < "20260101000000.000000+000"',
        ),
        (Term("Uptime", "=", timedelta(days=1), MOMENT), 'Uptime = "00000001000000.000000:000"'),
        (
            Term("Dependent", "=", PROCESS, REFERENCE),
            r'Dependent = "\\\\.\\root\\cimv2:Win32_Process.Handle=\"1\""',
        ),
        (
            Every((Term("a", "=", 1, NUMBER), Some((NullTest("b", is_null=True), Term("c", "<", 2, NUMBER))))),
            "a = 1 AND (b IS NULL OR c < 2)",
        ),
    ],
)
def test_a_condition_is_described_with_the_values_that_are_compared(condition: Condition, text: str) -> None:
    assert describe_condition(condition, schema().get("Win32_Process")) == text
