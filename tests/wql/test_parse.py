"""Tests of wql/parse.py: every documented form of WQL is parsed; other texts are rejected with their position."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.paths import parse_path
from logonscope.cim.paths import write_key as path_constant
from logonscope.errors import (
    InvalidParameterError,
    InvalidQueryError,
    LogonscopeError,
    MissingAggregationListError,
    MissingGroupWithinError,
    QuotaViolationError,
)
from logonscope.wql.parse import (
    MAX_DEPTH,
    MAX_JUNCTIONS,
    MAX_KEPT_LENGTH,
    MAX_QUERY_LENGTH,
    escape_pasted_backslashes,
    parse,
)
from logonscope.wql.text import MAX_NAME_LENGTH
from logonscope.wql.tree import (
    And,
    AssociationQuery,
    Comparison,
    ConditionTree,
    Constant,
    GroupClause,
    IsNull,
    Name,
    Not,
    Or,
    Select,
)


def name(text: str) -> Name:
    return Name(tuple(text.split(".")))


def where(text: str) -> ConditionTree | None:
    """Parse a condition."""
    tree = parse(f"SELECT * FROM C WHERE {text}")
    assert isinstance(tree, Select)
    return tree.where


def compared(left: str, operator: str, constant: Constant) -> Comparison:
    return Comparison(name(left), operator, constant)


A, B, C = (compared(word, "=", at) for at, word in enumerate("abc", 1))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("SELECT * FROM Win32_Process", Select(None, "Win32_Process")),
        ("select\nName ,\tHandle\rfrom\tWin32_Process", Select((name("Name"), name("Handle")), "Win32_Process")),
        ("SELECT e.p, __PATH FROM C", Select((name("e.p"), name("__PATH")), "C")),
        ("SELECT \u00c6\u200c FROM \uff21", Select((name("\u00c6\u200c"),), "\uff21")),
        ("SELECT * FROM E WITHIN .5", Select(None, "E", within=0.5)),
        ("SELECT * FROM E WITHIN 10 WHERE a = 1", Select(None, "E", A, 10.0)),
        ("SELECT * FROM E GROUP WITHIN 300", Select(None, "E", group=GroupClause(300))),
        (
            "SELECT * FROM E WHERE a = 1 GROUP WITHIN 0 BY t.x, y HAVING NumberOfEvents > 9",
            Select(None, "E", A, group=GroupClause(0, (name("t.x"), name("y")), compared("NumberOfEvents", ">", 9))),
        ),
        ("ASSOCIATORS OF {C='1'}", AssociationQuery(False, "C='1'")),
        ("references OF{ C.k=1 }", AssociationQuery(True, "C.k=1")),
        (r"ASSOCIATORS OF {D='\\.\P}'}", AssociationQuery(False, r"D='\\.\P}'")),
        (
            """associators of {C=1} where keysonly RESULTROLE = d role=s requiredassocqualifier=q
               assocclass = A requiredqualifier=r resultclass= R""",
            AssociationQuery(
                False, "C=1", name("A"), name("R"), name("s"), name("d"), name("r"), name("q"), keys_only=True
            ),
        ),
        ("REFERENCES OF {C} WHERE SchemaOnly", AssociationQuery(True, "C", schema_only=True)),
        (
            "ASSOCIATORS OF {C=1} WHERE ClassDefsOnly AssocClass=A",
            AssociationQuery(False, "C=1", name("A"), class_defs_only=True),
        ),
    ],
)  # fmt: skip
def test_forms(text: str, tree: Select | AssociationQuery) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1", A),
        ("1 = a", A),
        ("1<a", compared("a", ">", 1)),
        ("1 >= a", compared("a", "<=", 1)),
        ("'x' != a.b", compared("a.b", "<>", "x")),
        ("a=1 AND b=2 OR c=3", Or((And((A, B)), C))),
        ("a=1 OR b=2 AND c=3", Or((A, And((B, C))))),
        ("(a=1 OR b=2) AND c=3", And((Or((A, B)), C))),
        ("NOT a=1 AND b=2", And((Not(A), B))),
        ("NOT (a=1 AND b=2)", Not(And((A, B)))),
        ("NOT NOT a=1", Not(Not(A))),
        ("a=1 aNd b=2 and c=3", And((A, B, C))),
        ("a IS NULL", IsNull(name("a"))),
        ("a is not null", Not(IsNull(name("a")))),
        ("a = NULL", IsNull(name("a"))),
        ("NULL <> a", Not(IsNull(name("a")))),
        ("a like '%x'", compared("a", "LIKE", "%x")),
        ("__this ISA C", compared("__this", "ISA", "C")),
        ('__this isa"C"', compared("__this", "ISA", "C")),
        ("a = true", compared("a", "=", True)),
        ("FALSE <> a", compared("a", "<>", False)),
        ("Nothing = 1 AND oRder = 2", And((compared("Nothing", "=", 1), compared("oRder", "=", 2)))),
    ],
)
def test_conditions(text: str, tree: ConditionTree) -> None:
    assert where(text) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0x1F", 31),
        ("-0X1f", -31),
        ("007", 7),
        ("18446744073709551615", (1 << 64) - 1),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r'"\"\\\'"', "\"\\'"),
        (r"'C:\\Windows'", r"C:\Windows"),
        ("'a AND (b OR {c})'", "a AND (b OR {c})"),
        ("'\n\u2603'", "\n\u2603"),
        ("''", ""),
    ],
)
def test_constants(text: str, value: Constant) -> None:
    found = where(f"a = {text}")
    assert found == compared("a", "=", value)
    assert isinstance(found, Comparison)
    assert type(found.constant) is type(value)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("SELEC * FROM C", (1, 1), "'SELEC'"),
        ("SELECT FROM C", (1, 8), "'FROM'"),
        ("SELECT * FROM C WHERE NULL", (1, 27), "an operator"),
        ("SELECT True FROM C", (1, 8), "'True'"),
        ("SELECT * FORM C", (1, 10), "expected FROM"),
        ("SELECT a, FROM C", (1, 11), "'FROM'"),
        ("SELECT * FROM", (1, 14), "end of the query"),
        ("SELECT *\nFROM C\nWHERE a = ", (3, 10), "end of the query"),
        ("SELECT * FROM C, D", (1, 16), "','"),
        ("SELECT * FROM C WHERE", (1, 22), "end of the query"),
        ("SELECT * FROM C WHERE a", (1, 24), "an operator"),
        ("SELECT * FROM C WHERE a == 1", (1, 26), "'='"),
        ("SELECT * FROM C WHERE a = 'x", (1, 27), "unterminated string"),
        ("SELECT * FROM C WHERE a = 'x''", (1, 30), "unterminated string"),
        (r"SELECT * FROM C WHERE a = 'C:\'", (1, 27), r"\' does not close it: write every backslash twice"),
        ("SELECT * FROM C WHERE a = 1 b = 2", (1, 29), "AND"),
        ("SELECT * FROM C WHERE (a = 1", (1, 29), '")"'),
        ("SELECT * FROM C WHERE a = 1)", (1, 28), "')'"),
        ("SELECT * FROM C WHERE a = 12x", (1, 27), "'12x'"),
        ("SELECT * FROM C WHERE a IS 5", (1, 28), "NULL"),
        ("SELECT * FROM C WHERE a = b", (1, 23), "if 'b' is a string, quote it"),
        (r"SELECT * FROM C WHERE a LIKE 'PCI\%'", (1, 34), "every backslash twice"),
        ("SELECT * FROM C WHERE a > NULL", (1, 27), "=, <> or IS"),
        ("SELECT * FROM C WHERE a <= TRUE", (1, 28), "= or <>"),
        ("SELECT * FROM C WHERE a LIKE 5", (1, 30), "quote it"),
        ("SELECT * FROM C WHERE 'x' LIKE a", (1, 23), "a LIKE '...'"),
        ("SELECT * FROM C WHERE a = 1 ORDER BY a", (1, 29), "no ORDER BY"),
        ("SELECT * FROM C WHERE a IN (1)", (1, 25), "no IN"),
        ("SELECT * FROM C LIMIT 5", (1, 17), "no LIMIT"),
        ("DELETE FROM C", (1, 1), "only read"),
        ("SELECT * FROM C;", (1, 16), "remove the semicolon"),
        ("SELECT * FROM C WHERE a = 1 ; SELECT 1", (1, 29), "remove the semicolon"),
        ("SELECT * FROM C WHERE a NOT LIKE 'x%'", (1, 25), "NOT Name LIKE 'a%'"),
        ("SELECT COUNT(*) FROM C", (1, 8), "no COUNT: count the rows"),
        ("SELECT a, count ( b ) FROM C", (1, 11), "no COUNT"),
        ("SELECT TOP 5 a FROM C", (1, 8), "no TOP"),
        ("SELECT\nTop 5 * FROM C", (2, 1), "no TOP"),
        ("SELECT DISTINCT a FROM C", (1, 8), "no DISTINCT"),
        ("SELECT Top, Count FROM C x", (1, 26), "expected GROUP or WHERE or WITHIN or end of the query"),
        ("SELECT * FROM C WHERE a = 1 'x y'", (1, 29), "''x y'' at"),
        ("SELECT * FROM C#", (1, 16), "expected GROUP or WHERE or WITHIN or end of the query"),
        ("SELECT * FROM E GROUP WITHIN 5 #", (1, 32), "expected BY or HAVING or end of the query"),
        (f"SELECT {'x' * (MAX_NAME_LENGTH + 1)} FROM C", (1, 8), f"the limit is {MAX_NAME_LENGTH}"),
        (f"SELECT * FROM C WHERE a = {'9' * 5000}", (1, 27), "too large"),
        ("SELECT * FROM C WHERE a = 1e999", (1, 27), "too large"),
        ("SELECT * FROM E GROUP WITHIN 1.5", (1, 30), "whole seconds"),
        ("SELECT * FROM E GROUP WITHIN -1", (1, 30), "whole seconds"),
        ("ASSOCIATORS OF C=1", (1, 16), "braces"),
        ("ASSOCIATORS OF {C=1", (1, 16), "unterminated object path"),
        ("ASSOCIATORS OF {C=1 WHERE KeysOnly", (1, 16), "close it with a brace"),
        ("ASSOCIATORS OF {C='1}", (1, 19), "unterminated string"),
        ("ASSOCIATORS OF {C='1',D=\"2} WHERE", (1, 25), "close it with a quote"),
        (r"ASSOCIATORS OF {C='C:\'}", (1, 19), r"\' does not close it: write every backslash twice"),
        ("ASSOCIATORS OF {C={1}}", (1, 19), "put a value with braces in quotes"),
        ("ASSOCIATORS OF {C=1} WHERE", (1, 27), "end of the query"),
        ("ASSOCIATORS OF {C=1} WHERE AssocClass=A AND Role=B", (1, 41), "invalid option AND of ASSOCIATORS OF"),
        ("ASSOCIATORS OF {C=1} WHERE AssocClass=A, Role=B", (1, 40), "','"),
        ("ASSOCIATORS OF {C=1} WHERE AssocClass=A AssocClass=B", (1, 41), "duplicate option AssocClass"),
        ("ASSOCIATORS OF {C=1} WHERE KeysOnly=A", (1, 28), "KeysOnly = A"),
        ("ASSOCIATORS OF {C=1} WHERE AssocClass", (1, 28), "AssocClass = ..."),
        ("REFERENCES OF {C=1} WHERE AssocClass=A", (1, 27), "AssocClass = A of REFERENCES OF"),
        ("REFERENCES OF {C=1} WHERE ResultRole=A", (1, 27), "ResultRole"),
    ],
)
def test_refusals_say_where_and_why(text: str, at: tuple[int, int], words: str) -> None:
    with pytest.raises(InvalidQueryError) as refused:
        parse(text)
    line, column = at
    assert f"at line {line}, column {column}" in refused.value.message
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidParameterError),
        (" \n\t", InvalidParameterError),
        ("SELECT * FROM E BY a", MissingGroupWithinError),
        ("SELECT * FROM E WHERE a = 1 BY a HAVING n > 1", MissingGroupWithinError),
        ("SELECT * FROM E GROUP WITHIN 5 BY *", MissingAggregationListError),
    ],
)
def test_refusals_that_have_a_number_of_their_own(text: str, error: type[LogonscopeError]) -> None:
    with pytest.raises(error):
        parse(text)


def terms(count: int) -> str:
    return "SELECT * FROM C WHERE " + " OR ".join(["a=1"] * count)


def nested(depth: int) -> str:
    return f"SELECT * FROM C WHERE {'(' * depth}a=1{')' * depth}"


def negated(depth: int) -> str:
    return f"SELECT * FROM C WHERE {'NOT ' * depth}a=1"


def long(length: int) -> str:
    return "SELECT * FROM C".ljust(length)


@pytest.mark.parametrize(
    ("made", "most"), [(terms, MAX_JUNCTIONS + 1), (nested, MAX_DEPTH), (negated, MAX_DEPTH), (long, MAX_QUERY_LENGTH)]
)
def test_bounds_are_taken_and_not_one_more(made: "type[str]", most: int) -> None:
    assert isinstance(parse(made(most)), Select)
    with pytest.raises(QuotaViolationError, match="the limit is"):
        parse(made(most + 1))


@pytest.mark.parametrize(
    "quotes", ['"' + '\\"' * 8000, "'" * 16_000, '"' + "'" * 16_000, ('"' + "\\'" * 3) * 2000, "\\'" * 8000]
)
def test_a_string_that_does_not_end_costs_no_more_than_its_length(quotes: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidQueryError):
        parse(f"SELECT * FROM C WHERE a = {quotes}"[: MAX_QUERY_LENGTH - 1])
    assert time.perf_counter() - began < 0.4


def test_the_content_of_strings_counts_for_no_limit() -> None:
    assert where(f"a = '{'(NOT ' * 200}'") == compared("a", "=", "(NOT " * 200)


@pytest.mark.parametrize(
    ("pasted", "doubled"),
    [
        (r"D.DeviceID='\\.\PHYSICALDRIVE0'", r"D.DeviceID='\\\\.\\PHYSICALDRIVE0'"),
        (r'P.Name="C:\x\y"', r'P.Name="C:\\x\\y"'),
        (r'P.Name="C:\\x\\y"', r'P.Name="C:\\x\\y"'),
        (r"""S.A="\\.\root\cimv2:P.Handle=\"1\"",B='\x'""", r"""S.A="\\\\.\\root\\cimv2:P.Handle=\"1\"",B='\\x'"""),
        (r"\\.\root\cimv2:P='1'", r"\\.\root\cimv2:P='1'"),
        ("P=1", "P=1"),
    ],
)
def test_a_lone_backslash_means_itself(pasted: str, doubled: str) -> None:
    assert escape_pasted_backslashes(pasted) == doubled


@given(st.text("\\\"'ab.:", max_size=10))
def test_what_was_written_with_care_stays_what_it_is(value: str) -> None:
    path = f"P.Name={path_constant(value)}"
    assert escape_pasted_backslashes(path) == path
    assert parse_path(escape_pasted_backslashes(path)).keys == (("Name", value),)


@given(st.text(max_size=40))
def test_no_text_is_too_odd_and_once_is_enough(path: str) -> None:
    assert escape_pasted_backslashes(escape_pasted_backslashes(path)) == escape_pasted_backslashes(path)


def test_a_query_that_is_repeated_is_parsed_once_and_a_long_one_each_time() -> None:
    text = "SELECT Handle FROM Win32_Process WHERE Handle = '4312'"
    assert parse(text) is parse(text)
    long = f"SELECT Handle FROM Win32_Process WHERE Name = '{'x' * MAX_KEPT_LENGTH}'"
    assert parse(long) == parse(long)
    assert parse(long) is not parse(long)
    with pytest.raises(InvalidParameterError):
        parse("  ")
