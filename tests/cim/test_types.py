"""Tests of cim/types.py: the value of a CIM type that a text means; other texts are rejected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.types import TYPES, Value, convert_value
from logonscope.errors import TypeMismatchError

BITS = {
    "sint8": 8, "uint8": 8, "sint16": 16, "uint16": 16, "sint32": 32, "uint32": 32, "sint64": 64, "uint64": 64,
}  # fmt: skip
types = st.sampled_from(sorted(TYPES))
integer_types = st.sampled_from(sorted(BITS))


@pytest.mark.parametrize("name", TYPES)
def test_whole_numbers_have_the_range_of_their_bits(name: str) -> None:
    cim_type, bits = TYPES[name], BITS.get(name)
    assert cim_type.is_integer is (bits is not None)
    if bits is not None and name.startswith("u"):
        assert (cim_type.low, cim_type.high) == (0, 2**bits - 1)
    elif bits is not None:
        assert (cim_type.low, cim_type.high) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@given(integer_types, st.data())
def test_a_number_within_the_range_is_itself_in_every_spelling(name: str, data: st.DataObject) -> None:
    number = data.draw(st.integers(TYPES[name].low, TYPES[name].high))
    spellings: list[int | str] = [number, str(number), f" {number} "]
    if number >= 0:
        spellings += [f"+{number}", f"0x{number:x}", f"0X{number:X}"]
    assert [convert_value(spelled, name, "it") for spelled in spellings] == [number] * len(spellings)


@given(integer_types, st.integers())
def test_a_number_outside_the_range_is_refused_and_the_range_named(name: str, number: int) -> None:
    low, high = TYPES[name].low, TYPES[name].high
    outside = number + high + 1 if number >= 0 else number + low
    with pytest.raises(TypeMismatchError) as refused:
        convert_value(outside, name, "the key Handle")
    assert refused.value.message.startswith(f"invalid value '{outside}' for the key Handle: ")
    assert f" a {name}" in refused.value.message
    if abs(outside) < 10**20:
        assert refused.value.hint == f"give {low} to {high}"


@pytest.mark.parametrize(
    ("given_as", "type_name", "value"),
    [
        ("007", "uint8", 7),
        ("-0", "uint8", 0),
        (True, "uint8", 1),
        (False, "sint32", 0),
        ("TRUE", "boolean", True),
        ("fAlSe", "boolean", False),
        ("1", "boolean", True),
        (0, "boolean", False),
        (True, "boolean", True),
        ("alice", "string", "alice"),
        ("", "string", ""),
        ("  x ", "string", "  x "),
        (4312, "string", "4312"),
        (-1, "string", "-1"),
        (True, "string", "TRUE"),
        (False, "string", "FALSE"),
        ("x", "char16", "x"),
        ("20260101100200.000000+000", "datetime", datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
        ("2026-01-01T10:02:00Z", "datetime", datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
        ("00000001000000.000000:000", "datetime", timedelta(days=1)),
    ],
)
def test_what_people_type_is_a_value(given_as: str | float, type_name: str, value: Value) -> None:
    made = convert_value(given_as, type_name, "it")
    assert (made, type(made)) == (value, type(value))


@pytest.mark.parametrize(
    ("given_as", "type_name", "message"),
    [
        ("", "uint32", "invalid value '' for it: expected a uint32; give a whole number"),
        ("x", "uint32", "invalid value 'x' for it: expected a uint32; give a whole number"),
        ("1.0", "uint32", "invalid value '1.0' for it: expected a uint32; give a whole number"),
        (1.5, "uint32", "invalid value '1.5' for it: expected a uint32; give a whole number"),
        ("1_0", "uint32", "invalid value '1_0' for it: expected a uint32; give a whole number"),
        ("٤", "uint32", "invalid value '٤' for it: expected a uint32; give a whole number"),
        ("0x", "uint32", "invalid value '0x' for it: expected a uint32; give a whole number"),
        ("0b1", "uint32", "invalid value '0b1' for it: expected a uint32; give a whole number"),
        ("1 2", "uint32", "invalid value '1 2' for it: expected a uint32; give a whole number"),
        ("1" * 21, "uint64", f"invalid value '{'1' * 21}' for it: expected a uint64; give a whole number"),
        ("256", "uint8", "invalid value '256' for it: out of range for a uint8; give 0 to 255"),
        ("-1", "uint8", "invalid value '-1' for it: out of range for a uint8; give 0 to 255"),
        ("2", "boolean", "invalid value '2' for it: expected a boolean; give TRUE or FALSE"),
        ("", "boolean", "invalid value '' for it: expected a boolean; give TRUE or FALSE"),
        (" TRUE", "boolean", "invalid value ' TRUE' for it: expected a boolean; give TRUE or FALSE"),
        (1.0, "boolean", "invalid value '1.0' for it: expected a boolean; give TRUE or FALSE"),
    ],
)
def test_what_is_no_value_is_refused_by_name(given_as: str | float, type_name: str, message: str) -> None:
    with pytest.raises(TypeMismatchError) as refused:
        convert_value(given_as, type_name, "it")
    assert str(refused.value) == message


@pytest.mark.parametrize("given_as", [20260101, "soon", True, 1.5])
def test_no_number_is_a_datetime_and_its_forms_are_named(given_as: str | float) -> None:
    with pytest.raises(TypeMismatchError, match=r"give 20260101100200\.000000\+000 or 2026-01-01T10:02:00\+00:00"):
        convert_value(given_as, "datetime", "the key Since")


@pytest.mark.parametrize("type_name", ["reference", "object", "real32", "real64"])
def test_some_types_have_no_form_as_text(type_name: str) -> None:
    with pytest.raises(TypeMismatchError, match="has no text form"):
        convert_value("1", type_name, "it")


KINDS: dict[str, set[type]] = {
    "boolean": {bool}, "datetime": {datetime, timedelta}, "string": {str}, "char16": {str},
}  # fmt: skip
outside = st.text(max_size=40) | st.text("0123456789xXabcdefABCDEF+-. \n", max_size=24) | st.floats() | st.integers()


@given(outside | st.booleans(), types)
def test_anything_is_a_value_of_the_type_or_a_type_mismatch_and_nothing_else(given_as: str | float, name: str) -> None:
    try:
        value = convert_value(given_as, name, "it")
    except TypeMismatchError:
        return
    if TYPES[name].is_integer:
        assert type(value) is int
        assert TYPES[name].low <= value <= TYPES[name].high
    else:
        assert type(value) in KINDS[name]
