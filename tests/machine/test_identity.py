"""Tests of machine/identity.py: every GUID is a UUID of version 5, as Python's uuid module makes it."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Machine, Process
from logonscope.machine.identity import NAMESPACE, logon_guid, process_guid

MACHINE = Machine("web1", boot_id="0c8f1a4e-6d0e-4d1b-9f0a-2f6d3a1b7c55", machine_id="4c1f7d2b9e0a4b6f8d3c5a7e9b1d2f40")
numbers = st.integers(0, 1 << 64)


def oracle(name: str) -> str:
    """Return the UUID of a name."""
    return str(uuid.uuid5(uuid.UUID(bytes=NAMESPACE), f"{MACHINE.machine_id}:{MACHINE.boot_id}:{name}"))


@given(numbers, st.none() | numbers)
def test_a_logon_session_is_named_by_its_number_and_generation(number: int, logon_id_generation: int | None) -> None:
    name = f"logon:{number}" if logon_id_generation is None else f"logon:{number}:{logon_id_generation}"
    assert logon_guid(MACHINE, str(number), logon_id_generation) == oracle(name)


@given(numbers, numbers)
def test_a_process_is_named_by_its_pid_and_start(pid: int, start: int) -> None:
    assert process_guid(MACHINE, Process(pid, start=start)) == oracle(f"process:{pid}:{start}")


def test_other_machines_boots_and_things_have_other_names() -> None:
    machines = (MACHINE, MACHINE._replace(boot_id="other"), MACHINE._replace(machine_id="other"))
    found = [logon_guid(machine, "41", None) for machine in machines]
    found += [
        logon_guid(MACHINE, "41", 0),
        logon_guid(MACHINE, "410", None),
        process_guid(MACHINE, Process(41, start=1)),
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("machine", [MACHINE._replace(boot_id=None), MACHINE._replace(machine_id=None)])
def test_a_machine_without_an_id_names_nothing(machine: Machine) -> None:
    assert logon_guid(machine, "41", None) is None
    assert process_guid(machine, Process(1, start=1)) is None


def test_a_process_whose_start_was_not_read_has_no_name() -> None:
    assert process_guid(MACHINE, Process(1)) is None
