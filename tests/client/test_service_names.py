"""Tests of client/service_names.py: names of services in /etc/services."""

import pytest

from logonscope import InvalidParameterError
from logonscope.client.service_names import with_port
from tests.services_file import HAS_SERVICES


@pytest.mark.skipif(not HAS_SERVICES, reason="there is no /etc/services here")
def test_a_service_is_its_port() -> None:
    assert [with_port(text) for text in (":ssh", "127.0.0.1:ssh", "[::1]:SSH")] == [":22", "127.0.0.1:22", "[::1]:22"]


def test_other_targets_stay_as_they_are() -> None:
    for text in (":22", "127.0.0.1:22", "user:ssh", "tmux: server", "ssh"):
        assert with_port(text) == text


def test_a_service_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="no service 'nosuchservice' in /etc/services"):
        with_port(":nosuchservice")
