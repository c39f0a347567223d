"""Tests of broker/services.py: the services of the System session, and their starts."""

import pytest

from logonscope.errors import AccessDeniedError
from tests.hosts import user
from tests.providers.services import STARTED, host_of_services


def test_the_system_session_by_service() -> None:
    rows = host_of_services().services()
    assert [(row.service, row.processes, row.pid, row.user, row.start_is_approximate) for row in rows] == [
        ("cron.service", 1, 650, "root", False),
        ("ssh.service", 1, 700, "root", False),
        ("unlisted.service", 1, 5002, "root", True),
        (None, 2, 1, "root", True),
    ]
    (system,) = host_of_services().sessions("system")
    assert sum(row.processes for row in rows) == system.processes
    start = rows[1].start
    assert start is not None
    assert start.timestamp() == STARTED / 1e6


def test_a_user_sees_none_of_them() -> None:
    assert host_of_services(user(1001)).services() == []


def test_whose_names_the_service_of_a_system_process_only() -> None:
    host = host_of_services()
    (ssh,), (cron_job,), (init,) = (host.whose(pid) for pid in (700, 6001, 1))
    assert (ssh.service, ssh.service_start and ssh.service_start.timestamp()) == ("ssh.service", STARTED / 1e6)
    assert (cron_job.service, cron_job.service_start, init.service) == (None, None, None)
    with pytest.raises(AccessDeniedError):
        host_of_services(user(1001)).whose(700)
