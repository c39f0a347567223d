"""Tests of answers/json_rows.py: rows are written as ``jsonable`` has them, whatever their values are."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.json_rows import MAX_TEMPLATES, RowWriter
from logonscope.answers.jsonable import jsonable
from logonscope.wire.json.text import VALUE_WRITERS, write_text

WRITER = RowWriter(write_text, VALUE_WRITERS)


class Row(NamedTuple):
    """A row of any values."""

    value: Any
    other: Any


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.datetimes(timezones=st.just(UTC)) | st.timedeltas(timedelta(0), timedelta(9)) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(), inner, max_size=3)
    | st.builds(Row, inner, inner) | st.frozensets(st.integers(), max_size=2),
)  # fmt: skip


@given(st.builds(Row, VALUES, VALUES) | st.dictionaries(st.text(), VALUES))
def test_a_row_is_written_as_jsonable_has_it(row: Any) -> None:
    assert json.loads(WRITER.write(row)) == json.loads(json.dumps(jsonable(row)))


def test_names_of_mappings_do_not_fill_the_memory() -> None:
    writer = RowWriter(write_text, VALUE_WRITERS)
    for number in range(2 * MAX_TEMPLATES):
        assert writer.write({f"%s{number}": datetime(2026, 1, 1, tzinfo=UTC)}) == (
            f'{{"%s{number}":"2026-01-01T00:00:00.000000+00:00"}}'
        )
    assert len(writer._templates) <= MAX_TEMPLATES  # noqa: SLF001 -- its only trace
