"""broker/where.py: which rows do keys mean?"""

from typing import Any

import pytest

from logonscope.broker.where import keyed_by, same


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Alice", "aLICE", True),
        ("41", "041", False),
        (41, 41, True),
        (41, "41", False),
        (("Win32_Account", "web1", "alice"), ("Win32_UserAccount", "web1", "alice"), True),
        (("Win32_Account", "web1", "alice"), ("Win32_UserAccount", "web1", "Alice"), False),
        (("Win32_Account", "web1", "alice"), ("Win32_Process", "web1", "alice"), False),
        (("CIM_Process", "1"), ("Win32_Process", "1"), True),
        (("Win32_Process", "1"), ("Win32_Process", "2"), False),
        (("Win32_Process", "1"), ("Win32_Process", "1", "2"), False),
        (("Nowhere", "1"), ("Win32_Process", "1"), False),
        (None, "", False),
    ],
)
def test_keys_are_compared_as_wmi_compares_them(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_a_row_is_meant_where_all_keys_are_its_own() -> None:
    where = keyed_by({"Name": "Alice", "Domain": "web1"})
    assert (where.columns, where.fixed["Name"]) == (("Name", "Domain"), frozenset({"Alice"}))
    fits = where.fits(["Uid", "Domain", "Name"])
    assert fits((7, "WEB1", "alice"))
    assert not fits((7, "web2", "alice"))
    assert keyed_by({}).fits(["Uid"])((7,))
