"""Tests of providers/ls_service_process.py: the service of each process."""

from logonscope.cim.schema import LOGONSCOPE
from logonscope.machine import Selection
from logonscope.providers.ls_service_process import PROVIDER
from tests.hosts import user
from tests.providers.asked import everything, fixed, one, pair, values
from tests.providers.services import host_of_services


def path(name: str, manager: str = "system") -> str:
    return rf'\\.\root\logonscope:LS_Service.Manager="{manager}",Name="{name}"'


def process(pid: int) -> str:
    return rf'\\.\root\logonscope:LS_Process.Handle="{pid}"'


def test_each_process_of_a_service_has_it() -> None:
    assert everything(host_of_services(), "LS_ServiceProcess", "Antecedent", "Dependent", "LogonId") == [
        (path("cron.service"), process(650), "4294967295"),
        (path("ssh.service"), process(700), "4294967295"),
        (path("user@1000.service"), process(4120), "42"),
        (path("cron.service"), process(6000), "63"),  # a job of cron has a logon session of its own
        (path("cron.service"), process(6001), "63"),
        (path("mine.service", "user@1000.service"), process(5001), "42"),
        (path("unlisted.service"), process(5002), "4294967295"),
    ]


def test_from_a_service_its_processes_are_found_and_back() -> None:
    host = host_of_services()
    found = host.associators(path("cron.service"), namespace=LOGONSCOPE)
    assert values(found, "ProcessId") == [650, 6000, 6001]
    back = host.associators("LS_Process=5001", assoc_class="LS_ServiceProcess", namespace=LOGONSCOPE)
    assert values(back, "Name", "Manager") == [("mine.service", "user@1000.service")]


def test_a_user_sees_the_services_of_its_processes() -> None:
    assert everything(host_of_services(user(1000)), "LS_ServiceProcess", "Dependent") == [process(4120), process(5001)]
    assert everything(host_of_services(user(1001)), "LS_ServiceProcess", "Dependent") == []


def test_a_pair_is_found_by_its_path() -> None:
    ends = pair("LS_ServiceProcess", Antecedent=path("ssh.service"), Dependent=process(700))
    assert one(host_of_services(), ends, "LogonId") == "4294967295"


def test_a_fixed_process_narrows_the_reading() -> None:
    assert PROVIDER.selection(fixed(Dependent=("LS_Process", "700"))) == Selection(pids=frozenset({700}))
