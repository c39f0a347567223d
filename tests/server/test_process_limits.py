"""Tests of server/process_limits.py: the process may open as many files as its hard limit allows."""

import re
from pathlib import Path

import pytest

from tests.server.test_server import LISTEN, child

pytestmark = pytest.mark.usefixtures("promptly")


def test_it_has_as_many_descriptors_as_it_may(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="ascii")
    (now, most), *_ = re.findall(r"Max open files +(\d+) +(\d+)", limits)
    assert now == most
