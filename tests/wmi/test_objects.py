"""Tests of wmi/objects.py: scripts for processes and logon sessions get the results of the module ``wmi``."""

import io
import os
import re
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import logonscope
from logonscope import wmi
from logonscope.wmi import _wmi_object
from tests.hosts import HostFolder
from tests.server.running import ADMIN, running
from tests.server.test_metrics import numbers
from tests.wmi.scripts import PATH, ExampleHost, raises

PAGE = (Path(__file__).parents[2] / "docs/wmi.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_runs(c: Any) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    out = io.StringIO()
    with redirect_stdout(out):
        exec(program.replace("wmi.WMI()", "c"), {"c": c})  # noqa: S102 -- our own page
    assert out.getvalue() == shown


# Scripts about processes


def test_processes_are_listed_found_by_name_and_counted(c: Any) -> None:
    assert [(p.ProcessId, p.Name) for p in c.Win32_Process()][:2] == [(1, "systemd"), (2, "kthreadd")]
    assert [p.Handle for p in c.Win32_Process(name="SSHD")] == ["700", "4100", "4150"]
    assert Counter(p.name for p in c.instances("Win32_Process"))["sshd"] == len(c.Win32_Process(Name="sshd")) == 3
    assert [p.Handle for p in c.Win32_Process(ParentProcessId=700, SessionId="41")] == ["4100"]
    assert [p.Handle for p in c.Win32_Process.query(CommandLine=None)] == ["2"]


def test_only_what_is_selected_is_there(c: Any) -> None:
    (p,) = c.Win32_Process(["Name", "ProcessId"], Handle="4312")
    assert (list(p.properties), p.Name, p.processid) == (["Name", "ProcessId"], "python3", 4312)
    assert p.GetOwner() == ("web1", 0, "root")
    with pytest.raises(AttributeError, match="CommandLine was not selected"):
        _ = p.CommandLine


def test_quotes_and_backslashes_in_values_stand_for_themselves(host: HostFolder) -> None:
    names = ["it's", 'say "hi"', "back\\slash", "\\\\'\"", "tail\\"]
    for pid, name in enumerate(names, 100):
        host.process(pid, name)
    c = wmi.WMI(host=host.connect())
    assert [[p.ProcessId for p in c.Win32_Process(Name=name)] for name in names] == [[100], [101], [102], [103], [104]]
    assert [p.ProcessId for p in c.query(r"SELECT * FROM Win32_Process WHERE Name = 'back\slash'")] == [102]
    assert [p.ProcessId for p in c.query(r"SELECT * FROM Win32_Process WHERE Name = 'tail\'")] == [104]


def test_a_key_in_a_condition_is_looked_up(example_host: ExampleHost, c: Any) -> None:
    example_host.forget_queries()
    assert [p.Name for p in c.Win32_Process(Handle=4312)] == ["python3"]
    assert 4312 in example_host.queried_pids


def test_a_process_describes_itself(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    assert (repr(p), p.id) == (f"<_wmi_object: {PATH.encode()!r}>", PATH)
    assert (p.keys, p.is_association) == (["Handle"], False)
    assert p.derivation()[0] == c.Win32_Process.derivation()[0] == "CIM_Process"
    assert "Terminate" in p.methods
    assert {"Name", "Terminate", "associators"} <= set(dir(p))


def test_objects_are_compared_by_their_path(c: Any) -> None:
    before = set(c.Win32_Process())
    assert set(c.Win32_Process(["Name"])) == before
    assert min(before) == c.get("Win32_Process=1")
    assert len({p.id for p in c.query("SELECT Name FROM Win32_Process WHERE Name = 'sshd'")}) == 1
    assert c.Win32_Process == c.get("win32_process") != c.Win32_LogonSession
    assert c.get("Win32_Process=1") != 1


# Scripts about logon sessions


def test_the_logon_session_of_a_process_is_reached_either_way(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    (session,) = p.associators(wmi_result_class="Win32_LogonSession")
    assert p.associators("Win32_SessionProcess") == [session]
    (pair,) = p.references(wmi_class="Win32_SessionProcess")
    assert (pair.Antecedent, pair.Dependent, pair.is_association) == (session, p, True)
    assert (pair.Antecedent.LogonId, pair.antecedent.LogonType, pair.Dependent.Name) == ("41", 10, "python3")
    assert c.Win32_SessionProcess(Dependent=p.path()) == [pair]
    assert c.query(f"SELECT * FROM Win32_SessionProcess WHERE Dependent = '{p.path()}'") == [pair]


def test_users_and_their_logons_are_listed(c: Any) -> None:
    assert [(s.Antecedent.Name, s.Dependent.LogonId) for s in c.Win32_LoggedOnUser()] == [
        ("postgres", "4294967297"), ("bob", "37"), ("alice", "41"), ("alice", "42"), ("root", "63"),
    ]  # fmt: skip
    account = c.Win32_LoggedOnUser(Dependent="Win32_LogonSession=41")[0].Antecedent
    assert (account.SID, account.path().Class) == ("S-1-22-1-1000", "Win32_UserAccount")
    assert [s.LogonId for s in c.Win32_LogonSession(LogonType=10)] == ["41"]


def test_a_reference_is_read_once_an_answer_and_not_for_its_keys(example_host: ExampleHost, c: Any) -> None:
    pairs = c.Win32_SessionProcess()
    example_host.forget_queries()
    assert len({pair.Antecedent.LogonId for pair in pairs}) == 6
    assert example_host.query_count == 0
    sessions = {pair.Antecedent.id: pair.Antecedent.LogonType for pair in pairs}
    first_count = example_host.query_count
    assert {pair.Antecedent.id: pair.Antecedent.LogonType for pair in pairs} == sessions
    assert example_host.query_count == first_count > 0


def test_the_class_of_many_references_is_requested_once() -> None:
    user, password = ADMIN
    with running(metrics="administrators") as server:
        url, metrics = f"https://127.0.0.1:{server.https}", server.services.metrics
        host = logonscope.connect(url, user=user, password=password, certificate=server.certificate)
        pairs = wmi.WMI(host=host).Win32_SessionProcess()
        assert metrics is not None
        request_counts = [numbers(metrics)["logonscope_requests_total", "answered", "get_class"]]
        assert len({pair.Antecedent.LogonId for pair in pairs}) == 6
        request_counts.append(numbers(metrics)["logonscope_requests_total", "answered", "get_class"])
        host.close()
    assert request_counts[1] - request_counts[0] <= 1


def test_this_process_is_in_the_logon_session_that_the_library_names() -> None:
    (p,) = wmi.WMI().Win32_Process(Handle=os.getpid())
    owned = logonscope.connect().session_of(os.getpid())
    # without a login, one's own process is one's own, but the System session is an administrator's
    is_hidden = owned.session.logon_type == 0 and os.geteuid() != 0
    logon_ids = [] if is_hidden else [owned.session.logon_id]
    assert [s.LogonId for s in p.associators("Win32_SessionProcess")] == logon_ids


# Classes


def test_a_class_describes_itself_and_selects_its_instances(c: Any) -> None:
    cls = c.Win32_SessionProcess
    assert (cls.keys, cls.Antecedent.type, cls.Antecedent.value) == (
        ["Antecedent", "Dependent"], "ref:Win32_LogonSession", None,
    )  # fmt: skip
    assert (list(cls.properties), cls.qualifiers["Association"]) == (["Antecedent", "Dependent"], True)
    assert "class Win32_SessionProcess : Win32_SessionResource\n{\n" in str(cls)
    assert len(cls.instances()) == len(cls()) == 16


# Errors


def test_what_is_not_there_is_an_error(c: Any) -> None:
    with raises(wmi.x_wmi_invalid_query, "no property 'Nam'", 0x80041017):
        c.Win32_Process(Nam="sshd")
    with raises(wmi.x_wmi, "no property 'Nam'", 0x80041031):
        c.get("Win32_Process=1").wmi_property("Nam")
    with pytest.raises(AttributeError, match="Win32_Process has no property and no method 'Nam'"):
        _ = c.get("Win32_Process=1").Nam
    with pytest.raises(AttributeError, match="Nam"):
        c.get("Win32_Process=1").Nam = "x"


def test_a_key_of_a_reference_that_may_not_be_read_is_an_error_of_the_module(example_host: ExampleHost) -> None:
    reference = _wmi_object(example_host.connect_as_nobody(), PATH, {})
    with raises(wmi.x_access_denied, "no anonymous access", 0x80041003):
        _ = reference.Handle


def test_an_object_without_its_keys_can_be_read_and_nothing_else(c: Any) -> None:
    (p,) = c.query("SELECT Name FROM Win32_Process WHERE Handle = 4312")
    assert (p.Name, str(p.path()), p.path().Class) == ("python3", "", "Win32_Process")
    with raises(wmi.x_wmi, "is not an object path", 0x8004103A):
        p.GetOwner()


def test_the_classes_that_a_class_and_its_objects_can_be_associated_with(c: Any) -> None:
    classes = c.Win32_Process.associated_classes
    assert {"Win32_LogonSession", "Win32_ComputerSystem"} <= set(classes)
    assert [p.LogonId for p in classes["Win32_LogonSession"](LogonId="41")] == ["41"]
    (process,) = c.Win32_Process(Handle="4312")
    assert set(process.associated_classes) == set(classes)
