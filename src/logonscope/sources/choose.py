"""Choice of the source for a host: a recording, a folder, or this machine."""

import os
import sys

from logonscope.errors import Hint, HintCode, InvalidParameterError, NotSupportedError
from logonscope.machine import Source


def choose_source(host: str | None = None) -> Source:
    """Return the source of a recording (a file, or "-" for standard input), of a folder, or of this machine (None).

    Raises:
        InvalidParameterError: there is no such file or folder, it cannot be read, or the folder has no directory proc.
        RecordingError, AccessDeniedError: the file is not a valid recording, or may not be read.
        NotSupportedError: the host is a URL, or this machine cannot be read.
    """
    if host is not None and "://" in host:
        raise NotSupportedError(f"cannot read {host}: not a recording", Hint(HintCode.USE_RECORDING))
    if host is not None and (host == "-" or (os.path.exists(host) and not os.path.isdir(host))):
        from logonscope.sources.recording import RecordedSource  # noqa: PLC0415 -- imports gzip and json, which only recordings need

        return RecordedSource.open(host)
    if host is not None and not (host and os.path.isdir(os.path.join(host, "proc"))):
        machine_hint = f", or --host https://{host} for another machine" if host and "/" not in host else ""
        raise InvalidParameterError(_describe_missing_recording(host), Hint(HintCode.USE_RECORDING, also=machine_hint))
    if host is None and not sys.platform.startswith("linux"):
        raise NotSupportedError(
            f"cannot read this machine: it needs the /proc of Linux, this is {sys.platform}",
            Hint(HintCode.USE_RECORDING, also=", made on Linux"),
        )
    if host is None and not os.path.exists("/proc/self/stat"):
        raise NotSupportedError("cannot read this machine: /proc is not mounted", "mount proc(5) at /proc")
    from logonscope.sources.linux import LinuxSource  # noqa: PLC0415 -- a recording is read on any system

    return LinuxSource() if host is None else LinuxSource(host)


def _describe_missing_recording(host: str) -> str:
    if os.path.isdir(host):
        return f"folder {host!r} has no directory proc, and a recording is a file"
    return f"recording {host!r} does not exist"
