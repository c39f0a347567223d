"""JSON of host events: the text of their ``jsonable`` form, from pieces that many events have in common.

The events of a busy host differ in a few values: time, cursor, pid, parent, start and GUID. The other values of a
process are written once; their text is kept, and used for all rows with the same values. Each of the two stores, of
pieces and of texts, is emptied when it reaches its limit.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.wire.json.text import VALUE_WRITERS, write_text

MAX_PIECES, MAX_TEXTS = 1024, 4096
"""Maximum numbers of pieces, which rows with the same values share, and of texts of rows, logon sessions and times."""


class _Pieces(NamedTuple):
    """The texts of a row before, between and after the values of _OWN_FIELDS, and the reasons in its ``unread``.

    The key of the pieces contains the id of the mapping ``unread``. Here the mapping is kept, so that no other mapping
    gets the same id.
    """

    texts: tuple[str, ...]
    unread: Mapping[str, str]


class _KnownText(NamedTuple):
    """The text of a value, and the value itself, which is kept so that no other value gets its id."""

    value: object
    text: str


class _Second(NamedTuple):
    """A second, and the text of its times before and after the microseconds."""

    begin: datetime
    prefix: str
    suffix: str


class HostEventWriter:
    """Writes host events as JSON objects; safe to use from any thread."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[Any, ...], _Pieces] = {}
        self._texts: dict[int, _KnownText] = {}  # by the id of the row, logon session or time
        self._second: _Second | None = None

    def __repr__(self) -> str:
        return f"<HostEventWriter with {len(self._pieces)} pieces>"

    def write(self, event: HostEvent) -> str:
        """Return an event as a JSON object, without spaces between members, in ASCII."""
        name, moment, cursor, process, before, session, code, signal, attempt, change, missed, missed_all = event
        if process is None or attempt is not None or missed is not None or missed_all is not None:
            # Events of logon sessions, failed logins and lost events are few: no pieces are kept for them.
            return write_text(jsonable(event))
        return (
            f'{{"event":"{name}","time":{self._time(moment)},"cursor":{_write_optional(cursor)}'
            f',"process":{self._row(process)},"before":{"null" if before is None else self._row(before)}'
            f',"session":{"null" if session is None else self._session(session)}'
            f',"exit_code":{"null" if code is None else code},"signal":{"null" if signal is None else signal}'
            f',"attempt":null,"change":{"null" if change is None else write_text(jsonable(change))}'
            ',"missed":null,"missed_all":null}'
        )

    def _row(self, row: SessionProcess) -> str:
        # the events of the start and the end of a process mostly have the same row object
        known_text = self._texts.get(id(row))
        if known_text is not None and known_text[0] is row:
            return known_text[1]
        # 0: no fact is unread, as in most rows
        key = (*_SHARED(row), id(row.unread) if row.unread else 0)
        pieces = self._pieces.get(key)
        if pieces is None:
            pieces = _keep(self._pieces, MAX_PIECES, key, _Pieces(_split(row), row.unread))
        before_pid, before_ppid, before_start, before_guid, end = pieces[0]
        start, ppid = row.start, row.ppid
        # by the id of the start, not by its value: equal times can be in different zones
        known_start = self._texts.get(id(start))
        if known_start is None or known_start[0] is not start:
            known_start = _keep(self._texts, MAX_TEXTS, id(start), _KnownText(start, _write_time(start)))
        text = (
            f"{before_pid}{row[_PID]}{before_ppid}{'null' if ppid is None else ppid}"
            f"{before_start}{known_start[1]}{before_guid}{_write_optional(row.process_guid)}{end}"
        )
        _keep(self._texts, MAX_TEXTS, id(row), _KnownText(row, text))
        return text

    def _time(self, moment: datetime | None) -> str:
        """Return a time as text. The text of its second is kept: mostly, the next event is of the same second."""
        if moment is None:
            return "null"
        second = self._second
        if second is None or moment.tzinfo is not second[0].tzinfo:
            second = self._second = _split_time(moment)
        elapsed = moment - second[0]
        if elapsed.days or elapsed.seconds:
            second = self._second = _split_time(moment)
            elapsed = moment - second[0]
        return f"{second[1]}{elapsed.microseconds:06d}{second[2]}"

    def _session(self, session: LogonSession) -> str:
        known_text = self._texts.get(id(session))
        if known_text is not None and known_text[0] is session:
            return known_text[1]
        text = write_text(jsonable(session))
        _keep(self._texts, MAX_TEXTS, id(session), _KnownText(session, text))
        return text


def _keep(kept: dict[Any, Any], limit: int, key: object, value: Any) -> Any:
    """Keep a value, and return it; if the limit is reached, drop all other values."""
    if len(kept) >= limit:
        kept.clear()
    kept[key] = value
    return value


def _write_time(moment: datetime | None) -> str:
    return "null" if moment is None else f'"{moment.isoformat(timespec="microseconds")}"'


def _split_time(moment: datetime) -> _Second:
    prefix, _, rest = _write_time(moment).partition(".")
    return _Second(moment.replace(microsecond=0), f"{prefix}.", rest[6:])


def _write_optional(text: str | None) -> str:
    return "null" if text is None else encode_basestring_ascii(text)


_OWN_FIELDS = ("pid", "ppid", "start", "process_guid")
"""Fields whose values few rows have in common, in the order of the fields of a row."""

_PID = SessionProcess._fields.index("pid")
_SHARED: Callable[[SessionProcess], tuple[Any, ...]] = itemgetter(
    *(position for position, name in enumerate(SessionProcess._fields) if name not in {*_OWN_FIELDS, "unread"})
)


_MEMBERS = tuple(
    # the text between the value before a field and the field's own value, and whether the field is in _OWN_FIELDS
    (f"{'{' if not position else ','}{encode_basestring_ascii(name)}:", name in _OWN_FIELDS)
    for position, name in enumerate(SessionProcess._fields)
)


def _split(row: SessionProcess) -> tuple[str, ...]:
    """Return the parts of a row's text before, between and after the values of _OWN_FIELDS."""
    texts, parts = list[str](), list[str]()
    for (name, is_own), value in zip(_MEMBERS, row, strict=True):
        parts.append(name)
        if is_own:
            texts.append("".join(parts))
            parts.clear()
        else:
            write = VALUE_WRITERS.get(type(value))
            parts.append(write_text(jsonable(value)) if write is None else write(value))
    return (*texts, f"{''.join(parts)}}}")
