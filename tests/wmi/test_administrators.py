"""Scripts of administrators: 40 things that public WMI scripts ask, through the drop-in for the module ``wmi``.

Each runs on this machine and on the example host, and checks what has to hold on any host. Where a host lacks something
(firmware that it describes, a service manager), a script finds nothing, as on a Windows without such hardware.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from logonscope import wmi
from tests.providers.asked import PROCESSES, SNAPSHOT, web1
from tests.providers.hardware import HARDWARE
from tests.providers.profiles import HISTORY
from tests.providers.services import SERVICES

SERVICE_STATES = {
    "Stopped", "Start Pending", "Stop Pending", "Running", "Continue Pending", "Pause Pending", "Paused", "Unknown",
}  # fmt: skip
WMI_TIME = re.compile(r"[0-9]{14}\.[0-9]{6}[+-][0-9]{3}")
SID = re.compile(r"S-1-[0-9]+(-[0-9]+)+")


@pytest.fixture(scope="module", params=["this machine", "the example host"])
def c(request: pytest.FixtureRequest) -> Any:
    """Return the namespace root/cimv2 of a host."""
    if request.param == "this machine":
        return wmi.WMI()
    libraries = ("1000 /usr/bin/python3", "2000 /usr/lib/libc.so.6")
    rows = tuple(row._replace(mapped_files=libraries if row.cmdline else ()) for row in PROCESSES)
    machine = SNAPSHOT.machine._replace(hardware=HARDWARE)
    return wmi.WMI(host=web1(machine=machine, processes=rows, services=SERVICES, login_history=HISTORY))


# Inventory


def name_the_computer_and_its_memory(c: Any) -> None:
    (computer,) = c.Win32_ComputerSystem()
    assert computer.Name
    assert computer.TotalPhysicalMemory is None or int(computer.TotalPhysicalMemory) > 1 << 20


def show_the_operating_system_with_version_and_last_boot(c: Any) -> None:
    (system,) = c.query("SELECT Caption, Version, LastBootUpTime FROM Win32_OperatingSystem")
    assert system.Caption
    assert WMI_TIME.fullmatch(system.LastBootUpTime)


def compute_the_uptime(c: Any) -> None:
    (system,) = c.Win32_OperatingSystem(["LastBootUpTime", "LocalDateTime"])
    booted, now = (wmi.to_time(value) for value in (system.LastBootUpTime, system.LocalDateTime))
    assert booted[:6] <= now[:6]


def list_the_processors(c: Any) -> None:
    for cpu in c.Win32_Processor():
        assert re.fullmatch(r"CPU[0-9]+", cpu.DeviceID)
        assert 1 <= cpu.NumberOfCores <= cpu.NumberOfLogicalProcessors
        assert cpu.ProcessorType == 3


def count_cores_and_threads(c: Any) -> None:
    cores = sum(cpu.NumberOfCores for cpu in c.Win32_Processor(["NumberOfCores"]))
    threads = sum(cpu.NumberOfLogicalProcessors for cpu in c.Win32_Processor(["NumberOfLogicalProcessors"]))
    assert cores <= threads


def decide_whether_the_processor_has_64_bits(c: Any) -> None:
    for cpu in c.query("SELECT AddressWidth, Architecture FROM Win32_Processor"):
        assert cpu.AddressWidth in {32, 64, None}
        assert cpu.Architecture in {0, 5, 9, 12, None}


def read_the_serial_number_of_the_firmware(c: Any) -> None:
    for bios in c.Win32_BIOS():
        assert bios.SMBIOSBIOSVersion == bios.Name
        assert bios.PrimaryBIOS is True
        assert bios.ReleaseDate is None or WMI_TIME.fullmatch(bios.ReleaseDate)


def go_from_the_computer_to_its_firmware(c: Any) -> None:
    (computer,) = c.Win32_ComputerSystem()
    found = computer.associators(wmi_association_class="Win32_SystemBIOS")
    assert [bios.Name for bios in found] == [bios.Name for bios in c.Win32_BIOS()]


def go_from_the_computer_to_its_processors(c: Any) -> None:
    (computer,) = c.Win32_ComputerSystem()
    found = computer.associators(wmi_result_class="Win32_Processor")
    assert {cpu.DeviceID for cpu in found} == {cpu.DeviceID for cpu in c.Win32_Processor()}


def show_the_time_zone(c: Any) -> None:
    (computer,) = c.Win32_ComputerSystem()
    for zone in c.Win32_TimeZone():
        assert zone.Caption.startswith("(UTC")
        assert -14 * 60 <= zone.Bias <= 14 * 60
        assert computer.CurrentTimeZone in {zone.Bias, zone.Bias - zone.DaylightBias, None}


def find_when_daylight_saving_time_begins(c: Any) -> None:
    for zone in c.query("SELECT DaylightMonth, DaylightDay, DaylightDayOfWeek, DaylightHour FROM Win32_TimeZone"):
        assert zone.DaylightMonth is None or 0 <= zone.DaylightMonth <= 12
        assert zone.DaylightDay is None or 0 <= zone.DaylightDay <= 5


def write_an_inventory_of_several_classes(c: Any) -> None:
    names = ("Win32_ComputerSystem", "Win32_OperatingSystem", "Win32_Processor", "Win32_BIOS", "Win32_TimeZone")
    inventory = {name: [{p: getattr(row, p) for p in row.properties} for row in getattr(c, name)()] for name in names}
    assert len(inventory["Win32_ComputerSystem"]) == len(inventory["Win32_OperatingSystem"]) == 1


# Services


def list_services_with_their_state(c: Any) -> None:
    for service in c.Win32_Service():
        assert service.State in SERVICE_STATES or service.State is None
        assert service.SystemCreationClassName == "Win32_ComputerSystem"


def find_automatic_services_that_do_not_run(c: Any) -> None:
    found = c.query("SELECT Name FROM Win32_Service WHERE StartMode = 'Auto' AND State <> 'Running'")
    automatic = {service.Name: service.State for service in c.Win32_Service(StartMode="Auto")}
    assert {service.Name for service in found} <= {name for name, state in automatic.items() if state != "Running"}


def find_the_services_of_an_account(c: Any) -> None:
    by_account: defaultdict[str, list[str]] = defaultdict(list)
    for service in c.Win32_Service(["Name", "StartName"]):
        by_account[service.StartName or "?"].append(service.Name)
    for account, names in by_account.items():
        if account != "?":
            assert {service.Name for service in c.Win32_Service(StartName=account)} >= set(names)


def check_one_service_by_its_name(c: Any) -> None:
    for service in c.Win32_Service()[:3]:
        (same,) = [found for found in c.Win32_Service(Name=service.Name) if found.Name == service.Name]
        assert same.State == service.State


def go_from_a_running_service_to_its_process(c: Any) -> None:
    for service in c.Win32_Service(State="Running"):
        if service.ProcessId:
            assert len(c.Win32_Process(ProcessId=service.ProcessId)) <= 1


def go_from_a_process_to_the_services_in_it(c: Any) -> None:
    by_pid = Counter(service.ProcessId for service in c.Win32_Service(["ProcessId", "Name"]) if service.ProcessId)
    for pid in list(by_pid)[:5]:
        assert len(c.query(f"SELECT Name FROM Win32_Service WHERE ProcessId = {pid}")) == by_pid[pid]


def count_services_by_start_mode(c: Any) -> None:
    modes = Counter(service.StartMode for service in c.Win32_Service(["StartMode"]))
    assert set(modes) <= {"Auto", "Manual", "Disabled", None}


def find_services_whose_program_has_a_path_with_spaces_and_no_quotes(c: Any) -> None:
    for service in c.query("SELECT Name, PathName FROM Win32_Service WHERE PathName LIKE '% %'"):
        assert " " in service.PathName


def find_services_that_failed(c: Any) -> None:
    for service in c.query("SELECT * FROM Win32_Service WHERE ExitCode <> 0 AND State = 'Stopped'"):
        assert service.ExitCode in {1066, 1067}


def list_the_services_of_the_computer_by_association(c: Any) -> None:
    (computer,) = c.Win32_ComputerSystem()
    found = computer.associators(wmi_association_class="Win32_SystemServices")
    assert {service.Name for service in found} == {service.Name for service in c.Win32_Service(["Name"])}


def interrogate_a_service(c: Any) -> None:
    for service in c.Win32_Service(State="Running")[:1]:
        assert service.InterrogateService() == (0,)


# Processes and their files


def list_the_libraries_of_a_process(c: Any) -> None:
    for process in c.Win32_Process(["Handle", "Name"])[:20]:
        files = process.associators(wmi_association_class="CIM_ProcessExecutable")
        assert all(file.Name.startswith("/") for file in files)
        assert len({file.Name for file in files}) == len(files)


def find_the_processes_that_use_a_library(c: Any) -> None:
    for process in c.Win32_Process(["Handle"])[:10]:
        for file in process.associators(wmi_association_class="CIM_ProcessExecutable")[:1]:
            users = file.associators(wmi_association_class="CIM_ProcessExecutable", wmi_result_class="Win32_Process")
            # a process may end between the two questions
            assert process.Handle in {user.Handle for user in users} or not c.Win32_Process(Handle=process.Handle)


def name_the_directory_of_each_loaded_file(c: Any) -> None:
    for file in c.CIM_DataFile(["Name", "Path", "FileName", "Extension"]):
        name = file.FileName + ("." + file.Extension if file.Extension else "")
        assert file.Name in {file.Path + name, file.Path + name + "."}


def compare_the_program_of_a_process_with_its_files(c: Any) -> None:
    for process in c.query("SELECT * FROM Win32_Process WHERE ExecutablePath LIKE '/usr/bin/python%'")[:2]:
        names = [file.Name for file in process.associators(wmi_association_class="CIM_ProcessExecutable")]
        assert not names or process.ExecutablePath in names or any("python" in name for name in names)


def find_the_owner_of_each_process(c: Any) -> None:
    owners = Counter(process.GetOwner()[2] for process in c.Win32_Process(["Handle"])[:30])
    assert sum(owners.values()) <= 30


def draw_the_tree_of_processes(c: Any) -> None:
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for process in c.Win32_Process(["ProcessId", "ParentProcessId"]):
        children[process.ParentProcessId].append(process.ProcessId)
    assert 1 in children[0] or 1 in children[None]


def sum_the_memory_by_program(c: Any) -> None:
    total: Counter[str] = Counter()
    for process in c.Win32_Process(["Name", "WorkingSetSize"]):
        total[process.Name] += int(process.WorkingSetSize or 0)
    assert all(size >= 0 for size in total.values())


# Logins, profiles and accounts


def list_the_profiles_with_their_folders(c: Any) -> None:
    for profile in c.Win32_UserProfile():
        assert SID.fullmatch(profile.SID)
        assert profile.LocalPath is None or profile.LocalPath.startswith("/")


def find_profiles_that_were_not_used_for_long(c: Any) -> None:
    old = [
        p for p in c.Win32_UserProfile(Special=False) if p.LastUseTime and p.LastUseTime < "20200101000000.000000+000"
    ]
    assert all(WMI_TIME.fullmatch(profile.LastUseTime) for profile in old)


def find_the_profiles_that_are_loaded(c: Any) -> None:
    loaded = {profile.SID for profile in c.query("SELECT SID FROM Win32_UserProfile WHERE Loaded = TRUE")}
    assert loaded <= {profile.SID for profile in c.Win32_UserProfile(["SID"])}


def show_the_last_login_of_each_account(c: Any) -> None:
    for profile in c.Win32_NetworkLoginProfile():
        assert profile.LastLogon is None or WMI_TIME.fullmatch(profile.LastLogon)
        assert profile.NumberOfLogons is None or profile.NumberOfLogons >= 0


def translate_a_sid_to_an_account(c: Any) -> None:
    for user in c.Win32_UserAccount(["Name", "SID"])[:5]:
        (sid,) = c.query(f"SELECT * FROM Win32_SID WHERE SID = '{user.SID}'")
        assert sid.AccountName == user.Name


def go_from_an_account_to_its_sid(c: Any) -> None:
    for user in c.Win32_UserAccount()[:3]:
        (sid,) = user.associators(wmi_association_class="Win32_AccountSID")
        assert sid.SID == user.SID


def list_who_is_logged_on(c: Any) -> None:
    for link in c.Win32_LoggedOnUser():
        assert link.Dependent.LogonId.isdecimal()


def list_interactive_and_remote_sessions(c: Any) -> None:
    query = "SELECT * FROM Win32_LogonSession WHERE LogonType = 2 OR LogonType = 10"
    assert {session.LogonType for session in c.query(query)} <= {2, 10}


def find_what_runs_in_each_session(c: Any) -> None:
    members: defaultdict[str, list[str]] = defaultdict(list)
    for link in c.Win32_SessionProcess()[:20]:
        members[link.Antecedent.LogonId].append(link.Dependent.Handle)
    for logon_id, handles in members.items():
        (session,) = c.Win32_LogonSession(LogonId=logon_id)
        found = {process.Handle for process in session.associators(wmi_association_class="Win32_SessionProcess")}
        # processes come and go between the two questions
        assert found & set(handles) or len(handles) < 3


def list_the_members_of_a_group(c: Any) -> None:
    groups = {group.Name for group in c.Win32_Group(["Name"])}
    for link in c.Win32_GroupUser()[:10]:
        assert link.GroupComponent.Name in groups


SCRIPTS: tuple[Callable[[Any], None], ...] = (
    name_the_computer_and_its_memory,
    show_the_operating_system_with_version_and_last_boot,
    compute_the_uptime,
    list_the_processors,
    count_cores_and_threads,
    decide_whether_the_processor_has_64_bits,
    read_the_serial_number_of_the_firmware,
    go_from_the_computer_to_its_firmware,
    go_from_the_computer_to_its_processors,
    show_the_time_zone,
    find_when_daylight_saving_time_begins,
    write_an_inventory_of_several_classes,
    list_services_with_their_state,
    find_automatic_services_that_do_not_run,
    find_the_services_of_an_account,
    check_one_service_by_its_name,
    go_from_a_running_service_to_its_process,
    go_from_a_process_to_the_services_in_it,
    count_services_by_start_mode,
    find_services_whose_program_has_a_path_with_spaces_and_no_quotes,
    find_services_that_failed,
    list_the_services_of_the_computer_by_association,
    interrogate_a_service,
    list_the_libraries_of_a_process,
    find_the_processes_that_use_a_library,
    name_the_directory_of_each_loaded_file,
    compare_the_program_of_a_process_with_its_files,
    find_the_owner_of_each_process,
    draw_the_tree_of_processes,
    sum_the_memory_by_program,
    list_the_profiles_with_their_folders,
    find_profiles_that_were_not_used_for_long,
    find_the_profiles_that_are_loaded,
    show_the_last_login_of_each_account,
    translate_a_sid_to_an_account,
    go_from_an_account_to_its_sid,
    list_who_is_logged_on,
    list_interactive_and_remote_sessions,
    find_what_runs_in_each_session,
    list_the_members_of_a_group,
)
"""What is not here is not run."""


def test_there_are_forty() -> None:
    assert len(set(SCRIPTS)) == 40


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.__name__ for script in SCRIPTS])
def test_a_script_of_an_administrator(script: Callable[[Any], None], c: Any) -> None:
    script(c)
