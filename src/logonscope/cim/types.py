"""Which values does a CIM type hold? The types of DSP0004 5.2, and the way from text to a value.

Values are Python's own: int, bool, float, str, datetime (aware) or timedelta, bytes for uint8[], a tuple for any other
array. A reference is a tuple of a class name and the values of its keys, the keys in alphabetical order.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from logonscope.cim.datetimes import FORMS, parse_datetime
from logonscope.errors import TypeMismatchError

Value: TypeAlias = "bool | int | float | str | bytes | datetime | timedelta | tuple[Value, ...] | None"


class CimType(NamedTuple):
    """A type; of an integer, the least and the greatest value."""

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


def value_of(given: str | float, type_name: str, what: str) -> Value:
    """Return what was given (text, or a number or boolean) as a value of a type.

    Args:
        given: text as a person types it: 15, 0x0F, TRUE, a datetime in DMTF's or ISO 8601's form.
        type_name: a key of TYPES; reals, references and objects have no form as text.
        what: whose value it is, for the message.

    Raises:
        TypeMismatchError: it is no value of that type.
    """
    cim_type = TYPES[type_name]
    if type_name in {"string", "char16"}:
        return _string(given)
    if cim_type.is_integer:
        return _integer(given, cim_type, type_name, what)
    if type_name == "boolean":
        found = _BOOLEANS.get(str(given).lower())
        if found is not None:
            return found
        raise TypeMismatchError(f"{what} is a boolean, not '{given}'", "give TRUE or FALSE")
    if type_name == "datetime":
        if isinstance(given, str):
            return parse_datetime(given, what)
        raise TypeMismatchError(f"{what} is a datetime, not '{given}'", FORMS)
    raise TypeMismatchError(f"{what} cannot be given as '{given}': it is a {type_name}", "leave it out")


def _string(given: str | float) -> str:
    return str(given).upper() if isinstance(given, bool) else str(given)


def _integer(given: str | float, cim_type: CimType, type_name: str, what: str) -> int:
    text = str(int(given) if isinstance(given, bool) else given).strip()
    if not re.fullmatch(r"[+-]?(?:[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16})", text):
        raise TypeMismatchError(f"{what} is a {type_name}, not '{given}'", "give a whole number")
    number = int(text, 16 if "x" in text.lower() else 10)
    if not cim_type.low <= number <= cim_type.high:
        raise TypeMismatchError(
            f"{what} is a {type_name}, and {given} is out of its range", f"give {cim_type.low} to {cim_type.high}"
        )
    return number
