"""CIM types (DSP0004 5.2) and the conversion of text to values.

Values are Python's own: int, bool, float, str, datetime (aware) or timedelta, bytes for uint8[], a tuple for any other
array. A reference is a tuple of a class name and the values of its keys, the keys in alphabetical order.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from logonscope.cim.datetimes import FORMAT_HINT, parse_datetime
from logonscope.errors import TypeMismatchError

# Only the inner name is quoted. If the whole type were one text, typing would compile it again for each field of this
# type.
Value: TypeAlias = bool | int | float | str | bytes | datetime | timedelta | tuple["Value", ...] | None


class CimType(NamedTuple):
    """A CIM type; ``low`` and ``high`` are the limits of an integer type."""

    is_integer: bool = False
    low: int = 0
    high: int = 0


def _signed(bits: int) -> CimType:
    return CimType(True, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _unsigned(bits: int) -> CimType:
    return CimType(True, 0, (1 << bits) - 1)


TYPES = {
    "sint8": _signed(8), "uint8": _unsigned(8), "sint16": _signed(16), "uint16": _unsigned(16),
    "sint32": _signed(32), "uint32": _unsigned(32), "sint64": _signed(64), "uint64": _unsigned(64),
    **dict.fromkeys(
        ("real32", "real64", "boolean", "string", "datetime", "reference", "char16", "object"), CimType()
    ),
}  # fmt: skip

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def convert_value(source: str | float, type_name: str, what: str) -> Value:
    """Convert text, or a number or boolean, to a value of a CIM type.

    Args:
        source: a number, a boolean, or text as a person types it: 15, 0x0F, TRUE, a datetime in the DMTF or the
            ISO 8601 format.
        type_name: a key of TYPES; reals, references and objects have no text form.
        what: the name of the value, for the error message.

    Raises:
        TypeMismatchError: the source cannot be converted to that type.
    """
    cim_type = TYPES[type_name]
    if type_name in {"string", "char16"}:
        return _to_string(source)
    if cim_type.is_integer:
        return _to_integer(source, cim_type, type_name, what)
    if type_name == "boolean":
        value = _BOOLEANS.get(str(source).lower())
        if value is not None:
            return value
        raise TypeMismatchError(f"invalid value '{source}' for {what}: expected a boolean", "give TRUE or FALSE")
    if type_name == "datetime":
        if isinstance(source, str):
            return parse_datetime(source, what)
        raise TypeMismatchError(f"invalid value '{source}' for {what}: expected a datetime", FORMAT_HINT)
    raise TypeMismatchError(
        f"invalid value '{source}' for {what}: the type {type_name} has no text form", "leave it out"
    )


def _to_string(source: str | float) -> str:
    return str(source).upper() if isinstance(source, bool) else str(source)


def _to_integer(source: str | float, cim_type: CimType, type_name: str, what: str) -> int:
    text = str(int(source) if isinstance(source, bool) else source).strip()
    # int() alone would also accept underscores, digits of other scripts, and texts of any length.
    if not re.fullmatch(r"[+-]?(?:[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16})", text):
        raise TypeMismatchError(f"invalid value '{source}' for {what}: expected a {type_name}", "give a whole number")
    number = int(text, 16 if "x" in text.lower() else 10)
    if not cim_type.low <= number <= cim_type.high:
        raise TypeMismatchError(
            f"invalid value '{source}' for {what}: out of range for a {type_name}",
            f"give {cim_type.low} to {cim_type.high}",
        )
    return number
