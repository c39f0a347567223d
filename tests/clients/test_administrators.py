"""Scripts of administrators run against a server of this machine: answers equal those of its own programs.

tests/real/test_administrators.py asks all of them, on a machine with systemd, and people who are logged in.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from logonscope.sources.linux import LinuxSource
from tests.administrators.clients import DROP_IN, PYPSRP, Server, ask
from tests.administrators.scripts import SCRIPTS, SLEEP, Script
from tests.administrators.truth import Truth, normal_rows
from tests.server.running import ADMIN, running

HERE = [script for script in SCRIPTS if not script.needs_lab]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(LinuxSource()) as found, subprocess.Popen(SLEEP.split()) as sleeper:
        yield Server(found.https, found.certificate, *ADMIN)
        sleeper.kill()


def run_here(command: Sequence[str]) -> str:
    """Run a program on this machine."""
    environment = os.environ | {"LC_ALL": "C", "TZ": ""}
    del environment["TZ"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root knows what an administrator is told: shadow, serial number")
@pytest.mark.parametrize("client", [PYPSRP, DROP_IN])
@pytest.mark.parametrize("script", HERE, ids=[script.asks for script in HERE])
def test_a_script_gets_what_the_machine_says_of_itself(server: Server, client: str, script: Script) -> None:
    before = script.truth(Truth(run_here))
    answer = ask(client, server, script)
    after = script.truth(Truth(run_here))
    assert not isinstance(answer, str), answer
    rows = normal_rows(answer)
    assert before & after <= rows
    assert script.at_least or rows <= before | after


def test_there_are_forty_and_each_asks_something_else() -> None:
    assert len(SCRIPTS) == len({script.asks for script in SCRIPTS}) == len({script.wql for script in SCRIPTS}) == 40
