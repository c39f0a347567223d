"""Tests of wmi/namespace.py: a namespace lists its classes, runs queries and gets objects."""

import copy
from typing import Any

import pytest

from logonscope import wmi
from tests.wmi.scripts import raises


def test_classes_are_listed_and_are_attributes_in_any_case(c: Any) -> None:
    assert {"Win32_Process", "Win32_SessionProcess"} <= set(c.classes)
    assert {"Win32_Process", "get"} <= set(dir(c))
    assert c.subclasses_of("win32_account") == {"Win32_Group", "Win32_SystemAccount", "Win32_UserAccount"}
    assert c.subclasses_of(regex="Win32_SessionP") == {"Win32_SessionProcess"}
    assert copy.copy(c).Win32_SessionProcess == c.win32_sessionprocess


def test_rows_are_plain_values_where_a_script_wants_them(c: Any) -> None:
    assert c.fetch_as_lists("Win32_Process", ["Name", "kernelmodetime"], ProcessId=1) == [["systemd", "0"]]
    (row,) = c.fetch_as_classes("Win32_LoggedOnUser", Dependent="Win32_LogonSession=41")
    assert row.Antecedent == '\\\\.\\root\\cimv2:Win32_Account.Domain="web1",Name="alice"'
    assert [vars(row) for row in c.fetch_as_classes("Win32_Process", ["name"], ProcessId=1)] == [{"name": "systemd"}]


def test_a_query_gives_objects_and_classes(c: Any) -> None:
    (session,) = c.query("SELECT * FROM Win32_LogonSession WHERE LogonId = 41")
    text = f"ASSOCIATORS OF {{{session.path()}}} WHERE AssocClass = Win32_SessionProcess"
    assert [q.Handle for q in c.query(text)] == ["4100", "4150", "4151", "4300", "4312"]
    classes = c.query("SELECT * FROM meta_class WHERE __Class = 'Win32_Group'")
    assert [cls.path().Class for cls in classes] == ["Win32_Group"]


def test_what_is_not_there_is_an_error(c: Any) -> None:
    with raises(wmi.x_wmi_invalid_query, "at line 1, column 1", 0x80041017):
        c.query("SELEKT")
    with raises(wmi.x_wmi, "no class 'Win32_Share'", 0x80041010):
        c.query("SELECT * FROM Win32_Share")
    with raises(wmi.x_wmi, 'there is no \\\\.\\root\\cimv2:Win32_Process.Handle="9"', 0x80041002):
        c.get("Win32_Process=9")
    with pytest.raises(AttributeError, match=r"no class 'Win32_Proces'; did you mean Win32_Process\?"):
        _ = c.Win32_Proces
