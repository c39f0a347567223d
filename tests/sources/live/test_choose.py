"""The choice of the live source: with or without a helper, and what is refused."""

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
    assert source.status.rung is None
    assert "events helper at" in source.status.failure
    source.close()
