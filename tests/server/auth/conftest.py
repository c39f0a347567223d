"""Where are real accounts and a real PAM? On a machine of the tests' own."""

from tests.lab.fixtures import lab, machine, people

__all__ = ["lab", "machine", "people"]
