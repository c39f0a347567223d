"""Cursors of a subscription: encrypted marks.

Without a history or kernel events, cursors are names that are valid until the service is restarted.
"""

from logonscope.broker.cursors import UNKNOWN_POSITION, read_cursor, write_cursor
from logonscope.broker.resumed_reader import LostReader, ResumedReader
from logonscope.machine import Source
from logonscope.machine.events import ALL_PARTS, EventHead, EventLog, EventMark, EventReader


class EventCursors:
    """Writes cursors, and opens readers after them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        history = source.history
        self._log: EventLog | None = None if history is None else history.event_log

    def __repr__(self) -> str:
        return f"<EventCursors of {self._log!r}>"

    def write(self, head: EventHead) -> str:
        """Return the cursor after an event."""
        # without kernel events there are no positions to encrypt: the cursor is a name, valid in this run alone
        if self._log is None or not (head.mark or head.position):
            return write_cursor(head.number)
        return self._log.write_cursor(head.mark or EventMark(self._log.epoch, head.position))

    def open_reader(self, since: str | None) -> EventReader:
        """Return a reader of the events after a cursor, or, if ``since`` is None, of the events from now on.

        Raises:
            NotSupportedError: the host has no events.
        """
        source, log = self._source, self._log
        if since is None:
            return source.event_reader()
        mark = None if log is None else log.read_cursor(since)
        if log is not None and mark is not None:
            is_live = mark.epoch == log.epoch and mark.part == ALL_PARTS
            live_reader = source.resumed_reader(mark.position) if is_live else None
            return ResumedReader(log, mark, source.event_reader, live_reader)
        # the cursor is not a mark, but a random name of this run or of an earlier one
        position = read_cursor(since)
        if log is not None and position == UNKNOWN_POSITION:
            return LostReader(source.event_reader())
        return source.event_reader(position)

    @staticmethod
    def head_of(reader: EventReader) -> EventHead:
        """Return the position of a reader, as the EventHead (the common fields) of the last event that it has read."""
        mark = reader.mark if isinstance(reader, ResumedReader) else None
        return EventHead(0, reader.number, reader.position, mark)
