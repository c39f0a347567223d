"""Tests of server/process_limits.py: the process may open as many files as its hard limit allows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.test_server import LISTEN, child

pytestmark = pytest.mark.usefixtures("promptly")


def test_it_has_as_many_descriptors_as_it_may(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="ascii")
    (now, most), *_ = re.findall(r"Max open files +(\d+) +(\d+)", limits)
    assert now == most


SERVER_WITH_300_FILES = """
import logging, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
from logonscope.server.configuration import Settings
from logonscope.server.server import Server
logging.basicConfig(format="%(message)s")
Server(None, Settings(max_connections=int(sys.argv[1])), ())
"""


@pytest.mark.parametrize(("connections", "warning"), [(100, ""), (101, "allows 100 connections, not 101 (max_conn")])
def test_a_limit_that_allows_fewer_connections_than_the_settings_is_logged(connections: int, warning: str) -> None:
    command = [sys.executable, "-c", SERVER_WITH_300_FILES, str(connections)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert warning in done.stderr if warning else done.stderr == ""
