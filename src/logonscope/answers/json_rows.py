"""JSON text of rows. Each row is an object of its fields, with the values that ``jsonable`` returns."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from logonscope.answers.jsonable import jsonable

WriteValue = Callable[[Any], str]


class RowWriter:
    """Writes rows as JSON objects. The text of the member names is made once for each type of row, and kept."""

    def __init__(self, write_value: WriteValue, writers: Mapping[type, WriteValue]) -> None:
        """Create a writer of rows.

        Args:
            write_value: writes a value of any type that JSON has.
            writers: functions that write the values of some types faster than ``write_value``, by type.
        """
        self._write_value, self._templates = write_value, dict[tuple[str, ...], list[str]]()
        self._writers: Mapping[type, WriteValue] = {**writers, datetime: _write_time}

    def write(self, row: Any) -> str:
        """Return a row, or a mapping of names to values, as the text of a JSON object."""
        names, values = (tuple(row), row.values()) if isinstance(row, Mapping) else (row._fields, row)
        template = self._templates.get(names)
        if template is None:
            template = self._make_template(names)
        find, write_other, texts = self._writers.get, self._write_other, template.copy()
        texts[1:-1:2] = [find(type(value), write_other)(value) for value in values]
        return "".join(texts)

    def _make_template(self, names: tuple[str, ...]) -> list[str]:
        """Return the parts of an object's text: member names at even indexes, places for the values at odd ones."""
        texts = [part for name in names for part in (f",{self._write_value(name)}:", "")]
        template = ["{" + texts[0][1:], *texts[1:], "}"] if texts else ["{", "}"]
        # Few types of rows exist, but a mapping, such as the sources of values, can have any names.
        if len(self._templates) < MAX_TEMPLATES:
            self._templates[names] = template
        return template

    def _write_other(self, value: Any) -> str:
        if isinstance(value, Mapping) or hasattr(value, "_fields"):
            return self.write(value)
        if isinstance(value, tuple):
            return f"[{','.join([self._writers.get(type(part), self._write_other)(part) for part in value])}]"
        return self._write_value(jsonable(value))


MAX_TEMPLATES = 100
"""Maximum number of kept templates. For rows without a kept template, the names are written each time."""


def _write_time(value: datetime) -> str:
    return f'"{jsonable(value)}"'
