"""Source of a Linux host: /proc, the files of the login service and the name services, read at each query."""

from logonscope.sources.linux.source import LinuxSource

__all__ = ["LinuxSource"]
