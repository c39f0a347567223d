"""The table of docs/proof.md, Logonscope beside the rules of its peers, equals what this machine gives."""

import subprocess
import sys
from pathlib import Path

from tests.lab.fixtures import skip_or_fail
from tests.peers.scene import unavailable

ROOT = Path(__file__).parents[2]


def test_the_table_is_as_it_is_shown() -> None:
    if reason := unavailable():
        skip_or_fail(reason)
    command = [sys.executable, "-m", "tests.peers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in (ROOT / "docs/proof.md").read_text(encoding="utf-8")
