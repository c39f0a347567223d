"""Events as a Parquet file, which is complete when the watch has ended."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from logonscope.answers.host_event import HostEvent
from logonscope.faces.cli.event_writers import EventWriter
from logonscope.formats.parquet import BATCH_ROWS, ParquetFile

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance


class ParquetWriter(EventWriter):
    """Writes events as rows of a Parquet file on standard output, in batches."""

    def __init__(self) -> None:
        self._file = ParquetFile(HostEvent, sys.stdout.buffer)
        self._rows: list[HostEvent] = []

    def __repr__(self) -> str:
        return f"<ParquetWriter of {self._file!r}>"

    def write(self, event: "HostEvent | Instance") -> None:
        if isinstance(event, HostEvent):
            self._rows.append(event)
        if len(self._rows) >= BATCH_ROWS:
            self._write_rows()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, also after Ctrl-C."""
        # the schema, without which no reader can use the file, is written at the end of the file
        if self._rows:
            self._write_rows()
        self._file.close()

    def _write_rows(self) -> None:
        self._file.write(self._rows)
        self._rows.clear()
