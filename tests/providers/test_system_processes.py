"""Tests of providers/system_processes.py: the computer with every process, in both directions."""

from tests import example
from tests.hosts import user
from tests.providers.asked import at, everything, values, web1

WEB1 = at('Win32_ComputerSystem.Name="web1"', "web1")


def test_the_computer_has_every_process_for_every_caller() -> None:
    pairs = [(WEB1, at(f'Win32_Process.Handle="{process.pid}"', "web1")) for process in example.PROCESSES]
    for caller in (user(1001), user(0)):
        assert everything(web1(caller), "Win32_SystemProcesses", "GroupComponent", "PartComponent") == pairs


def test_from_the_computer_its_processes_are_found_and_back() -> None:
    computer = 'Win32_ComputerSystem="web1"'
    found = web1().associators(computer, result_class="Win32_Process", properties=["ProcessId"])
    assert values(found, "ProcessId") == [process.pid for process in example.PROCESSES]
    back = web1().associators("Win32_Process=4312", assoc_class="Win32_SystemProcesses")
    assert values(back, "Name", "NumberOfLogicalProcessors") == [("web1", 4)]


def test_a_process_of_another_user_shows_its_identity_only() -> None:
    found = web1(user(1001)).associators('Win32_ComputerSystem="web1"', result_class="Win32_Process")
    lines = dict(values(found, "ProcessId", "CommandLine"))
    assert (lines[3991], lines[4312]) == ("python3 train.py", None)
