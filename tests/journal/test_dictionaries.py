"""Dictionaries: numbers of shared values."""

from logonscope.journal.dictionaries import COMMAND_SPAN, CommandLines, Dictionary


def test_new_values_are_rows_once() -> None:
    dictionary = Dictionary(5, max_keys=2)
    assert [dictionary.add("a", 1, ("a",)), dictionary.add("b", 2, ("b",))] == [5, 6]
    assert dictionary.numbers == {"a": 5, "b": 6}
    assert dictionary.take_new_rows() == [(5, 1, "a"), (6, 2, "b")]
    assert dictionary.take_new_rows() == []
    # a full dictionary begins again, its numbers do not
    assert dictionary.add("c", 3, ("c",)) == 7
    assert dictionary.numbers == {"c": 7}


def test_a_command_line_is_shared_for_a_span() -> None:
    lines = CommandLines()
    assert lines.find(b"make", 10) is None
    lines.add(b"make", 10)
    assert lines.find(b"make", 11) == 10
    assert lines.find(b"make", 10 + COMMAND_SPAN) is None
    assert lines.take_new_rows() == [(10, b"make")]
