"""Tests of broker/resolve.py: names of a request are checked against the schema and the host."""

import pytest

from logonscope.broker.resolve import class_of, instance_of, namespace_of, target_of
from logonscope.errors import (
    InvalidClassError,
    InvalidNamespaceError,
    InvalidObjectPathError,
    LogonscopeError,
    TypeMismatchError,
)
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT

HOST = Memory(example.snapshot()).request(ROOT)


@pytest.mark.parametrize(
    "spelled",
    [
        "root\\cimv2", "ROOT\\CIMV2", "root/cimv2", "ROOT/CIMV2", "\\\\.\\root\\cimv2", "//./root/cimv2",
        "\\\\./ROOT\\cimv2", "\\\\localhost\\root\\cimv2", "\\\\LOCALHOST\\ROOT\\CIMV2", "\\\\WEB1\\root\\cimv2",
        "//web1/root/cimv2", None,
    ],
)  # fmt: skip
def test_a_namespace_is_known_in_every_spelling(spelled: str | None) -> None:
    assert namespace_of(HOST, spelled) == "root\\cimv2"


@pytest.mark.parametrize(
    "spelled",
    [
        "", "\\", "\\\\", "\\\\.", "\\\\.\\", "\\ROOT", "\\\\.\\NONE", "NONE", "ROOT\\NONE", "ROOT\\\\CIMV2",
        "ROOT\\CIMV2\\", "root\\cimv0", "root\\default",
    ],
)  # fmt: skip
def test_what_is_no_namespace_is_refused_and_those_that_are_there_are_named(spelled: str) -> None:
    with pytest.raises(InvalidNamespaceError, match="use one of these: root, "):
        namespace_of(HOST, spelled)


@pytest.mark.parametrize("spelled", ["\\\\ROOT", "\\\\.ROOT", "\\\\web2\\root\\cimv2"])
def test_a_namespace_of_another_host_is_not_here(spelled: str) -> None:
    with pytest.raises(InvalidNamespaceError, match="is another host"):
        namespace_of(HOST, spelled)


def test_a_class_is_looked_for_in_its_namespace() -> None:
    assert class_of(HOST, "win32_process").name == "Win32_Process"
    assert class_of(HOST, "LS_Process", "root/logonscope").name == "LS_Process"
    with pytest.raises(InvalidClassError, match=r"root\\cimv2 has no class LS_Process; it is in root/logonscope"):
        class_of(HOST, "ls_process")
    with pytest.raises(InvalidClassError, match="did you mean Win32_Process"):
        class_of(HOST, "Win32_Proces")


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("Win32_Process=4312", ("Win32_Process", "4312")),
        ('\\\\WEB1\\root\\cimv2:Win32_Process.Handle="4312"', ("Win32_Process", "4312")),
        ('\\\\.\\root\\cimv2:Win32_Process.handle="4312"', ("Win32_Process", "4312")),
        ("Win32_LogonSession.LogonId=0x29", ("Win32_LogonSession", "41")),
        ("Win32_OperatingSystem=@", ("Win32_OperatingSystem",)),
        ('Win32_UserAccount.Name="alice",Domain="web1"', ("Win32_UserAccount", "web1", "alice")),
        (
            'Win32_SessionProcess.Dependent="Win32_Process=4312",Antecedent="Win32_LogonSession=41"',
            ("Win32_SessionProcess", ("Win32_LogonSession", "41"), ("Win32_Process", "4312")),
        ),
        ("root/logonscope:LS_Socket=9001", ("LS_Socket", 9001)),
    ],
)
def test_an_instance_is_named_in_every_spelling(path: str, reference: tuple[object, ...]) -> None:
    assert instance_of(HOST, path).reference == reference


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("\\\\web2\\root\\cimv2:Win32_Process=1", InvalidNamespaceError, "names another host: web2"),
        (
            'Win32_SessionProcess.Antecedent="\\\\\\\\web2\\\\root\\\\cimv2:Win32_LogonSession=41",Dependent="Win32_Process=1"',
            InvalidObjectPathError,
            "the key Antecedent of Win32_SessionProcess: the object path names another host: web2",
        ),
        ("\\\\.\\root\\cimv3:Win32_Process=1", InvalidNamespaceError, "no namespace"),
        ("Win32_Process", InvalidObjectPathError, "is a class, not an instance"),
        ("Win32_Process=@", InvalidObjectPathError, "Win32_Process is not a singleton"),
        ("Win32_Process.Pid=1", InvalidObjectPathError, "Pid is not a key of Win32_Process"),
        ("Win32_Process.Handle=1,Handle=2", InvalidObjectPathError, "duplicate key Handle"),
        ("Win32_UserAccount=alice", InvalidObjectPathError, "expected a quoted string or a number at column 19"),
        ('Win32_UserAccount="alice"', InvalidObjectPathError, "Win32_UserAccount has 2 keys"),
        ('Win32_UserAccount.Name="alice"', InvalidObjectPathError, "lacks the key Domain"),
        ('Win32_SessionProcess.Antecedent="x y",Dependent="z"', InvalidObjectPathError, "the key Antecedent"),
        (
            'Win32_SessionProcess.Antecedent="Win32_LogonSession",Dependent="Win32_Process=1"',
            InvalidObjectPathError, "names a class, not an instance",
        ),
        ('LS_Socket="one"', InvalidClassError, "it is in root"),
        ('root/logonscope:LS_Socket="one"', TypeMismatchError, "for the key Inode: expected a uint64"),
        ("root/logonscope:LS_Socket=-1", TypeMismatchError, "out of range"),
    ],
)  # fmt: skip
def test_a_path_that_names_nothing_is_refused_with_the_reason(
    path: str, error: type[LogonscopeError], said: str
) -> None:
    with pytest.raises(error) as refused:
        instance_of(HOST, path)
    assert said in str(refused.value)
    assert refused.value.hint


def test_a_class_path_is_a_target_without_keys() -> None:
    assert target_of(HOST, "Win32_Process").keys is None


def test_the_host_is_named_as_the_kernel_names_it() -> None:
    assert HOST.host_name == "web1"
