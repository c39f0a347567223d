"""Fixtures for real accounts, a real PAM and real tickets: a machine and a realm of the tests' own."""

from tests.lab.fixtures import lab, machine, people, realm

__all__ = ["lab", "machine", "people", "realm"]
