"""Tests of wql/tree.py: trees with the same content are equal, whatever their position in the text."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.wql.parse import parse
from logonscope.wql.tree import MIRRORED_OPERATORS, And, Comparison, IsNull, Name, Or, Select

COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def test_where_a_node_stood_counts_for_no_comparison() -> None:
    near, far = parse("SELECT a FROM C WHERE b=1"), parse("SELECT\n a\n FROM\n C\n WHERE\n b\n =\n 1")
    assert near == far
    assert isinstance(near, Select)
    assert isinstance(far, Select)
    assert isinstance(near.where, Comparison)
    assert isinstance(far.where, Comparison)
    assert (near.position, near.where.name.position, near.where.position) == (14, 22, 24)
    assert (far.position, far.where.name.position, far.where.position) == (17, 27, 33)


@given(st.sampled_from(sorted(COMPARE)), st.integers(), st.integers())
def test_a_turned_operator_says_the_same_of_the_sides_that_changed_places(said: str, left: int, right: int) -> None:
    assert COMPARE[said](left, right) is COMPARE[MIRRORED_OPERATORS[said]](right, left)


def test_a_name_is_written_as_it_was() -> None:
    assert str(Name(("TargetInstance", "LogonType"))) == "TargetInstance.LogonType"


def test_a_node_cannot_be_changed_and_says_what_it_is() -> None:
    node, field = Comparison(Name(("a",)), "=", 1, position=5), "operator"
    assert repr(node) == "Comparison(name=Name(parts=('a',)), operator='=', constant=1)"
    assert (node, hash(node)) == (Comparison(Name(("a",), position=9), "=", 1), hash(Comparison(Name(("a",)), "=", 1)))
    with pytest.raises(AttributeError, match="cannot assign to field 'operator'"):
        setattr(node, field, "<")


def test_nodes_of_two_classes_differ_although_their_fields_agree() -> None:
    terms = (IsNull(Name(("a",))), IsNull(Name(("b",))))
    assert And(terms) != Or(terms)
    assert len({And(terms), Or(terms), And(terms)}) == 2
