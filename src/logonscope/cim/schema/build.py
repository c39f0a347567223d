"""Build step of the schema: reads every MOF file in this folder and writes compiled.py.

The build of the wheel runs this step (hatch_build.py). After a change in a MOF file, run
``python -m logonscope.cim.schema.build``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from logonscope.cim.classes import Declaration
from logonscope.cim.mof.read import MofError, read_mof

FOLDER = Path(__file__).parent
HEADER = '"""The schema, generated from the MOF files in this folder by build.py. Do not edit."""\n\n'


def read_declarations(folder: Path = FOLDER) -> list[Declaration]:
    """Read every MOF file of a folder, each of which declares one class; return the classes, superclasses first.

    Raises:
        MofError: a file is not MOF, or does not declare one class with the file's name; an ancestor is missing, or
            inherits from itself; or a reference names a class of another namespace.
    """
    declarations_by_name: dict[str, Declaration] = {}
    for path in sorted(folder.glob("*.mof")):
        classes = list(read_mof(path.read_text(encoding="utf-8"), path.name))
        if [declaration.name for declaration in classes] != [path.stem]:
            raise MofError(f"{path.name}: must declare the class {path.stem} and no other")
        declarations_by_name[path.stem] = classes[0]
    for declaration in declarations_by_name.values():
        _check_references(declaration, declarations_by_name)
    return list(_parents_first(declarations_by_name))


def generate_module(classes: Sequence[Declaration]) -> str:
    """Return the Python text of compiled.py: nested tuples of constants, which Python loads from its bytecode cache."""
    lines = [f"    {_to_plain_tuples(declaration)!r},\n" for declaration in classes]
    return f"{HEADER}CLASSES: tuple[tuple[object, ...], ...] = (\n{''.join(lines)})\n"


def build(folder: Path = FOLDER) -> Path:
    """Write compiled.py into the folder, if its text has changed, and return its path."""
    target = folder / "compiled.py"
    text = generate_module(read_declarations(folder))
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return target


def _parents_first(declarations_by_name: dict[str, Declaration]) -> Iterator[Declaration]:
    yielded: set[str] = set()
    for name in declarations_by_name:
        # Climb to the topmost ancestor that was not yielded yet, then yield from there down to the class.
        lineage: list[str] = []
        ancestor: str | None = name
        while ancestor is not None and ancestor not in yielded:
            if ancestor not in declarations_by_name or ancestor in lineage:
                raise MofError(f"{name}: its ancestor {ancestor} is not declared, or inherits from itself")
            lineage.append(ancestor)
            ancestor = declarations_by_name[ancestor].superclass
        for member in reversed(lineage):
            yielded.add(member)
            yield declarations_by_name[member]


def _check_references(declaration: Declaration, declarations_by_name: Mapping[str, Declaration]) -> None:
    """Check that each reference property names a class of its own namespace, or one that all namespaces have.

    A class that no file declares is accepted, because classes of Windows refer to many classes that have no file here.

    Raises:
        MofError: a reference names a class of another namespace.
    """
    for declared in declaration.properties:
        if declared.type != "reference" or declared.reference is None:
            continue
        referenced = declarations_by_name.get(declared.reference)
        if referenced is not None and referenced.namespace not in {None, declaration.namespace}:
            raise MofError(
                f"{declaration.name}.mof: the reference {declared.name} names {declared.reference}, which is in"
                f" {referenced.namespace}: a reference cannot leave its namespace"
            )


def _to_plain_tuples(value: object) -> object:
    """Return a value with its named tuples as plain ones, whose repr() needs no imports."""
    return tuple(map(_to_plain_tuples, value)) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(build())  # noqa: T201 -- says what was written
