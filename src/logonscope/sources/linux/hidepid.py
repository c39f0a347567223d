"""The mount option of /proc that hides the processes of other users (proc(5), hidepid)."""

import os

_NUMBERS = {b"off": "0", b"noaccess": "1", b"invisible": "2", b"ptraceable": "4"}
"""Values of the option as Linux 5.8 and newer show them, with the numbers of proc(5)."""

_MAX_MOUNTINFO_BYTES = 1 << 20
"""Maximum bytes of mountinfo that are read: users can make mounts of their own."""


def read_hidepid(proc: str) -> str | None:
    """Return the option hidepid of /proc as the reason why processes are hidden; None: not set, 0, or not known."""
    try:
        with open(f"{proc}/self/mountinfo", "rb") as file:
            number = parse_hidepid(file.read(_MAX_MOUNTINFO_BYTES), os.fsencode(proc))
    except OSError:
        return None
    return None if number is None else f"/proc is mounted with hidepid={number}"


def parse_hidepid(mountinfo: bytes, mount_point: bytes) -> str | None:
    """Return the option hidepid of the /proc that was mounted last at a mount point; None: it is not set, or 0."""
    number = None
    for line in mountinfo.split(b"\n"):
        # before " - " are the mount point and its options, after it the type, the source and the options of /proc
        mount, _, filesystem = line.partition(b" - ")
        mount_fields, type_fields = mount.split(b" "), filesystem.split(b" ")
        if len(mount_fields) > 5 and mount_fields[4] == mount_point and type_fields[0] == b"proc":
            options = dict(option.partition(b"=")[::2] for option in type_fields[-1].split(b","))
            value = options.get(b"hidepid", b"0")
            number = _NUMBERS.get(value, value.decode("ascii", "replace"))
    return None if number == "0" else number
