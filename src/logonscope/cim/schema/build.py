"""How does the schema get into the wheel? Reads every MOF file beside this one and writes compiled.py.

Run by the build (hatch_build.py), and by hand as ``python -m logonscope.cim.schema.build`` after a MOF file changed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from logonscope.cim.classes import Declaration
from logonscope.cim.mof.read import MofError, read_mof

FOLDER = Path(__file__).parent
HEADER = '"""The schema, made from the MOF files beside this one by build.py: not to be edited."""\n\n'


def declarations(folder: Path = FOLDER) -> list[Declaration]:
    """Read every MOF file of a folder, a class a file, parents before their children.

    Raises:
        MofError: a file is no MOF, declares another class than its name says, or a parent is missing.
    """
    found: dict[str, Declaration] = {}
    for path in sorted(folder.glob("*.mof")):
        classes = list(read_mof(path.read_text(encoding="utf-8"), path.name))
        if [declared.name for declared in classes] != [path.stem]:
            raise MofError(f"{path.name}: it is to declare the class {path.stem} alone")
        found[path.stem] = classes[0]
    return list(_parents_first(found))


def compiled(classes: Sequence[Declaration]) -> str:
    """Return the Python text of compiled.py: nested tuples, which load as fast as a module does."""
    lines = [f"    {_plain(declared)!r},\n" for declared in classes]
    return f"{HEADER}CLASSES: tuple[tuple[object, ...], ...] = (\n{''.join(lines)})\n"


def build(folder: Path = FOLDER) -> Path:
    """Write compiled.py into the folder and return its path."""
    target = folder / "compiled.py"
    text = compiled(declarations(folder))
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return target


def _parents_first(found: dict[str, Declaration]) -> Iterator[Declaration]:
    done: set[str] = set()
    for name in found:
        line: list[str] = []
        at: str | None = name
        while at is not None and at not in done:
            if at not in found or at in line:
                raise MofError(f"{name}: its parent {at} is declared nowhere, or is its own child")
            line.append(at)
            at = found[at].superclass
        for ancestor in reversed(line):
            done.add(ancestor)
            yield found[ancestor]


def _plain(value: object) -> object:
    """Return a value with plain tuples in place of named ones, whose repr() is not Python's."""
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(build())  # noqa: T201 -- says what was written
