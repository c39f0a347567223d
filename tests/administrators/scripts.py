"""Forty scripts of administrators, as a table: what each asks, in which words, and what the system itself says.

Public scripts were read for what they ask; the questions are written anew. ``kind`` is the kind of the source. ``wql``
has the questions as PowerShell's Get-CimInstance and Get-WmiObject send them: each is asked once for every row of the
one before, whose values it names in braces. ``wmi`` is the script for the module ``wmi``. ``truth`` is the answer of
the system's own programs and files. A row is what ``columns`` name; ``1.Name`` is the Name of the first question.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.administrators.truth import Rows, Truth

CIMV2, LOGONSCOPE = "root/cimv2", "root/logonscope"
ROOT, ALICE = "root", "alice"

SLEEP, NAP = "sleep 4711", "/usr/bin/sleep 4712"
"""Commands that run in a login of alice, and in the service lab-nap.service."""

BOBS = "sleep 4713"
"""The command that runs in a login of bob, through an sshd that alice started."""

COMPUTER = "SELECT Name FROM Win32_ComputerSystem"
OF_COMPUTER = "ASSOCIATORS OF {{Win32_ComputerSystem.Name='{Name}'}} WHERE AssocClass="


class Script(NamedTuple):
    """A script: what it asks, the kind of its source, its questions in both forms, and the answer of the system.

    Attributes:
        method: a method that is called on each instance of the last question: class, key and name.
        needs_lab: it asks for what only the machine of the tests has: systemd, and the people who are logged in there.
        at_least: processes of others come and go, so the rows may be more than those of the system.
        caller: who asks.
    """

    asks: str
    kind: str
    wql: tuple[str, ...]
    columns: str
    wmi: Callable[[Any], Iterable[tuple[Any, ...]]]
    truth: Callable[[Truth], Rows]
    method: tuple[str, str, str] | None = None
    namespace: str = CIMV2
    needs_lab: bool = False
    at_least: bool = False
    caller: str = ROOT


def of(rows: Iterable[Any], *names: str) -> Iterable[tuple[Any, ...]]:
    """Return the values of properties of objects."""
    return [tuple(getattr(row, name) for name in names) for row in rows]


def computer(c: Any) -> Any:
    """Return the object of the computer."""
    (found,) = c.Win32_ComputerSystem()
    return found


SCRIPTS: tuple[Script, ...] = (
    # services
    Script(
        "every service", "inventory, PowerShell",
        ("SELECT Name FROM Win32_Service",), "Name",
        lambda c: of(c.Win32_Service(["Name"]), "Name"),
        lambda t: t.services("Name"), needs_lab=True,
    ),
    Script(
        "the services that run, with their processes", "monitoring plug-in, Python",
        ("SELECT Name, ProcessId, Started FROM Win32_Service WHERE State = 'Running'",), "Name ProcessId Started",
        lambda c: of(c.Win32_Service(State="Running"), "Name", "ProcessId", "Started"),
        lambda t: t.services("Name MainPID Started", ActiveState="active"), needs_lab=True,
    ),
    Script(
        "the services that should run and do not", "monitoring plug-in, PowerShell",
        ("SELECT Name, State FROM Win32_Service WHERE StartMode = 'Auto' AND State <> 'Running'",), "Name",
        lambda c: of((s for s in c.Win32_Service(StartMode="Auto") if s.State != "Running"), "Name"),
        lambda t: (
            t.services("Name", UnitFileState="enabled") | t.services("Name", UnitFileState="enabled-runtime")
        ) - t.services("Name", ActiveState="active"),
        needs_lab=True,
    ),
    Script(
        "the services that nobody can start", "hardening check, PowerShell",
        ("SELECT Name FROM Win32_Service WHERE StartMode = 'Disabled'",), "Name",
        lambda c: of(c.query("SELECT Name FROM Win32_Service WHERE StartMode = 'Disabled'"), "Name"),
        lambda t: t.services("Name", UnitFileState="masked"), needs_lab=True,
    ),
    Script(
        "one service by its name", "monitoring plug-in, VBScript",
        ("SELECT * FROM Win32_Service WHERE Name = 'lab-nap.service'",), "Name State Status ProcessId DisplayName",
        lambda c: of(c.Win32_Service(Name="lab-nap.service"), "Name", "State", "Status", "ProcessId", "DisplayName"),
        lambda t: {("lab-nap.service", "Running", "OK", t.pid(NAP), t.unit("lab-nap.service")["Description"])},
        needs_lab=True,
    ),
    Script(
        "the services that failed, with the reason", "event triage, PowerShell",
        ("SELECT Name, ExitCode, ServiceSpecificExitCode FROM Win32_Service WHERE ExitCode <> 0",),
        "Name ExitCode ServiceSpecificExitCode",
        lambda c: of(
            (s for s in c.Win32_Service() if s.ExitCode), "Name", "ExitCode", "ServiceSpecificExitCode"
        ),
        lambda t: t.failures(), needs_lab=True,
    ),
    Script(
        "the services that do not run as root, with their account", "audit of service accounts, PowerShell",
        ("SELECT Name, StartName FROM Win32_Service WHERE StartName <> 'root'",), "Name StartName",
        lambda c: of((s for s in c.Win32_Service() if s.StartName not in {"root", None}), "Name", "StartName"),
        lambda t: {row for row in t.services("Name User") if row[1] not in {"", "root"}}, needs_lab=True,
    ),
    Script(
        "the programs of the services that run", "search for unquoted paths, PowerShell",
        ("SELECT Name, PathName FROM Win32_Service WHERE State = 'Running' AND PathName LIKE '% %'",), "Name PathName",
        lambda c: of((s for s in c.Win32_Service(State="Running") if " " in (s.PathName or "")), "Name", "PathName"),
        lambda t: {row for row in t.services("Name ExecStart", ActiveState="active") if " " in (row[1] or "")},
        needs_lab=True,
    ),
    Script(
        "the program of a service, asked by a user without rights", "hardening check, Python",
        ("SELECT Name, State, PathName FROM Win32_Service WHERE Name = 'lab-nap.service'",), "Name State PathName",
        lambda c: of(c.Win32_Service(Name="lab-nap.service"), "Name", "State", "PathName"),
        lambda _: {("lab-nap.service", "Running", None)}, needs_lab=True, caller=ALICE,
    ),
    Script(
        "which service a process is", "triage of a process, PowerShell",
        (
            f"SELECT ProcessId FROM Win32_Process WHERE CommandLine = '{NAP}'",
            "SELECT Name FROM Win32_Service WHERE ProcessId = {ProcessId}",
        ),
        "ProcessId Name",
        lambda c: [
            (p.ProcessId, s.Name) for p in c.Win32_Process(CommandLine=NAP)
            for s in c.Win32_Service(ProcessId=p.ProcessId)
        ],
        lambda t: {(t.pid(NAP), "lab-nap.service")}, needs_lab=True,
    ),
    Script(
        "which process a service is", "restart script, Python",
        (
            "SELECT ProcessId FROM Win32_Service WHERE Name = 'lab-nap.service'",
            "SELECT Name, CommandLine FROM Win32_Process WHERE ProcessId = {ProcessId}",
        ),
        "ProcessId Name CommandLine",
        lambda c: [
            (s.ProcessId, p.Name, p.CommandLine) for s in c.Win32_Service(Name="lab-nap.service")
            for p in c.Win32_Process(ProcessId=s.ProcessId)
        ],
        lambda t: {(t.pid(NAP), "sleep", NAP)}, needs_lab=True,
    ),
    Script(
        "the services of the computer, by association", "documentation of WMI, PowerShell",
        (COMPUTER, OF_COMPUTER + "Win32_SystemServices"), "Name",
        lambda c: of(computer(c).associators(wmi_association_class="Win32_SystemServices"), "Name"),
        lambda t: t.services("Name"), needs_lab=True,
    ),
    Script(
        "whether services answer", "monitoring plug-in, VBScript",
        ("SELECT Name FROM Win32_Service WHERE Name = 'lab-nap.service' OR Name = 'lab-failing.service'",),
        "Name ReturnValue",
        lambda c: [
            (name, *s.InterrogateService()) for name in ("lab-nap.service", "lab-failing.service")
            for s in c.Win32_Service(Name=name)
        ],
        lambda _: {("lab-nap.service", "0"), ("lab-failing.service", "6")},
        method=("Win32_Service", "Name", "InterrogateService"), needs_lab=True,
    ),
    Script(
        "which services can be stopped, by the superclass", "generated code, Python",
        ("SELECT Name, AcceptStop FROM Win32_BaseService WHERE Name LIKE 'lab-%' AND State = 'Running'",),
        "Name AcceptStop",
        lambda c: of(
            (s for s in c.Win32_BaseService(State="Running") if s.Name.startswith("lab-")), "Name", "AcceptStop"
        ),
        lambda t: {row for row in t.services("Name CanStop", ActiveState="active") if str(row[0]).startswith("lab-")},
        needs_lab=True,
    ),
    Script(
        "the service of every sleeping process", "triage of processes, PowerShell",
        (
            "SELECT Handle FROM LS_Process WHERE Name = 'sleep'",
            "ASSOCIATORS OF {{LS_Process.Handle='{Handle}'}} WHERE AssocClass=LS_ServiceProcess",
        ),
        "1.Handle Name",
        lambda c: [
            (p.Handle, s.Name) for p in c.LS_Process(["Handle"], Name="sleep")
            for s in p.associators(wmi_association_class="LS_ServiceProcess")
        ],
        lambda t: t.service_processes("sleep"), namespace=LOGONSCOPE, needs_lab=True,
    ),
    # accounts
    Script(
        "the accounts of people", "inventory, PowerShell",
        ("SELECT Name, SID, FullName FROM Win32_UserAccount WHERE LocalAccount = True",), "Name SID FullName",
        lambda c: of(c.Win32_UserAccount(LocalAccount=True), "Name", "SID", "FullName"),
        lambda t: {(row.name, row.sid, row.full_name) for row in t.people()},
    ),
    Script(
        "the accounts that can be used", "audit of accounts, PowerShell",
        ("SELECT Name FROM Win32_UserAccount WHERE LocalAccount = True AND Disabled = False",), "Name",
        lambda c: of(c.Win32_UserAccount(["Name"], LocalAccount=True, Disabled=False), "Name"),
        lambda t: {(row.name,) for row in t.people() if not t.has_expired(row.name)},
    ),
    Script(
        "the accounts that are locked", "audit of accounts, PowerShell",
        ("SELECT Name, Status FROM Win32_UserAccount WHERE Lockout = TRUE",), "Name Status",
        lambda c: of(c.Win32_UserAccount(Lockout=True), "Name", "Status"),
        lambda t: {(row.name, "Degraded") for row in t.people() if t.has_locked_password(row.name)},
    ),
    Script(
        "the passwords that never expire", "audit of accounts, PowerShell",
        ("SELECT Name FROM Win32_UserAccount WHERE LocalAccount = True AND PasswordExpires = False",), "Name",
        lambda c: of(c.Win32_UserAccount(PasswordExpires=False), "Name"),
        lambda t: {(row.name,) for row in t.people() if not t.has_aging_password(row.name)},
    ),
    Script(
        "the accounts of the system", "inventory, VBScript",
        ("SELECT Name, SID FROM Win32_SystemAccount",), "Name SID",
        lambda c: of(c.Win32_SystemAccount(), "Name", "SID"),
        lambda t: {(row.name, row.sid) for row in t.system_accounts()},
    ),
    Script(
        "the groups of the computer", "inventory, PowerShell",
        ("SELECT Name, SID FROM Win32_Group WHERE SIDType = 4 AND LocalAccount = True",), "Name SID",
        lambda c: of(c.Win32_Group(SIDType=4, LocalAccount=True), "Name", "SID"),
        lambda t: t.groups(),
    ),
    Script(
        "who may administer the computer", "audit of administrators, PowerShell",
        (
            "SELECT Domain, Name FROM Win32_Group WHERE Name = 'sudo'",
            'ASSOCIATORS OF {{Win32_Group.Domain="{Domain}",Name="{Name}"}} WHERE AssocClass=Win32_GroupUser',
        ),
        "Name SID",
        lambda c: of(
            (u for g in c.Win32_Group(Name="sudo") for u in g.associators("Win32_GroupUser")), "Name", "SID"
        ),
        lambda t: t.members("sudo"),
    ),
    Script(
        "the groups of root", "documentation of WMI, Python",
        (
            "SELECT Domain, Name FROM Win32_UserAccount WHERE Name = 'root'",
            'ASSOCIATORS OF {{Win32_UserAccount.Domain="{Domain}",Name="{Name}"}} WHERE ResultClass=Win32_Group',
        ),
        "Name",
        lambda c: of(
            (g for u in c.Win32_UserAccount(Name="root") for g in u.associators(wmi_result_class="Win32_Group")), "Name"
        ),
        lambda t: {(name,) for name in t.words("id", "-Gn", "root")},
    ),
    Script(
        "the security identifier of an account", "permission script, PowerShell",
        (
            "SELECT Domain, Name FROM Win32_UserAccount WHERE Name = 'root'",
            'ASSOCIATORS OF {{Win32_UserAccount.Domain="{Domain}",Name="{Name}"}} WHERE AssocClass=Win32_AccountSID',
        ),
        "1.Name SID SidLength",
        lambda c: [
            (u.Name, s.SID, s.SidLength) for u in c.Win32_UserAccount(Name="root")
            for s in u.associators(wmi_association_class="Win32_AccountSID")
        ],
        lambda t: {("root", f"S-1-22-1-{t.words('id', '-u', 'root')[0]}", "16")},
    ),
    # profiles
    Script(
        "the profiles, with their folders", "cleaning of profiles, PowerShell",
        ("SELECT SID, LocalPath, Special FROM Win32_UserProfile",), "SID LocalPath Special",
        lambda c: of(c.Win32_UserProfile(), "SID", "LocalPath", "Special"),
        lambda t: t.profiles(),
    ),
    Script(
        "whose a profile is", "cleaning of profiles, PowerShell",
        (
            "SELECT SID, LocalPath FROM Win32_UserProfile WHERE Special = False",
            "SELECT AccountName FROM Win32_SID WHERE SID = '{SID}'",
        ),
        "LocalPath AccountName",
        lambda c: [
            (p.LocalPath, s.AccountName) for p in c.Win32_UserProfile(Special=False) for s in c.Win32_SID(SID=p.SID)
        ],
        lambda t: {(row.home, row.name) for row in t.people() if row.home not in {"", "/nonexistent"}},
    ),
    Script(
        "the profiles that are in use", "cleaning of profiles, PowerShell",
        ("SELECT SID FROM Win32_UserProfile WHERE Loaded = TRUE",), "SID",
        lambda c: of(c.Win32_UserProfile(["SID"], Loaded=True), "SID"),
        lambda t: t.loaded_profiles(), at_least=True,
    ),
    Script(
        "when each person was last here", "cleaning of profiles, PowerShell",
        ("SELECT SID, LastUseTime FROM Win32_UserProfile WHERE Special = False",), "SID LastUseTime",
        lambda c: of(c.Win32_UserProfile(Special=False), "SID", "LastUseTime"),
        lambda t: {(row.sid, t.last_login(row.name)) for row in t.people() if row.home not in {"", "/nonexistent"}},
    ),
    Script(
        "the last login of each account", "audit of logins, VBScript",
        ("SELECT Caption, UserId, PrimaryGroupId, HomeDirectory, LastLogon FROM Win32_NetworkLoginProfile",),
        "Caption UserId PrimaryGroupId HomeDirectory LastLogon",
        lambda c: of(
            c.Win32_NetworkLoginProfile(), "Caption", "UserId", "PrimaryGroupId", "HomeDirectory", "LastLogon"
        ),
        lambda t: {(row.name, row.uid, row.gid, row.home, t.last_login(row.name)) for row in t.accounts()},
    ),
    # time zone
    Script(
        "the time zone", "inventory, PowerShell",
        ("SELECT Bias, DaylightBias, StandardName, DaylightName FROM Win32_TimeZone",),
        "Bias DaylightBias StandardName DaylightName",
        lambda c: of(c.Win32_TimeZone(), "Bias", "DaylightBias", "StandardName", "DaylightName"),
        lambda t: t.time_zone(),
    ),
    Script(
        "when daylight saving time begins", "scheduler, Python",
        ("SELECT DaylightMonth, DaylightDayOfWeek, DaylightHour FROM Win32_TimeZone",),
        "DaylightMonth DaylightDayOfWeek DaylightHour",
        lambda c: of(c.Win32_TimeZone(), "DaylightMonth", "DaylightDayOfWeek", "DaylightHour"),
        lambda t: t.daylight_change(),
    ),
    Script(
        "the present offset from UTC, and the zone of the computer", "conversion of times, VBScript",
        ("SELECT Name, CurrentTimeZone FROM Win32_ComputerSystem", OF_COMPUTER + "Win32_SystemTimeZone"),
        "CurrentTimeZone StandardName",
        lambda c: [
            (computer(c).CurrentTimeZone, zone.StandardName)
            for zone in computer(c).associators(wmi_association_class="Win32_SystemTimeZone")
        ],
        lambda t: {(t.present_offset(), row[2]) for row in t.time_zone()},
    ),
    # processor and firmware
    Script(
        "cores and threads", "licence count, PowerShell",
        ("SELECT DeviceID, NumberOfCores, NumberOfLogicalProcessors FROM Win32_Processor",),
        "DeviceID NumberOfCores NumberOfLogicalProcessors",
        lambda c: of(c.Win32_Processor(), "DeviceID", "NumberOfCores", "NumberOfLogicalProcessors"),
        lambda t: t.processors(),
    ),
    Script(
        "the model of the processor, and its width", "inventory, VBScript",
        ("SELECT Name, Manufacturer, AddressWidth FROM Win32_Processor",), "Name Manufacturer AddressWidth",
        lambda c: of(c.Win32_Processor(), "Name", "Manufacturer", "AddressWidth"),
        lambda t: {(t.lscpu("Model name"), t.lscpu("Vendor ID"), t.words("getconf", "LONG_BIT")[0])},
    ),
    Script(
        "the processors of the computer, by association", "inventory, Python",
        (COMPUTER, OF_COMPUTER + "Win32_ComputerSystemProcessor"), "1.Name DeviceID",
        lambda c: [(computer(c).Name, p.DeviceID) for p in computer(c).associators(wmi_result_class="Win32_Processor")],
        lambda t: {(t.hostname, row[0]) for row in t.processors()},
    ),
    Script(
        "the firmware, and the serial number of the computer", "inventory, PowerShell",
        ("SELECT Manufacturer, SMBIOSBIOSVersion, SerialNumber FROM Win32_BIOS",),
        "Manufacturer SMBIOSBIOSVersion SerialNumber",
        lambda c: of(c.Win32_BIOS(), "Manufacturer", "SMBIOSBIOSVersion", "SerialNumber"),
        lambda t: t.firmware(),
    ),
    # the files of processes
    Script(
        "the program and the libraries of a process", "triage of a process, PowerShell",
        (
            f"SELECT Handle FROM Win32_Process WHERE CommandLine = '{SLEEP}'",
            "ASSOCIATORS OF {{Win32_Process.Handle='{Handle}'}} WHERE AssocClass=CIM_ProcessExecutable",
        ),
        "Handle Name",
        lambda c: [
            (p.Handle, f.Name) for p in c.Win32_Process(["Handle"], CommandLine=SLEEP)
            for f in p.associators(wmi_association_class="CIM_ProcessExecutable")
        ],
        lambda t: t.mapped_files(SLEEP),
    ),
    Script(
        "the processes that have loaded a library", "search for an old library, PowerShell",
        (
            "SELECT Name FROM CIM_DataFile WHERE FileName LIKE 'libc.so%'",
            "ASSOCIATORS OF {{CIM_DataFile.Name='{Name}'}} WHERE ResultClass=Win32_Process",
        ),
        "Handle 1.Name",
        lambda c: [
            (p.Handle, f.Name) for f in c.CIM_DataFile(["Name", "FileName"]) if f.FileName.startswith("libc.so")
            for p in f.associators(wmi_result_class="Win32_Process")
        ],
        lambda t: {row for row in t.mapped_files(SLEEP) if "/libc.so" in str(row[1])}, at_least=True,
    ),
    # logins and logins inside them
    Script(
        "who runs a process, and in which login", "triage of a process, PowerShell",
        (
            f"SELECT Handle FROM Win32_Process WHERE CommandLine = '{SLEEP}'",
            "ASSOCIATORS OF {{Win32_Process.Handle='{Handle}'}} WHERE AssocClass=Win32_SessionProcess",
            "ASSOCIATORS OF {{Win32_LogonSession.LogonId='{LogonId}'}} WHERE AssocClass=Win32_LoggedOnUser",
        ),
        "Handle LogonId Name",
        lambda c: [
            (p.Handle, s.LogonId, u.Name) for p in c.Win32_Process(CommandLine=SLEEP)
            for s in p.associators(wmi_association_class="Win32_SessionProcess")
            for u in s.associators(wmi_association_class="Win32_LoggedOnUser")
        ],
        lambda t: {(t.pid(SLEEP), t.audit_session(SLEEP), t.owner(SLEEP))}, needs_lab=True,
    ),
    Script(
        "inside which login another one was begun", "audit of logins, Python",
        (
            f"SELECT Handle FROM LS_Process WHERE CommandLine = '{BOBS}'",
            "ASSOCIATORS OF {{LS_Process.Handle='{Handle}'}} WHERE AssocClass=LS_SessionProcess",
            "ASSOCIATORS OF {{LS_LogonSession.LogonId='{LogonId}'}} WHERE AssocClass=LS_SubSession Role=Dependent",
        ),
        "2.LogonId LogonId User",
        lambda c: [
            (inner.LogonId, outer.LogonId, outer.User) for p in c.LS_Process(CommandLine=BOBS)
            for inner in p.associators(wmi_association_class="LS_SessionProcess")
            for link in inner.references("LS_SubSession")
            for outer in (link.Antecedent,) if link.Dependent.LogonId == inner.LogonId
        ],
        lambda t: {(t.audit_session(BOBS), t.audit_session(SLEEP), t.owner(SLEEP))},
        namespace=LOGONSCOPE, needs_lab=True,
    ),
)  # fmt: skip
