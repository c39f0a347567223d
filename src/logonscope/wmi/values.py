"""Values as COM automation passes them to scripts, as MOF text (DSP0004 annex A), and in conditions of WQL."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from logonscope.cim.classes import Qualifier
from logonscope.cim.datetimes import format_datetime

_CONTROLS = {chr(code): f"\\x{code:04X}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_MOF_ESCAPES = str.maketrans(_CONTROLS | _ESCAPES)
# COM automation's values have no integers of 64 bits, so WMI passes these as text.
_AS_TEXT = frozenset({"uint64", "sint64"})


def automation_value(value: Any, cim_type: str) -> Any:
    """Convert a value as COM automation does: datetimes and 64-bit numbers to text, arrays to tuples."""
    if isinstance(value, (datetime, timedelta)):
        return format_datetime(value)
    if isinstance(value, (list, tuple, bytes)):
        return tuple(automation_value(item, cim_type) for item in value)
    return str(value) if cim_type in _AS_TEXT and value is not None else value


def mof_value(value: Any) -> str:
    """Format a value as MOF does."""
    if isinstance(value, tuple):
        return "{" + ", ".join(map(mof_value, value)) + "}"
    return f'"{value.translate(_MOF_ESCAPES)}"' if isinstance(value, str) else str(value).upper()


def wql_equals(value: object) -> str:
    """Return the part of a WQL condition after the property: ``= '...'``, or ``IS NULL`` for None."""
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return "IS NULL" if value is None else f"= '{escaped}'"


def qualifier_values(qualifiers: Iterable[Qualifier]) -> dict[str, Any]:
    """Return the values of qualifiers by name."""
    return {qualifier.name: qualifier.value for qualifier in qualifiers}
