"""GUIDs of logon sessions and processes: the same from every look at one boot of one machine, and never used again.

They are made of what does not change while the thing lives: never of a start time that was approximated, nor of a
login record that may be forgotten.
"""

from functools import lru_cache
from hashlib import sha1

from logonscope.facts import Machine, Process

NAMESPACE = bytes.fromhex("5e1f3bb4c0a84d6f9a64f1c2d30e8b57")
"""The UUID in which names are hashed (RFC 9562 5.5); chosen at random, once."""


def logon_guid(machine: Machine, logon_id: str, generation: int | None) -> str | None:
    """Return the GUID of a logon session; None where the machine or its boot has no id.

    Args:
        machine: the host.
        logon_id: the LogonId.
        generation: what tells it from another logon session to which the same LogonId was given; None: none ever is.
    """
    name = f"{logon_id}" if generation is None else f"{logon_id}:{generation}"
    return _guid(machine, f"logon:{name}")


def process_guid(machine: Machine, process: Process) -> str | None:
    """Return the GUID of a process, of its pid and start; None where its start was not read, or as above."""
    return None if process.start is None else _guid(machine, f"process:{process.pid}:{process.start}")


def _guid(machine: Machine, name: str) -> str | None:
    if machine.machine_id is None or machine.boot_id is None:
        return None
    digest = bytearray(
        sha1(_prefix(machine.machine_id, machine.boot_id) + name.encode(), usedforsecurity=False).digest()
    )
    digest[6] = digest[6] & 0x0F | 0x50  # version 5
    digest[8] = digest[8] & 0x3F | 0x80  # variant
    text = digest[:16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(16)
def _prefix(machine_id: str, boot_id: str) -> bytes:
    return NAMESPACE + f"{machine_id}:{boot_id}:".encode("utf-8", "surrogateescape")
