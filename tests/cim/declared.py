"""Classes for a test, from their MOF text."""

from logonscope.cim.classes import Class
from logonscope.cim.mof.read import read_mof
from logonscope.cim.schema import CIMV2, Schema


def schema_of(mof: str) -> Schema:
    """Return the schema of the classes that a text declares; without a pragma every namespace has them."""
    return Schema(list(read_mof(mof)))


def class_of(mof: str) -> Class:
    """Return the last class that a text declares, with what it inherits from those before it."""
    return list(schema_of(mof).classes(CIMV2))[-1]
