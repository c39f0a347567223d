"""Tests of cim/binding.py: an object path names exactly one instance; every other path is rejected."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.binding import (
    MAX_DEPTH,
    Target,
    bind_path,
    example_path,
    is_same_key,
    write_held_reference,
    write_reference,
)
from logonscope.cim.paths import MAX_PATH_LENGTH, ObjectPath, parse_path, write_key
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.cim.types import Value
from logonscope.errors import (
    InvalidClassError,
    InvalidNamespaceError,
    InvalidObjectPathError,
    LogonscopeError,
    TypeMismatchError,
)
from tests.cim.declared import schema_of


def bound(path: str, namespace: str = CIMV2) -> Target:
    """Return what a path names."""
    return bind_path(parse_path(path), schema(), namespace)


ALICE = ("Win32_Account", "web1", "alice")
LOGGED_ON = (
    r'\\.\root\cimv2:Win32_LoggedOnUser.Antecedent="\\\\.\\root\\cimv2:Win32_Account.Domain=\"web1\",Name=\"alice\"",'
    r'Dependent="\\\\.\\root\\cimv2:Win32_LogonSession.LogonId=\"41\""'
)
QUOTED = (
    r"Win32_LoggedOnUser.Dependent='Win32_LogonSession=41',"
    r"Antecedent='Win32_Account.Domain=\'web1\',Name=\"alice\"'"
)
SESSION, PROCESS = ("Win32_LogonSession", "41"), ("Win32_Process", "4312")


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ('Win32_Process.Handle="4312"', PROCESS),
        ("win32_process.HANDLE='4312'", PROCESS),
        ('Win32_Process="4312"', PROCESS),
        ("Win32_Process=4312", PROCESS),
        ("Win32_Process.Handle=04312", PROCESS),
        ("Win32_Process=0x10D8", PROCESS),
        ("Win32_Process=TRUE", ("Win32_Process", "TRUE")),
        ('Win32_Process=""', ("Win32_Process", "")),
        (r"\\.\root\cimv2:Win32_Process=4312", PROCESS),
        ("ROOT/CIMV2:Win32_Process=4312", PROCESS),
        ('Win32_Account.Domain="web1",Name="alice"', ALICE),
        ('Win32_Account.Name="alice",Domain="web1"', ALICE),
        ('Win32_Account.NAME="alice",domain="web1"', ALICE),
        ("Win32_OperatingSystem=@", ("Win32_OperatingSystem",)),
        (r"root\logonscope:LS_Socket=17", ("LS_Socket", 17)),
        (r'root\logonscope:LS_Socket.inode="0x11"', ("LS_Socket", 17)),
        (
            'Win32_SessionProcess.Antecedent="Win32_LogonSession=41",Dependent="Win32_Process=4312"',
            ("Win32_SessionProcess", SESSION, PROCESS),
        ),
        (
            r'Win32_SessionProcess.Dependent="//./ROOT/CIMV2:win32_process=4312",Antecedent="Win32_LogonSession=41"',
            ("Win32_SessionProcess", SESSION, PROCESS),
        ),
        (QUOTED, ("Win32_LoggedOnUser", ALICE, SESSION)),
    ],
)
def test_keys_may_have_any_order_case_and_spelling(path: str, reference: tuple[Value, ...]) -> None:
    target = bound(path)
    assert target.reference == reference
    assert target.keys == reference[1:]


@pytest.mark.parametrize("path", ["Win32_Process", "win32_process", r"\\.\root\cimv2:Win32_Process"])
def test_without_keys_it_is_the_class(path: str) -> None:
    target = bound(path)
    assert (target.cls.name, target.keys, target.reference) == ("Win32_Process", None, ("Win32_Process",))


def test_a_singleton_and_its_class_are_two_things() -> None:
    assert bound("Win32_OperatingSystem=@").keys == ()
    assert bound("Win32_OperatingSystem").keys is None


def test_the_namespace_of_the_path_counts_before_the_given_one() -> None:
    assert bound("LS_Process=1", LOGONSCOPE).cls.namespace == LOGONSCOPE
    assert bound("root/cimv2:Win32_Process=1", LOGONSCOPE).cls.namespace == CIMV2
    assert bound("Win32_Process=1", "ROOT/CIMV2").cls.namespace == CIMV2


def test_a_path_within_a_path_is_of_the_same_namespace_unless_it_says_another() -> None:
    ends = 'Antecedent="LS_LogonSession=41",Dependent="LS_Process=4312"'
    reference = ("LS_SessionProcess", ("LS_LogonSession", "41"), ("LS_Process", "4312"))
    assert bound(f"LS_SessionProcess.{ends}", LOGONSCOPE).reference == reference
    assert bound(f"root/logonscope:LS_SessionProcess.{ends}", CIMV2).reference == reference


REFUSED = r"""
nowhere:Win32_Process=1
InvalidNamespaceError: there is no namespace 'nowhere'; use one of these: root, root\cimv2, root\logonscope

root:Win32_Process=1
InvalidClassError: root has no class Win32_Process; it is in root/cimv2:
host.get_class("Win32_Process", namespace="root/cimv2") shows the class

Win32_Proces=1
InvalidClassError: root\cimv2 has no class 'Win32_Proces'; did you mean Win32_Process?

LS_Process=1
InvalidClassError: root\cimv2 has no class LS_Process; it is in root/logonscope:
host.get_class("LS_Process", namespace="root/logonscope") shows the class

Win32_Process.Name="x"
InvalidObjectPathError: Win32_Process.Name="x": Name is not a key of Win32_Process;
write it as Win32_Process.Handle="..."

Win32_Process.Handle="1",Name="x"
InvalidObjectPathError: Win32_Process.Handle="1",Name="x": Name is not a key of Win32_Process;
write it as Win32_Process.Handle="..."

Win32_Account.Name="alice"
InvalidObjectPathError: Win32_Account.Name="alice" lacks the key Domain;
write it as Win32_Account.Domain="...",Name="..."

Win32_Account="alice"
InvalidObjectPathError: Win32_Account="alice": Win32_Account has 2 keys;
write it as Win32_Account.Domain="...",Name="..."

Win32_Account.Name="a",Domain="b",NAME="c"
InvalidObjectPathError: Win32_Account.Name="a",Domain="b",NAME="c": duplicate key NAME; give it once

Win32_Process=@
InvalidObjectPathError: Win32_Process=@: Win32_Process is not a singleton; write it as Win32_Process.Handle="..."

Win32_Session=@
InvalidObjectPathError: Win32_Session=@: Win32_Session is not a singleton; write it as Win32_Session

Win32_OperatingSystem=1
InvalidObjectPathError: Win32_OperatingSystem=1: Win32_OperatingSystem has no keys;
write it as Win32_OperatingSystem=@

Win32_OperatingSystem.Name="x"
InvalidObjectPathError: Win32_OperatingSystem.Name="x": Name is not a key of Win32_OperatingSystem;
write it as Win32_OperatingSystem=@

root/logonscope:LS_Socket='x'
TypeMismatchError: invalid value 'x' for the key Inode: expected a uint64; give a whole number

root/logonscope:LS_Socket=-1
TypeMismatchError: invalid value '-1' for the key Inode: out of range for a uint64; give 0 to 18446744073709551615

Win32_SessionProcess.Antecedent="Win32_LogonSession=41",Dependent="Win32_Process"
InvalidObjectPathError: the key Dependent of Win32_SessionProcess names a class, not an instance;
write it as Win32_Process.Handle="..."

Win32_SessionProcess.Antecedent=41,Dependent="Win32_Process=1"
InvalidObjectPathError: the key Antecedent of Win32_SessionProcess: invalid object path '41':
expected a class name at column 1, found '4'; write it as Win32_Process.Handle="4312", without spaces;
in a shell, put it in single quotes

Win32_SessionProcess.Antecedent="Win32_LogonSession=41",Dependent="Win32_Proces=1"
InvalidObjectPathError: the key Dependent of Win32_SessionProcess: root\cimv2 has no class 'Win32_Proces';
did you mean Win32_Process?

Win32_SessionProcess.Antecedent="Win32_LogonSession=41",Dependent="LS_Process=1"
InvalidObjectPathError: the key Dependent of Win32_SessionProcess: root\cimv2 has no class LS_Process;
it is in root/logonscope: host.get_class("LS_Process", namespace="root/logonscope") shows the class

Win32_LoggedOnUser.Antecedent="root/logonscope:LS_Socket='x'",Dependent="Win32_LogonSession=41"
InvalidObjectPathError: the key Antecedent of Win32_LoggedOnUser: invalid value 'x' for the key Inode:
expected a uint64; give a whole number
"""
"""A path, and what is said of it."""


@pytest.mark.parametrize("case", REFUSED.strip().split("\n\n"))
def test_a_path_of_no_instance_is_refused_with_an_example(case: str) -> None:
    path, *answer = case.splitlines()
    with pytest.raises(LogonscopeError) as refused:
        bound(path)
    assert f"{type(refused.value).__name__}: {refused.value}" == " ".join(answer)


ODD = schema_of(r"""
#pragma namespace("\\\\.\\root\\cimv2")
class Odd { [Key] boolean On; [Key] sint8 Step; [Key] datetime Since; [Key] char16 Letter; string Rest; };
class Only { [Key] boolean On; };
""")


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("Only=TRUE", (True,)),
        ('Only="false"', (False,)),
        ("Only=1", (True,)),
    ],
)
def test_a_key_may_be_a_boolean(path: str, keys: tuple[Value, ...]) -> None:
    assert bind_path(parse_path(path), ODD, CIMV2).keys == keys


def test_a_key_has_the_type_that_its_class_declares() -> None:
    text = 'Odd.Letter="x",On=FALSE,Since="20260101100200.000000+000",Step={}'
    letter, on, since, step = bind_path(parse_path(text.format(-128)), ODD, CIMV2).keys or ()
    assert (letter, on, since, step) == ("x", False, datetime(2026, 1, 1, 10, 2, tzinfo=UTC), -128)
    again = write_reference(("Odd", letter, on, since, step), ODD, CIMV2)
    assert bind_path(parse_path(again), ODD, CIMV2).keys == (letter, on, since, step)
    with pytest.raises(TypeMismatchError, match="invalid value '-129' for the key Step: out of range for a sint8"):
        bind_path(parse_path(text.format(-129)), ODD, CIMV2)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Win32_Process", 'Win32_Process.Handle="..."'),
        ("Win32_UserAccount", 'Win32_UserAccount.Domain="...",Name="..."'),
        ("Win32_OperatingSystem", "Win32_OperatingSystem=@"),
        ("Win32_Session", "Win32_Session"),
    ],
)
def test_an_example_has_the_form_of_the_class(name: str, written: str) -> None:
    assert example_path(schema().get(name)) == written


@pytest.mark.parametrize(
    ("reference", "namespace", "text"),
    [
        (PROCESS, CIMV2, r'\\.\root\cimv2:Win32_Process.Handle="4312"'),
        (ALICE, CIMV2, r'\\.\root\cimv2:Win32_Account.Domain="web1",Name="alice"'),
        (("LS_Socket", 17), LOGONSCOPE, r"\\.\root\logonscope:LS_Socket.Inode=17"),
        (("Win32_OperatingSystem",), CIMV2, r"\\.\root\cimv2:Win32_OperatingSystem=@"),
        (("Win32_LoggedOnUser", ALICE, SESSION), CIMV2, LOGGED_ON),
    ],
)  # fmt: skip
def test_a_reference_is_written_in_the_form_of_the_real_provider(
    reference: tuple[Value, ...], namespace: str, text: str
) -> None:
    assert write_reference(reference, schema(), namespace) == text
    assert bound(text).reference == reference


def nested(depth: int) -> str:
    """Return a path in which paths stand so deep."""
    path = "Win32_Process=1"
    for _ in range(depth):
        path = f"Win32_SessionProcess.Antecedent={write_key(path)},Dependent={write_key(path)}"
    return path


def test_paths_stand_in_paths_so_deep_and_no_deeper() -> None:
    assert bound(nested(MAX_DEPTH)).cls.name == "Win32_SessionProcess"
    with pytest.raises(InvalidObjectPathError) as refused:
        bound(nested(MAX_DEPTH + 1))
    assert str(refused.value).endswith("object paths nested too deep; nest at most 3")


def test_the_longest_path_is_judged_at_once() -> None:
    inner = ObjectPath("Win32_Process", (("Handle", "\\" * 1000),))
    path = inner
    while len(str(path)) < MAX_PATH_LENGTH // 5:
        path = ObjectPath("Win32_SessionProcess", (("Antecedent", str(path)), ("Dependent", str(inner))))
    before = time.process_time()
    assert bound(str(path)).cls.name == "Win32_SessionProcess"
    assert time.process_time() - before < 0.5


words = st.text(max_size=20).filter(lambda text: "%" not in text)


@given(words, words, words)
def test_whatever_the_names_a_reference_is_unchanged(domain: str, name: str, logon: str) -> None:
    reference: tuple[Value, ...] = (
        "Win32_LoggedOnUser",
        ("Win32_Account", domain, name),
        ("Win32_LogonSession", logon),
    )
    assert bound(write_reference(reference, schema(), CIMV2)).reference == reference


class_names = st.sampled_from(
    ["Win32_Process", "Win32_Account", "Win32_OperatingSystem", "Win32_SessionProcess", "Win32_Session", "LS_Socket"]
)
key_names = st.sampled_from(["Handle", "handle", "Name", "Domain", "Antecedent", "Dependent", "Inode", "x"])
key_values = words | st.integers(-5, 5) | st.booleans() | class_names.map("{}=1".format)
pairs = st.lists(st.tuples(key_names, key_values), max_size=3).map(tuple)
alone = st.tuples(st.tuples(st.none(), key_values))
namespaces = st.sampled_from([None, CIMV2, LOGONSCOPE, "root", "ROOT/CIMV2", "nowhere"])


REFUSALS = (InvalidClassError, InvalidNamespaceError, InvalidObjectPathError, TypeMismatchError)


@given(st.builds(ObjectPath, class_names, st.none() | pairs | alone, namespaces, st.none()))
def test_any_path_names_something_or_is_refused_and_nothing_else(path: ObjectPath) -> None:
    try:
        target = bind_path(path, schema(), CIMV2)
    except REFUSALS:
        return
    assert len(target.reference) == len(target.cls.keys) + 1 or target.keys is None


@pytest.mark.parametrize(
    ("one", "other", "folded", "to_the_letter"),
    [
        ("Alice", "aLICE", True, False),
        ("41", "041", False, False),
        (41, 41, True, True),
        (41, "41", False, False),
        (None, "", False, False),
        (None, ("Win32_Process", "1"), False, False),
        (("Win32_Account", "web1", "alice"), ("Win32_UserAccount", "web1", "alice"), True, True),
        (("Win32_Account", "web1", "alice"), ("Win32_UserAccount", "WEB1", "Alice"), True, False),
        (("Win32_Account", "web1", "alice"), ("Win32_Process", "web1", "alice"), False, False),
        (("CIM_Process", "1"), ("Win32_Process", "1"), True, True),
        (("Win32_Process", "1"), ("Win32_Process", "2"), False, False),
        (("Win32_Process", "1"), ("Win32_OperatingSystem",), False, False),
        (("Nowhere", "1"), ("Win32_Process", "1"), False, False),
        (("Win32_Process", "a"), ("Win32_Process", "A"), True, False),
    ],
)
def test_keys_are_the_same_by_their_letters_and_by_what_they_name(
    one: Any, other: Any, folded: bool, to_the_letter: bool
) -> None:
    for pair in ((one, other), (other, one)):
        assert is_same_key(*pair, schema()) is folded
        assert is_same_key(*pair, schema(), fold=str) is to_the_letter


ACCOUNT = ("Win32_UserAccount", "WEB1", "alice")
BIOS = 'Win32_BIOS.Name="1.9",SoftwareElementID="1.9",SoftwareElementState=3,TargetOperatingSystem=0,Version="DELL"'
DOMAIN_AND_NAME = r'''\root\cimv2:{}.Domain="WEB1",Name="alice"'''


@pytest.mark.parametrize(
    ("holder", "reference", "text"),
    [
        ("Win32_LoggedOnUser", ("Win32_Account", "WEB1", "alice"), r"\\." + DOMAIN_AND_NAME.format("Win32_Account")),
        ("Win32_SessionProcess", ("Win32_LogonSession", "41"), r'''\\.\root\cimv2:Win32_LogonSession.LogonId="41"'''),
        ("Win32_GroupUser", ACCOUNT, r"\\WEB1" + DOMAIN_AND_NAME.format("Win32_UserAccount")),
        ("Win32_SystemUsers", ACCOUNT, r'''\\WEB1\root\cimv2:Win32_UserAccount.Name="alice",Domain="WEB1"'''),
        ("Win32_SystemProcesses", ("Win32_Process", "1"), r'''\\WEB1\root\cimv2:Win32_Process.Handle="1"'''),
        ("Win32_ComputerSystemProcessor", ("Win32_Processor", "CPU0"),
         r'''\\WEB1\root\cimv2:Win32_Processor.DeviceID="CPU0"'''),
        ("Win32_SystemTimeZone", ("Win32_TimeZone", "CET"), r'''\\WEB1\root\cimv2:Win32_TimeZone.StandardName="CET"'''),
        ("Win32_SystemBIOS", ("Win32_BIOS", "1.9", "1.9", 3, 0, "DELL"),
         r"\\WEB1\root\cimv2:" + BIOS),
        ("Win32_SystemOperatingSystem", ("Win32_OperatingSystem",), r"\\WEB1\root\cimv2:Win32_OperatingSystem=@"),
        ("Win32_SystemServices", ("Win32_Service", "ssh"), r'''\\WEB1\root\cimv2:Win32_Service.Name="ssh"'''),
        ("Win32_AccountSID", ("Win32_SID", "S-1-22-1-0"), r'''\\.\root\cimv2:Win32_SID.SID="S-1-22-1-0"'''),
    ],
)  # fmt: skip
def test_a_reference_is_written_as_windows_prints_it_in_each_association(
    holder: str, reference: tuple[Value, ...], text: str
) -> None:
    assert write_held_reference(reference, schema().get(holder), "WEB1") == text
    assert bind_path(parse_path(text), schema(), CIMV2, lambda server: server in {".", "WEB1"}).reference == reference
