"""Fixtures of the tests on a real machine of their own."""

from tests.lab.fixtures import lab, machine, people

__all__ = ["lab", "machine", "people"]
