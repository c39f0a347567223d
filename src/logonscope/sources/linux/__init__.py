"""This host, now: /proc, the login service's files and the name services, read when they are asked for."""

from logonscope.sources.linux.source import LinuxSource

__all__ = ["LinuxSource"]
