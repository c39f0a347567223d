"""What every test gets: a host to fill, and a limit to how long a test may wait for a read that never returns."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.hosts import HostFolder
from tests.lab.fixtures import REQUIRE

settings.register_profile(
    "logonscope", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("logonscope")


def _survive(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing, as for an ignored signal; but programs that are executed do not inherit it."""


# nohup, and a shell that starts a command in the background, ignore signals, which the commands of tests would inherit
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, _survive)

PATIENCE = 20.0
"""Seconds that a test which could wait for ever may take."""


@pytest.fixture(scope="session", autouse=True)
def no_realm() -> Iterator[None]:
    """Let clients that try Kerberos before NTLM look for no KDC, which takes its time where there is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_CONFIG", "/dev/null")
        yield


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HostFolder]:
    """Set a host up that has booted, and on which nobody has logged in; let go in the end of reads that hang there."""
    made = HostFolder(tmp_path / "host")
    yield made
    made.free()


@pytest.fixture
def promptly() -> Iterator[None]:
    """Let the test fail instead of waiting for ever."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail("the answer did not come")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class ByMachine(LoadScopeScheduling):  # type: ignore[misc] # xdist has no type annotations
    """Lets one process run all tests of a file, and one all that boot machines or storm the kernel with processes."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "machine" if file.startswith(("tests/real/", "tests/sources/live/")) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByMachine:
    """Distribute the tests of `make test` to two processes."""
    return ByMachine(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail where everything is required and something was skipped all the same."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(REQUIRE) == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
