"""Where do these tests run? On a machine of their own."""

from tests.lab.fixtures import lab, machine, people

__all__ = ["lab", "machine", "people"]
