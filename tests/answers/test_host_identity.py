"""Tests of answers/host_identity.py: what identifies a host is what its machine facts have."""

from logonscope.answers.host_identity import HostIdentity
from logonscope.facts import Machine


def test_an_identity_is_in_the_facts_of_a_machine() -> None:
    identity = HostIdentity.from_machine(Machine("web1", boot_id="b", machine_id="m"))
    assert identity == ("web1", "b", "m")
    assert HostIdentity.from_machine(Machine("web1")) == ("web1", None, None)
