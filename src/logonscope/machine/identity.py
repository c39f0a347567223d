"""GUIDs of logon sessions and processes: equal for every reading during one boot of one machine, and never reused.

They are made only of facts that do not change during the life of the logon session or process. So approximate start
times are not used, nor values of login records, which the login service may delete.
"""

from functools import lru_cache

from logonscope.facts import Machine, Process

# hashlib is not imported, because it loads OpenSSL, which takes a twentieth of the time of `whose PID`
try:
    from _sha1 import sha1  # type: ignore[import-not-found]  # typeshed lacks it
except ImportError:
    from hashlib import sha1

NAMESPACE = bytes.fromhex("5e1f3bb4c0a84d6f9a64f1c2d30e8b57")
"""The namespace UUID for name-based UUIDs (RFC 9562 5.5); a constant, chosen at random."""


def logon_guid(machine: Machine, logon_id: str, logon_id_generation: int | None) -> str | None:
    """Return the GUID of a logon session; None where the machine id or the boot id is not known.

    Args:
        machine: the host.
        logon_id: the LogonId.
        logon_id_generation: distinguishes logon sessions that get the same LogonId one after another; None: no other
            logon session can get this LogonId, or the number is not known.
    """
    name = f"{logon_id}" if logon_id_generation is None else f"{logon_id}:{logon_id_generation}"
    return _make_guid(machine, f"logon:{name}")


def process_guid(machine: Machine, process: Process) -> str | None:
    """Return the GUID of a process; None where its start, the machine id or the boot id is not known."""
    return None if process.start is None else _make_guid(machine, f"process:{process.pid}:{process.start}")


def _make_guid(machine: Machine, name: str) -> str | None:
    if machine.machine_id is None or machine.boot_id is None:
        return None
    digits = sha1(_prefix(machine.machine_id, machine.boot_id) + name.encode(), usedforsecurity=False).hexdigest()
    # 5 is the version. The next group begins with the digit of the variant: its two high bits are fixed
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"


_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@lru_cache(16)
def _prefix(machine_id: str, boot_id: str) -> bytes:
    return NAMESPACE + f"{machine_id}:{boot_id}:".encode("utf-8", "surrogateescape")
