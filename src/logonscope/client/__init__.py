"""The client API that programs, the command line and ``logonscope.wmi`` use: hosts, local, recorded or remote."""

from logonscope.client.host import Host
from logonscope.client.local_host import LocalHost

__all__ = ["Host", "LocalHost"]
