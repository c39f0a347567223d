"""What people's code and every face holds: a Host, whatever stands behind it."""

from logonscope.client.host import Host
from logonscope.client.local_host import LocalHost

__all__ = ["Host", "LocalHost"]
