"""References to files, and the parts of their paths."""

from typing import NamedTuple

from logonscope.cim.types import Value
from logonscope.providers.helpers.text import clean


class FilePath(NamedTuple):
    """The parts of a path as CIM_LogicalFile has them."""

    folder: str  # "/usr/lib/"
    name: str  # "libc.so", without the extension
    extension: str  # "6"


def file_reference(path: str) -> tuple[Value, ...]:
    """Return a reference to a file."""
    return ("CIM_DataFile", clean(path))


def split_path(path: str) -> FilePath:
    """Return the parts of a path; a name that begins with its only dot has no extension."""
    folder, slash, file = path.rpartition("/")
    stem, dot, extension = file.rpartition(".")
    return FilePath(folder + slash, *((stem, extension) if stem and dot else (file, "")))
