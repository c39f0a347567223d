"""Tests of wmi/connection.py: monikers and arguments lead to the right namespace, class or object."""

import inspect
import socket

import pytest

from logonscope import wmi
from logonscope.client import Host
from logonscope.wmi.connection import parse_moniker
from tests.server.running import ADMIN, running
from tests.wmi.scripts import PATH, raises


@pytest.mark.parametrize(
    ("moniker", "parts"),
    [
        ("winmgmts:", ("", "", "")),
        (
            "winmgmts:{impersonationLevel=impersonate,(Debug)}[locale=ms_409]!//web2/root/cimv2",
            ("web2", "root/cimv2", ""),
        ),
        (r"\\.\root\cimv2:Win32_Process", (".", r"root\cimv2", "Win32_Process")),
        ('root/logonscope:LS_Process.Handle="1"', ("", "root/logonscope", 'LS_Process.Handle="1"')),
        ("Win32_Process=1", ("", "", "Win32_Process=1")),
    ],
)
def test_a_moniker_has_parts(moniker: str, parts: tuple[str, str, str]) -> None:
    assert parse_moniker(moniker) == parts


@pytest.mark.parametrize(
    ("moniker", "text"),
    [
        ("winmgmts:", "_wmi_namespace: root\\cimv2 of"),
        (r"winmgmts:{impersonationLevel=impersonate,(Debug)}!\\.\root\cimv2", "_wmi_namespace: root\\cimv2 of"),
        ("//WEB1/root/logonscope", "_wmi_namespace: root\\logonscope of"),
        ('winmgmts:root/cimv2:Win32_Process.Handle="4312"', f"_wmi_object: {PATH.encode()!r}"),
        (r"WinMgmts:\\localhost\root\cimv2:Win32_Process=4312", f"_wmi_object: {PATH.encode()!r}"),
        ("Win32_Process.Handle='4312'", f"_wmi_object: {PATH.encode()!r}"),
        ("winmgmts:root/logonscope:LS_Process", r"_wmi_class: b'\\\\.\\root\\logonscope:LS_Process'"),
    ],
)
def test_a_moniker_names_a_namespace_a_class_or_an_object(moniker: str, text: str, web1: Host) -> None:
    assert repr(wmi.WMI(moniker=moniker, host=web1)).startswith(f"<{text}")


def test_a_namespace_has_several_names(web1: Host) -> None:
    for namespace in ("", "cimv2", "CIMV2", "root/cimv2", "root\\cimv2", "Root/CIMV2"):
        assert wmi.WMI("WEB1", namespace=namespace, host=web1).Win32_Process(["Name"], Handle=1)[0].Name == "systemd"
    c = wmi.WMI(wmi=wmi.connect_server("", "root/logonscope"))
    assert "LS_Process" in c.classes
    assert wmi.WMI(suffix="Win32_Process=1", host=web1).Name == "systemd"
    assert wmi.WMI is wmi.connect
    assert list(inspect.signature(wmi.connect).parameters)[:5] == [
        "computer", "impersonation_level", "authentication_level", "authority", "privileges",
    ]  # fmt: skip


def test_another_machine_is_asked_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = ADMIN
    with running() as server:
        monkeypatch.setenv("LOGONSCOPE_CA", server.certificate)
        c = wmi.WMI(f"127.0.0.1:{server.https}", user=user, password=password)
        assert [process.Name for process in c.Win32_Process(["Name"], Handle=4312)] == ["python3"]
        with pytest.raises(wmi.x_wmi, match="authentication failed for 'scanner'"):
            wmi.WMI(f"127.0.0.1:{server.https}", user=user, password=user).Win32_Process()


def test_a_host_has_one_name_and_a_user_is_for_another_machine(web1: Host) -> None:
    with pytest.raises(wmi.x_wmi, match="web2"):
        wmi.WMI("web2", host=web1)
    this_machine = socket.gethostname()
    for arguments in (
        {}, {"computer": "."}, {"computer": "web2", "privileges": ["Debug"]}, {"computer": this_machine},
        {"moniker": "winmgmts:root/cimv2"}, {"moniker": f"//{this_machine}/root/cimv2"},
    ):  # fmt: skip
        with pytest.raises(wmi.x_wmi_authentication, match="remove the user"):
            wmi.connect(user="alice", **arguments)


def test_what_is_not_there_is_an_error(web1: Host) -> None:
    with raises(wmi.x_wmi, "no namespace 'root\\default'", 0x8004100E):
        wmi.WMI(namespace="default", host=web1)
    with raises(wmi.x_wmi, "the registry does not exist", 0x8004100C):
        wmi.Registry()
