"""Patches of the project's own code in tests: attributes of its modules that a test replaces."""

import ast
from collections.abc import Iterable, Iterator

from tests.house.source_files import SourceFile

PACKAGE_NAME = "logonscope"
_PATCHING = {"setattr", "delattr", "setitem", "delitem", "patch", "object", "dict"}
_PATCHERS = {"monkeypatch", "mock", "mocker", "patch"}


def patches(files: Iterable[SourceFile]) -> list[str]:
    """Return where a test replaces an attribute of the package, as FILE:LINE."""
    return [f"{file.name}:{line}" for file in files for line in sorted(set(_lines(file.tree)))]


def _lines(tree: ast.Module) -> Iterator[int]:
    modules = set(_own_modules(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_patching(node.func) and node.args and _is_own(node.args[0], modules):
            yield node.lineno
        elif isinstance(node, ast.Assign):
            yield from (node.lineno for target in node.targets if _is_attribute_of(target, modules))


def _own_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the names under which a file imports modules, classes and functions of the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE_NAME:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.asname or PACKAGE_NAME for alias in node.names if alias.name.startswith(PACKAGE_NAME))


def _is_patching(function: ast.expr) -> bool:
    """Return whether a call is monkeypatch.setattr, mock.patch and the like."""
    if not isinstance(function, ast.Attribute) or function.attr not in _PATCHING:
        return False
    return bool(_PATCHERS.intersection(node.id for node in ast.walk(function) if isinstance(node, ast.Name)))


def _is_own(target: ast.expr, modules: set[str]) -> bool:
    if isinstance(target, ast.Constant):
        return isinstance(target.value, str) and target.value.split(".")[0] == PACKAGE_NAME
    return bool(modules.intersection(node.id for node in ast.walk(target) if isinstance(node, ast.Name)))


def _is_attribute_of(target: ast.expr, modules: set[str]) -> bool:
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in modules
