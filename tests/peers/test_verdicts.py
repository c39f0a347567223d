"""Tests of tests/peers/verdicts.py: an answer is judged, and verdicts are counted."""

from tests.peers.verdicts import CORRECT, ENDED, INCORRECT, NONE, all_correct, count, markdown, verdict


def test_an_answer_is_right_if_the_login_has_it_and_no_other_login() -> None:
    assert verdict(41, 41, [42]) == CORRECT
    assert verdict(42, 41, [42]) == INCORRECT
    assert verdict(41, 41, [41]) == INCORRECT
    assert verdict(None, None, [42]) == NONE


def test_what_has_ended_is_not_counted() -> None:
    assert count({"a": CORRECT, "b": INCORRECT, "c": ENDED}) == "1 of 2"


def test_all_is_right_if_only_logout_ends_a_process() -> None:
    assert all_correct({"a": CORRECT, "b": CORRECT}, {"a": CORRECT, "b": ENDED})
    assert not all_correct({"a": CORRECT, "b": NONE}, {"a": CORRECT, "b": ENDED})
    assert not all_correct({"a": CORRECT, "b": ENDED}, {"a": CORRECT, "b": ENDED})
    assert not all_correct({"a": CORRECT, "b": CORRECT}, {"a": CORRECT, "b": INCORRECT})
    assert not all_correct({"a": CORRECT, "b": CORRECT}, {"a": ENDED, "b": ENDED})


def test_a_cell_has_one_word_where_nothing_changes() -> None:
    before = {"x": {"a": CORRECT, "b": CORRECT}}
    after = {"x": {"a": CORRECT, "b": ENDED}}
    assert list(markdown(["x"], ["a", "b"], before, after)) == [
        "| process | x |",
        "|---|---|",
        "| a | correct |",
        "| b | correct, then ended |",
        "| before logout | 2 of 2 |",
        "| after logout | 1 of 1 |",
    ]
