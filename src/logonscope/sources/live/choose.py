"""Choice of the feed of a live source: the events helper if its socket exists; otherwise the kernel itself."""

import os
from collections.abc import Sequence
from functools import partial

from logonscope.facts import Login
from logonscope.machine import Ownership, Source
from logonscope.sources.live.feed import Feed, LocalFeed, NotSetUpError
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.remote_feed import SOCKET, RemoteFeed
from logonscope.sources.live.source import LiveSource


def make_live(
    direct: Source,
    ownership: Ownership,
    *,
    socket: str = SOCKET,
    needs_writes: bool = True,
    remembered: Sequence[Login] = (),
) -> LiveSource:
    """Start a live source of this machine, and return it.

    Args:
        direct: reads the machine itself.
        ownership: the rules that determine owners.
        socket: the path of the events helper's socket.
        needs_writes: reject a feed without events of writes to login uids. Without these events, processes are read
            from /proc at every event except an end.
        remembered: logins of this boot that the history has.
    """
    host = LiveHost(direct, ownership, partial(open_feed, socket, needs_writes=needs_writes), remembered)
    host.start()
    return LiveSource(host)


def open_feed(socket: str, *, needs_writes: bool) -> Feed:
    """Open a feed: that of the events helper if its socket exists, or else that of the kernel.

    Raises:
        NotSetUpError: writes are needed; there is no helper, and this process cannot open a feed with writes.
        OSError: the feed cannot be opened, or writes are needed and the helper's feed has none.
    """
    if not os.path.exists(socket):
        try:
            return LocalFeed(needs_writes=needs_writes)
        except OSError as error:
            if not needs_writes:
                raise
            raise NotSetUpError(f"no events helper; {error.strerror or error}") from None
    feed = RemoteFeed(socket)
    if needs_writes and not feed.sees_writes:
        reasons = "; ".join(feed.event_source.refused)
        feed.close()
        raise OSError(f"events helper at {socket}: writes to login uids cannot be watched ({reasons})")
    return feed
