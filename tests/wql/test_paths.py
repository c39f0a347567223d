"""wql/paths.py: are paths in braces taken as people paste them, and those that were doubled left alone?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.paths import constant, parse_path
from logonscope.wql.paths import undoubled


@pytest.mark.parametrize(
    ("pasted", "doubled"),
    [
        (r"D.DeviceID='\\.\PHYSICALDRIVE0'", r"D.DeviceID='\\\\.\\PHYSICALDRIVE0'"),
        (r'P.Name="C:\x\y"', r'P.Name="C:\\x\\y"'),
        (r'P.Name="C:\\x\\y"', r'P.Name="C:\\x\\y"'),
        (r"""S.A="\\.\root\cimv2:P.Handle=\"1\"",B='\x'""", r"""S.A="\\\\.\\root\\cimv2:P.Handle=\"1\"",B='\\x'"""),
        (r"\\.\root\cimv2:P='1'", r"\\.\root\cimv2:P='1'"),
        ("P=1", "P=1"),
    ],
)
def test_a_lone_backslash_means_itself(pasted: str, doubled: str) -> None:
    assert undoubled(pasted) == doubled


@given(st.text("\\\"'ab.:", max_size=10))
def test_what_was_written_with_care_stays_what_it_is(value: str) -> None:
    path = f"P.Name={constant(value)}"
    assert undoubled(path) == path
    assert parse_path(undoubled(path)).keys == (("Name", value),)


@given(st.text(max_size=40))
def test_no_text_is_too_odd_and_once_is_enough(path: str) -> None:
    assert undoubled(undoubled(path)) == undoubled(path)
