"""Tests of answers/explanation.py: explanations can be compared and kept in sets."""

from pathlib import Path

from logonscope import connect
from tests.example import recording

NARROW = "SELECT Name FROM Win32_Process WHERE Handle = 1"


def test_explanations_are_equal_where_every_field_is(tmp_path: Path) -> None:
    host = connect(recording(tmp_path))
    explained, again = host.explain(NARROW), host.explain(NARROW)
    assert explained == again
    assert {explained, again, host.explain("SELECT Name FROM Win32_Process")} - {explained} != set()
    (part,) = explained.parts
    assert len({part, part._replace(fixed={}), part._replace(predicate="else")}) == 3
