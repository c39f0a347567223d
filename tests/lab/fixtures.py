"""Fixtures of the laboratory: each system is booted once a test run, and each test starts with nobody logged in."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.fresh.tree import UnavailableError
from tests.lab import realm as realms
from tests.lab.lab import Lab
from tests.lab.realm import Realm
from tests.lab.systemd import Machine, unavailable
from tests.lab.systems import SYSTEMS

__all__ = ["lab", "machine", "people", "realm"]
REQUIRE = "LOGONSCOPE_REQUIRE"


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test for this reason, or let it fail where everything is required, as in CI."""
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, but {reason}")
    pytest.skip(reason)  # on a machine of a user who lacks the component; never in CI


@pytest.fixture(scope="session", params=SYSTEMS, ids=[system.name for system in SYSTEMS])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """Boot a machine of each system."""
    if reason := unavailable():
        skip_or_fail(reason)
    try:
        request.param.tree()
    except UnavailableError as error:
        skip_or_fail(str(error))
    with Machine(request.param) as booted:
        yield booted


@pytest.fixture(scope="session")
def people(machine: Machine) -> Lab:
    """Give alice, who may use sudo, and bob their accounts."""
    return Lab(machine, machine.useradd("alice", sudo=True), machine.useradd("bob"))


@pytest.fixture
def lab(people: Lab) -> Iterator[Lab]:
    """Offer the laboratory with nobody logged in."""
    yield people
    people.machine.quiet()


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """Start a realm on this computer."""
    if reason := realms.missing():
        skip_or_fail(reason)
    with Realm(realms.here, str(tmp_path_factory.mktemp("realm"))) as started:
        yield started
