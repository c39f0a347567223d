"""Tests of providers/helpers/service_keys.py: keys of services with their managers, and their selections."""

import pytest

from logonscope.facts import ServiceName
from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.helpers.service_keys import (
    manager_name,
    select_manager,
    select_service,
    select_service_reference,
    service_reference,
)


@pytest.mark.parametrize(("uid", "manager"), [(None, "system"), (0, "user@0.service"), (1000, "user@1000.service")])
def test_a_manager_is_named_and_found_again(uid: int | None, manager: str) -> None:
    assert manager_name(ServiceName("a.service", uid)) == manager
    assert service_reference(ServiceName("a.service", uid)) == ("LS_Service", manager, "a.service")
    assert select_manager(manager.upper()) == Selection(service_uids=frozenset({uid}))


def test_names_narrow_unless_a_character_was_replaced() -> None:
    assert select_service("a.service") == select_service_reference(("Win32_Service", "a.service"))
    assert select_service("a\ufffd.service") == EVERYTHING
    assert select_manager("user@x.service").is_empty
