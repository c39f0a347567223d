"""HostIdentity: what identifies a host and its boot."""

from typing import NamedTuple

from logonscope.facts import Machine


class HostIdentity(NamedTuple):
    """The host: its name, and the ids of the machine and of its boot; an unknown id is None."""

    name: str
    boot_id: str | None = None
    machine_id: str | None = None

    @classmethod
    def from_machine(cls, machine: Machine) -> "HostIdentity":
        """Return the identity in the facts of a machine."""
        return cls(machine.hostname, machine.boot_id, machine.machine_id)
