"""Tests of pyproject.toml: no server package with a known hole is allowed, and every import is declared."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = tomllib.loads((ROOT / "tests/floors.toml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ELSEWHERE = {"gssapi", "krb5"}
"""Imported where they are installed alone: the extra kerberos brings them with pyspnego."""


def floor(requirement: str) -> tuple[str, str]:
    """Return the name of a requirement and its lowest version."""
    match = re.match(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)", requirement)
    assert match, requirement
    return match[1], match[2]


def imported(folder: str) -> set[str]:
    """Return the top names of the modules that a folder's files import."""
    names: set[str] = set()
    for path in (ROOT / "src/logonscope" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"logonscope"} - ELSEWHERE


def test_the_floors_are_those_of_the_list_each_with_its_reason() -> None:
    assert dict(map(floor, EXTRAS["server"])) == {name: entry["floor"] for name, entry in FLOORS.items()}
    assert all(entry["reason"] for entry in FLOORS.values())


def test_what_the_server_imports_is_declared() -> None:
    packages = packages_distributions()
    found = {name.lower().replace("_", "-") for module in imported("server") for name in packages[module]}
    assert found - {"argon2-cffi-bindings"} <= set(FLOORS)
