"""The choice of the live source: with or without a helper, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.choose import make_live, open_feed
from logonscope.sources.live.feed import LocalFeed, namespace_reason
from tests.kernel import require_logins


def test_without_a_helper_this_process_reads_the_events_itself(tmp_path: Path) -> None:
    require_logins()
    if namespace_reason() is not None:
        pytest.skip("a pid namespace")
    feed = open_feed(str(tmp_path / "none"), needs_writes=True)
    assert isinstance(feed, LocalFeed)
    feed.close()


def test_a_socket_without_a_helper_is_not_passed_over(tmp_path: Path) -> None:
    # the helper is being restarted: the service waits for it, and does not begin to read events itself
    (tmp_path / "socket").touch()
    with pytest.raises(OSError, match="events helper at"):
        open_feed(str(tmp_path / "socket"), needs_writes=True)


def test_a_live_source_starts_without_any_events(tmp_path: Path) -> None:
    (tmp_path / "socket").touch()
    source = make_live(LinuxSource(), LINUX, socket=str(tmp_path / "socket"))
    assert source.status.event_source is None
    assert "events helper at" in source.status.failure
    source.close()


def test_without_helper_and_rights_nothing_is_opened_and_nothing_is_missing(tmp_path: Path) -> None:
    """As another user: a note of ``doctor``, not an error."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    script = (
        "import sys\n"
        "from logonscope.sources.live.choose import make_live\n"
        "from logonscope.sources.live.source import describe_status\n"
        "from logonscope.sources.linux import LinuxSource\n"
        "from logonscope.ownership import LINUX\n"
        "source = make_live(LinuxSource(), LINUX, socket=sys.argv[1])\n"
        "(check,) = describe_status(source.status)\n"
        "print(check.ok, check.finding, sep='|')\n"
        "source.close()\n"
    )
    command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", script, str(tmp_path / "none")]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        pytest.skip("another user cannot run this Python")
    ok, found = done.stdout.split("|")
    assert ok == "None"
    assert found.startswith("no kernel events: no events helper; ")
    assert "writes to login uids cannot be watched (" in found or "pid namespace" in found
