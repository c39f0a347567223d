"""Fixtures of tests of scripts."""

from typing import Any

import pytest

from logonscope import wmi
from logonscope.client import Host
from tests.wmi.scripts import ExampleHost


@pytest.fixture
def example_host() -> ExampleHost:
    return ExampleHost()


@pytest.fixture
def web1(example_host: ExampleHost) -> Host:
    return example_host.connect()


@pytest.fixture
def c(web1: Host) -> Any:
    """Return what scripts call c: the namespace root/cimv2 of the example host."""
    return wmi.WMI(host=web1)
