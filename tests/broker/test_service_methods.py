"""Tests of broker/service_methods.py: an action reaches the right service, as the caller, where it is possible."""

import pytest

from logonscope.broker.invoke import invoke
from logonscope.errors import NotFoundError, NotSupportedError
from logonscope.machine.action import ServiceAction
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT
from tests.providers.services import SERVICES

SERVICED = SNAPSHOT._replace(services=SERVICES)


class Refusing(Memory):
    """A machine whose service manager refuses."""

    def __init__(self, error: OSError) -> None:
        super().__init__(SERVICED)
        self._error = error

    def act_on_service(self, action: ServiceAction) -> None:
        del action
        raise self._error


@pytest.mark.parametrize(
    ("name", "method", "code", "verb"),
    [
        ("ssh.service", "StartService", 10, None),
        ("ssh.service", "StopService", 0, "stop"),
        ("ssh.service", "PauseService", 0, "freeze"),
        ("ssh.service", "ResumeService", 5, None),
        ("ssh.service", "InterrogateService", 0, None),
        ("cron.service", "PauseService", 1, None),
        ("cron.service", "ResumeService", 0, "thaw"),
        ("failed.service", "StartService", 0, "start"),
        ("failed.service", "StopService", 6, None),
        ("failed.service", "PauseService", 6, None),
        ("failed.service", "InterrogateService", 6, None),
        ("killed.service", "StartService", 14, None),
        ("script", "StartService", 1, None),
        ("script", "InterrogateService", 8, None),
    ],
)
def test_a_method_has_its_code_and_does_what_it_says(name: str, method: str, code: int, verb: str | None) -> None:
    memory = Memory(SERVICED)
    assert invoke(memory.request(user(1001)), f'Win32_Service="{name}"', method).return_value == code
    assert [tuple(action) for action in memory.done_to_services] == ([(name, verb, 1001)] if verb else [])


def test_an_administrator_acts_with_the_rights_of_this_process() -> None:
    memory = Memory(SERVICED)
    invoke(memory.request(ROOT), 'Win32_Service="SSH.service"', "StopService")
    assert memory.done_to_services == [ServiceAction("ssh.service", "stop", None)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "no"), 2), (PermissionError(1, "masked"), 14), (TimeoutError(), 7),
        (OSError(95, "not possible"), 1), (OSError(5, "failed"), 8),
    ],
)  # fmt: skip
def test_a_refusal_of_the_manager_has_its_code(error: OSError, code: int) -> None:
    outcome = invoke(Refusing(error).request(user(1001)), 'Win32_Service="ssh.service"', "StopService")
    assert outcome.return_value == code


def test_a_service_that_is_not_there_or_went_away_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        invoke(Memory(SERVICED).request(ROOT), 'Win32_Service="sshd.service"', "StopService")
    with pytest.raises(NotFoundError):
        invoke(Refusing(ProcessLookupError()).request(ROOT), 'Win32_Service="ssh.service"', "StopService")


def test_a_read_only_host_does_nothing() -> None:
    memory = Memory(SERVICED)
    memory.abilities = frozenset()
    with pytest.raises(NotSupportedError):
        invoke(memory.request(ROOT), 'Win32_Service="ssh.service"', "StopService")
