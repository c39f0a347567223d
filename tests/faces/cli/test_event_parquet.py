"""faces/cli/event_parquet.py: a watch that ends by its limit or by Ctrl-C leaves a complete file."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faces.cli.test_watch import WATCH, run_child

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize("by_interrupt", [False, True])
def test_the_file_is_complete(tmp_path: Path, *, by_interrupt: bool) -> None:
    path, words = tmp_path / "events.parquet", [] if by_interrupt else ["--count", "1"]
    with (
        path.open("wb") as file,
        subprocess.Popen(
            [sys.executable, *WATCH[1:], "-o", "parquet", *words], stdout=file, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        try:
            while "watching" not in (line := process.stderr.readline()):
                assert line, "it has ended"
            run_child()
            if by_interrupt:
                process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()
    rows = parquet.read_table(path).to_pylist()
    assert rows
    assert all(row["event"] for row in rows)
