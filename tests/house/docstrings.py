"""Docstrings: of modules, and of what ``import logonscope`` offers."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

import logonscope
from tests.house.source_files import SourceFile


def without_module_docstring(files: Iterable[SourceFile]) -> list[str]:
    """Return the names of files that do not say what they are for."""
    return [file.name for file in files if not ast.get_docstring(file.tree)]


def module_docstrings(files: Sequence[SourceFile]) -> float:
    """Return the share of files with a docstring, in percent."""
    return 100 - 100 * len(without_module_docstring(files)) / len(files)


def public_api() -> dict[str, bool]:
    """Return every public name of the package and every public method of its classes, and whether it has a docstring.

    A method that implements an interface inherits its docstring.
    """
    names = {name: getattr(logonscope, name) for name in logonscope.__all__}
    members = {
        f"{name}.{member}": getattr(value, member)
        for name, value in names.items()
        if isinstance(value, type)
        for member in _public_methods(value)
    }
    return {name: bool(inspect.getdoc(value)) for name, value in {**names, **members}.items()}


def api_docstrings() -> float:
    """Return the share of the public API with a docstring, in percent."""
    documented = public_api().values()
    return 100 * sum(documented) / len(documented)


def undocumented_methods() -> list[str]:
    """Return the public methods of all classes that have no docstring, and implement none that has one."""
    methods = (
        (f"{module.__name__}.{cls.__qualname__}.{name}", getattr(cls, name))
        for module in modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and not cls.__name__.startswith("_")
        for name in _public_methods(cls)
    )
    return [name for name, method in methods if not inspect.getdoc(method)]


def modules() -> Iterator[ModuleType]:
    """Import and yield every module of the package."""
    for found in pkgutil.walk_packages(logonscope.__path__, "logonscope."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _public_methods(cls: type) -> Iterator[str]:
    for name, value in vars(cls).items():
        if not name.startswith("_") and (callable(value) or isinstance(value, property)):
            yield name
