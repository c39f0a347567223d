"""wmi.py: does a script that was written for the module ``wmi`` get what it got there?"""

import copy
import inspect
import io
import os
import pickle
import pwd
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import logonscope
from logonscope import AccessDeniedError, InvalidQueryError, TimedOutError, wmi
from logonscope.client import Host, LocalHost
from logonscope.machine import Needs, Snapshot, Source
from logonscope.sources.recorded import save
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user
from tests.server.running import ADMIN, running

PAGE = (Path(__file__).parents[1] / "docs/wmi.md").read_text(encoding="utf-8")
PATH = '\\\\web1\\root\\cimv2:Win32_Process.Handle="4312"'


@pytest.fixture
def memory() -> Memory:
    return Memory(example.snapshot())


@pytest.fixture
def web1(memory: Memory) -> Host:
    return LocalHost(memory.broker(ROOT), save)


@pytest.fixture
def c(web1: Host) -> Any:
    return wmi.WMI(host=web1)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as started:
        yield started
        started.kill()


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


def test_only_what_is_chosen_is_there(c: Any) -> None:
    (p,) = c.Win32_Process(["Name", "ProcessId"], Handle="4312")
    assert (list(p.properties), p.Name, p.processid) == (["Name", "ProcessId"], "python3", 4312)
    assert p.GetOwner() == ("web1", 0, "root")
    with pytest.raises(AttributeError, match="CommandLine was not asked for"):
        _ = p.CommandLine
    assert c.fetch_as_lists("Win32_Process", ["Name", "kernelmodetime"], ProcessId=1) == [["systemd", "0"]]
    (row,) = c.fetch_as_classes("Win32_LoggedOnUser", Dependent="Win32_LogonSession=41")
    assert row.Antecedent == '\\\\.\\root\\cimv2:Win32_Account.Domain="web1",Name="alice"'
    assert [vars(row) for row in c.fetch_as_classes("Win32_Process", ["name"], ProcessId=1)] == [{"name": "systemd"}]


def test_whatever_a_value_holds_is_asked_for_as_it_is(host: HostFolder) -> None:
    names = ["it's", 'say "hi"', "back\\slash", "\\\\'\"", "tail\\"]
    for pid, name in enumerate(names, 100):
        host.process(pid, name)
    c = wmi.WMI(host=host.connect())
    assert [[p.ProcessId for p in c.Win32_Process(Name=name)] for name in names] == [[100], [101], [102], [103], [104]]
    assert [p.ProcessId for p in c.query(r"SELECT * FROM Win32_Process WHERE Name = 'back\slash'")] == [102]
    assert [p.ProcessId for p in c.query(r"SELECT * FROM Win32_Process WHERE Name = 'tail\'")] == [104]


def test_a_key_that_is_given_is_looked_up(memory: Memory, c: Any) -> None:
    memory.asked.clear()
    assert [p.Name for p in c.Win32_Process(Handle=4312)] == ["python3"]
    assert 4312 in memory.pids_asked


def test_values_are_as_automation_hands_them_over(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    assert (p.CreationDate, p.KernelModeTime, p.ThreadCount, p.TerminationDate) == (
        "20260101104000.000000+000", "0", 1, None,
    )  # fmt: skip
    (computer,) = c.Win32_ComputerSystem()
    assert (computer.TotalPhysicalMemory, computer.HypervisorPresent) == (str(8 << 30), True)
    (session,) = wmi.WMI(namespace="root/logonscope", host=c.handle()).LS_LogonSession(LogonId="41")
    assert isinstance(session.Sources, tuple)


def test_a_process_tells_what_it_is(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    assert repr(p) == f"<_wmi_object: {PATH.encode()!r}>"
    assert (str(p.path()), p.path().Path, p.id) == (PATH, PATH, PATH)
    assert p.path()[2:] == ('Win32_Process.Handle="4312"', "web1", "root\\cimv2")
    assert (p.path().Class, p.keys, p.is_association) == ("Win32_Process", ["Handle"], False)
    assert p.derivation()[0] == c.Win32_Process.derivation()[0] == "CIM_Process"
    assert list(p.properties)[:3] == ["Caption", "CommandLine", "CreationClassName"]
    assert (p.properties["KernelModeTime"].value, p.wmi_property("name").type) == ("0", "string")
    assert "Terminate" in p.methods
    assert {"Name", "Terminate", "associators"} <= set(dir(p))


def test_a_process_is_printed_as_mof(host: HostFolder) -> None:
    host.process(7, "a", cmdline='say\0"hi"\n\x9b2J\0C:\\x\0'.encode())
    (p,) = wmi.WMI(host=host.connect()).Win32_Process(
        ["Handle", "CommandLine", "TerminationDate", "ProcessId"], Handle=7
    )
    lines = ['\tCommandLine = "say \\"hi\\"\\n\\x009B2J C:\\\\x";', '\tHandle = "7";', "\tProcessId = 7;"]
    assert str(p) == "\n".join(["", "instance of Win32_Process", "{", *lines, "};", ""])
    (computer,) = wmi.WMI(host=host.connect()).Win32_ComputerSystem()
    assert re.search(r"\n\tDaylightInEffect = (TRUE|FALSE);\n", str(computer))
    (session,) = wmi.WMI(namespace="root/logonscope", host=host.connect()).LS_LogonSession()
    assert '\tSources = {"LogonType: no login started it", "' in str(session)


def test_objects_are_told_apart_by_their_path(c: Any) -> None:
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
    text = f"ASSOCIATORS OF {{{session.path()}}} WHERE AssocClass = Win32_SessionProcess"
    assert [q.Handle for q in c.query(text)] == ["4100", "4150", "4151", "4300", "4312"]
    assert c.Win32_SessionProcess(Dependent=p.path()) == [pair]
    assert c.query(f"SELECT * FROM Win32_SessionProcess WHERE Dependent = '{p.path()}'") == [pair]


def test_users_and_their_logons_are_listed(c: Any) -> None:
    assert [(s.Antecedent.Name, s.Dependent.LogonId) for s in c.Win32_LoggedOnUser()] == [
        ("postgres", "4294967297"), ("bob", "37"), ("alice", "41"), ("alice", "42"), ("root", "63"),
    ]  # fmt: skip
    account = c.Win32_LoggedOnUser(Dependent="Win32_LogonSession=41")[0].Antecedent
    assert (account.SID, account.path().Class) == ("S-1-22-1-1000", "Win32_UserAccount")
    assert [s.LogonId for s in c.Win32_LogonSession(LogonType=10)] == ["41"]


def test_a_reference_is_read_once_an_answer_and_not_for_its_keys(memory: Memory, c: Any) -> None:
    pairs = c.Win32_SessionProcess()
    memory.asked.clear()
    assert len({pair.Antecedent.LogonId for pair in pairs}) == 6
    assert memory.asked == []
    sessions = {pair.Antecedent.id: pair.Antecedent.LogonType for pair in pairs}
    once = len(memory.asked)
    assert {pair.Antecedent.id: pair.Antecedent.LogonType for pair in pairs} == sessions
    assert len(memory.asked) == once > 0


# Scripts that do something


def test_a_method_tells_its_signature_and_takes_parameters_by_place_or_name(c: Any) -> None:
    p = c.get("Win32_Process=3901")
    assert repr(p.GetOwner) == "<function GetOwner () => (Domain, ReturnValue, User)>"
    assert p.Terminate.__doc__ == "Terminate (Reason) => (ReturnValue)"
    signature = "Create (CommandLine, CurrentDirectory, ProcessStartupInformation) => (ProcessId, ReturnValue)"
    assert c.Win32_Process.Create.__doc__ == signature
    domain, return_value, name = p.GetOwner()
    assert (domain, return_value, name, p.getownersid()) == ("web1", 0, "postgres", (0, "S-1-22-1-110"))
    assert p.SetPriority(3) == p.SetPriority(Priority=3) == p.SetPriority(priority=3) == (21,)


def test_a_process_is_found_slowed_down_and_killed(child: subprocess.Popen[bytes]) -> None:
    c = wmi.WMI(find_classes=False, privileges=["Debug"])
    (p,) = c.Win32_Process(ProcessId=child.pid)
    assert p.CommandLine == "sleep 600"
    assert p.GetOwner()[2] == pwd.getpwuid(os.geteuid()).pw_name
    assert p.SetPriority(Priority=64) == (0,)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == 19
    assert p.Terminate() == (0,)
    assert child.wait(10) == -9
    assert c.Win32_Process(ProcessId=child.pid) == []
    with pytest.raises(wmi.x_wmi, match=f'Handle="{child.pid}"'):
        p.Terminate()


def test_this_process_is_in_the_logon_session_that_the_library_says() -> None:
    (p,) = wmi.WMI().Win32_Process(Handle=os.getpid())
    owned = logonscope.connect().session_of(os.getpid())
    assert [s.LogonId for s in p.associators("Win32_SessionProcess")] == [owned.session.logon_id]


# Where scripts connect to


@pytest.mark.parametrize(
    ("moniker", "found"),
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
def test_a_moniker_names_a_namespace_a_class_or_an_object(moniker: str, found: str, web1: Host) -> None:
    assert repr(wmi.WMI(moniker=moniker, host=web1)).startswith(f"<{found}")


def test_a_namespace_is_named_as_one_likes(web1: Host) -> None:
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
        assert [one.Name for one in c.Win32_Process(["Name"], Handle=4312)] == ["python3"]
        with pytest.raises(wmi.x_wmi, match="does not let scanner in"):
            wmi.WMI(f"127.0.0.1:{server.https}", user=user, password=user).Win32_Process()


def test_a_host_is_itself_alone_and_a_user_is_for_another_machine(web1: Host) -> None:
    with pytest.raises(wmi.x_wmi, match="web2"):
        wmi.WMI("web2", host=web1)
    for given in ({}, {"computer": "."}, {"computer": "web2", "privileges": ["Debug"]}):
        with pytest.raises(wmi.x_wmi_authentication, match="leave it out"):
            wmi.connect(user="alice", **given)


# Classes


def test_classes_are_listed_and_tell_what_they_are(c: Any) -> None:
    assert {"Win32_Process", "Win32_SessionProcess"} <= set(c.classes)
    assert {"Win32_Process", "get"} <= set(dir(c))
    assert c.subclasses_of("win32_account") == {"Win32_Group", "Win32_SystemAccount", "Win32_UserAccount"}
    assert c.subclasses_of(regex="Win32_SessionP") == {"Win32_SessionProcess"}
    cls = c.win32_sessionprocess
    assert (cls.keys, cls.Antecedent.type, cls.Antecedent.value) == (
        ["Antecedent", "Dependent"], "ref:Win32_LogonSession", None,
    )  # fmt: skip
    assert (list(cls.properties), cls.qualifiers["Association"]) == (["Antecedent", "Dependent"], True)
    assert copy.copy(c).Win32_SessionProcess == cls
    assert repr(cls.wmi_property("dependent")) == "<wmi_property: Dependent>"
    assert "class Win32_SessionProcess : Win32_SessionResource\n{\n" in str(cls)
    assert [found.path().Class for found in c.query("SELECT * FROM meta_class WHERE __Class = 'Win32_Group'")] == [
        "Win32_Group"
    ]
    assert len(cls.instances()) == len(cls()) == 16


# Refusals


@contextmanager
def refused(kind: type[wmi.x_wmi], text: str, number: int) -> Iterator[None]:
    with pytest.raises(wmi.x_wmi, match=re.escape(text)) as caught:
        yield
    error = caught.value
    assert type(error) is kind
    assert error.com_error is not None
    hresult, _, excepinfo, _ = error.com_error.args
    assert (hresult, excepinfo[2]) == (-2147352567, error.info)
    assert wmi.signed_to_unsigned(error.com_error.excepinfo[5]) == number
    assert isinstance(error.__cause__, logonscope.LogonscopeError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own


def test_what_is_not_there_says_so(c: Any) -> None:
    with refused(wmi.x_wmi_invalid_query, "no property 'Nam'", 0x80041017):
        c.Win32_Process(Nam="sshd")
    with refused(wmi.x_wmi_invalid_query, "at line 1, column 1", 0x80041017):
        c.query("SELEKT")
    with refused(wmi.x_wmi, "no class 'Win32_Service'", 0x80041010):
        c.query("SELECT * FROM Win32_Service")
    with refused(wmi.x_wmi, 'there is no \\\\.\\root\\cimv2:Win32_Process.Handle="9"', 0x80041002):
        c.get("Win32_Process=9")
    with refused(wmi.x_wmi, "no namespace 'root\\default'", 0x8004100E):
        wmi.WMI(namespace="default", host=c.handle())
    with refused(wmi.x_wmi, "no property 'Nam'", 0x80041031):
        c.get("Win32_Process=1").wmi_property("Nam")
    with pytest.raises(AttributeError, match=r"no class 'Win32_Proces'; did you mean Win32_Process\?"):
        _ = c.Win32_Proces
    with pytest.raises(AttributeError, match="Win32_Process has no property and no method 'Nam'"):
        _ = c.get("Win32_Process=1").Nam


def test_what_cannot_be_done_says_what_to_do(c: Any) -> None:
    p = c.get("Win32_Process=1")
    for watch in (c.watch_for, c.Win32_Process.watch_for):
        with refused(wmi.x_wmi, "events are not told yet; ask time and again", 0x8004100C):
            watch(notification_type="Creation", wmi_class="Win32_Process", delay_secs=2)
    for write in (p.put, c.Win32_Process.new, lambda: p.set(Name="x"), lambda: setattr(p, "name", "x")):
        with refused(wmi.x_wmi, "nothing is written here", 0x8004100C):
            write()
    with pytest.raises(AttributeError, match="Nam"):
        p.Nam = "x"
    with refused(wmi.x_wmi, "Create is not offered on Linux", 0x8004100C):
        c.Win32_Process.Create(CommandLine="sleep 1")
    with refused(wmi.x_wmi, "no parameter 'Result'; it takes Reason", 0x8004102F):
        p.Terminate(Result=1)
    with refused(wmi.x_wmi, "2 parameters for Terminate (Reason) => (ReturnValue)", 0x8004102F):
        p.Terminate(0, 1)
    with refused(wmi.x_wmi, "the parameter Reason is a uint32", 0x80041005):
        p.Terminate("now")
    with refused(wmi.x_wmi, "no registry", 0x8004100C):
        wmi.Registry()


def test_an_object_without_its_keys_can_only_be_looked_at(c: Any) -> None:
    (p,) = c.query("SELECT Name FROM Win32_Process WHERE Handle = 4312")
    assert (p.Name, str(p.path()), p.path().Class) == ("python3", "", "Win32_Process")
    with refused(wmi.x_wmi, "is no object path", 0x8004103A):
        p.GetOwner()


def test_no_right_and_no_time_have_errors_of_their_own(memory: Memory) -> None:
    def late(_: Needs) -> Snapshot:
        raise TimedOutError("it took too long")

    slow = LocalHost(memory.broker(ROOT)._replace(source=Source("slow", late)), save)
    with refused(wmi.x_wmi_timed_out, "it took too long", 0x80041069):
        wmi.WMI(host=slow).Win32_Process()
    with pytest.raises(wmi.x_access_denied) as caught:
        wmi.WMI(host=LocalHost(memory.broker(user(None)), save))
    assert isinstance(caught.value.__cause__, AccessDeniedError)


def test_an_error_prints_what_to_do_and_its_number(c: Any) -> None:
    with pytest.raises(wmi.x_wmi_invalid_query) as caught:
        c.Win32_Process(Nam="sshd")
    assert isinstance(caught.value.__cause__, InvalidQueryError)
    assert str(caught.value).endswith("did you mean Name? (WBEM_E_INVALID_QUERY 0x80041017)>")
    assert str(wmi.x_wmi("why")) == "<x_wmi: why>"


# Times


def test_times_are_put_together_and_taken_apart() -> None:
    assert wmi.from_time(2026, 1, 2, 3, 4, 5, 6, -60) == "20260102030405.000006-060"
    assert wmi.from_time(year="2026", timezone=0) == "2026**********.******+000"
    assert wmi.from_time() == "**************.******+***"
    assert wmi.to_time("20260102030405.000006-060") == (2026, 1, 2, 3, 4, 5, 6, "060")
    assert wmi.to_time("2026**********.******+***") == (2026, *[None] * 7)
    assert wmi.from_1601(116444736000000000).isoformat() == "1970-01-01T00:00:00"
    assert f"{wmi.signed_to_unsigned(-2147023174):08X}" == "800706BA"
