"""The client API, used by programs and by every face: hosts, whether local, recorded or remote."""

from logonscope.client.host import Host
from logonscope.client.local_host import LocalHost

__all__ = ["Host", "LocalHost"]
