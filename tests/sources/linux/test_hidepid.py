"""Tests of sources/linux/hidepid.py: the mount option that hides processes is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.sources.linux import LinuxSource
from logonscope.sources.linux.hidepid import parse_hidepid
from tests.hosts import HostFolder
from tests.lab.fixtures import skip_or_fail

LINE = b"23 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw%s\n"
OTHER = b"40 28 0:50 / /srv/proc rw - proc proc rw,hidepid=1\n41 28 0:51 / /proc/fs rw - nfsd nfsd rw,hidepid=2\n"


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (b"", None), (b",hidepid=2", "2"), (b",hidepid=invisible", "2"), (b",gid=4,hidepid=noaccess", "1"),
        (b",hidepid=ptraceable,subset=pid", "4"), (b",hidepid=0", None), (b",hidepid=off", None), (b",hidepid=9", "9"),
    ],
)  # fmt: skip
def test_the_option_is_that_of_the_mount(options: bytes, number: str | None) -> None:
    assert parse_hidepid(LINE % options + OTHER, b"/proc") == number


def test_the_mount_that_came_last_covers_the_others() -> None:
    assert parse_hidepid(LINE % b",hidepid=2" + LINE % b"", b"/proc") is None
    assert parse_hidepid(LINE % b"" + LINE % b",hidepid=2", b"/proc") == "2"
    assert parse_hidepid(b"nonsense\n - proc\n\n", b"/proc") is None


def test_where_process_1_can_be_read_nothing_is_hidden(tmp_path: Path) -> None:
    host = HostFolder(tmp_path)
    proc = os.fsencode(tmp_path / "proc")
    host.write("proc/self/mountinfo", (LINE % b",hidepid=2").replace(b"/proc", proc))
    source = LinuxSource(str(tmp_path))
    assert source.hiding_reason() is None
    host.end(1)
    assert source.hiding_reason() == "/proc is mounted with hidepid=2"


ASK = """
import sys
pid, sys.path[:0] = sys.argv[1], sys.argv[2:]
import os
import logonscope.sources.linux.hidepid
from logonscope.command import main
sys.argv[1:] = ["whose", "4194305", "-q"]
try:
    main()
except SystemExit:
    pass
# now all that an error needs is imported: another user may not be able to read the interpreter's files
os.setgroups([]); os.setgid(64321); os.setuid(64321)
sys.argv[1:] = ["whose", pid]
sys.exit(main())
"""


@pytest.mark.parametrize("option", [1, 2])
def test_a_hidden_process_is_no_missing_process(option: int) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        skip_or_fail("only root can mount /proc")
    # a /proc of its own: remounting the present one would change it for the whole machine
    mount = f'mount -t proc -o hidepid={option} proc /proc && exec "$@"'
    program = ["unshare", "-m", "sh", "-c", mount, "sh"]
    done = subprocess.run(
        [*program, sys.executable, "-c", ASK, "1", *sys.path], capture_output=True, text=True, check=False, cwd="/"
    )
    assert f"process 1 cannot be seen: /proc is mounted with hidepid={option}; use sudo" in done.stderr
    assert done.returncode == 3
