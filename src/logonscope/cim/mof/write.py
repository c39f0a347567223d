"""How is a class written? As MOF text: what the schema's files hold, and what ``logonscope class`` prints."""

import re
from collections.abc import Iterable, Sequence

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Class,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
)
from logonscope.cim.types import Value

WIDTH = 118
"""Columns that a line of qualifiers may take."""

_FLAVORS = (
    (TO_INSTANCE, "ToInstance"),
    (TO_SUBCLASS, "ToSubclass"),
    (NOT_OVERRIDABLE, "DisableOverride"),
    (AMENDED, "Amended"),
)
_PIECE = re.compile(r"""(?:"(?:\\.|[^"\\])*"|[^",])+,?""", re.DOTALL)
_IMPLIED = {CIMTYPE, "ID"}
"""Qualifiers that follow from the rest of the text."""


def whole(known: Class) -> Declaration:
    """Return a class as one declaration, with all that it inherits."""
    return known.declaration._replace(
        qualifiers=known.qualifiers,
        properties=tuple(known.properties.values()),
        methods=tuple(known.methods.values()),
    )


def write_mof(declared: Declaration, *, amended: bool = False) -> str:
    """Return the MOF text of a declaration; its amended qualifiers (texts for people) only where they are asked for."""
    lines = []
    if declared.namespace:
        escaped = f"\\\\.\\{declared.namespace}".replace("\\", "\\\\")
        lines += [f'#pragma namespace("{escaped}")', ""]
    lines += _qualifiers(declared.qualifiers, "", amended=amended)
    parent = f" : {declared.superclass}" if declared.superclass else ""
    lines += [f"class {declared.name}{parent}", "{"]
    for known in declared.properties:
        lines += [*_qualifiers(known.qualifiers, "  ", amended=amended), f"  {_feature(known)};"]
    for method in declared.methods:
        lines += [*_qualifiers(method.qualifiers, "  ", amended=amended), *_method(method, amended=amended)]
    return "\n".join([*lines, "};", ""])


def _method(method: Method, *, amended: bool) -> Iterable[str]:
    parameters = [_parameter(parameter, amended=amended) for parameter in method.parameters]
    head = f"  {method.type} {method.name}("
    yield head + ",".join(f"\n{text}" for text in parameters) + ");"


def _parameter(parameter: Parameter, *, amended: bool) -> str:
    lines = _qualifiers(parameter.qualifiers, "    ", amended=amended)
    return "\n".join([*lines, f"    {_feature(parameter)}"])


def _feature(of: Property | Parameter) -> str:
    spelled = next((str(q.value) for q in of.qualifiers if q.name == CIMTYPE), of.type)
    if of.type == "reference":
        spelled = f"{of.reference} ref"
    elif of.type == "object" and of.reference:
        spelled = f"object:{of.reference}"
    return f"{spelled} {of.name}{'[]' if of.array else ''}"


def _qualifiers(qualifiers: Sequence[Qualifier], indent: str, *, amended: bool) -> list[str]:
    """Return the lines of a list of qualifiers, as many on each as fit."""
    told = [q for q in qualifiers if q.name not in _IMPLIED and (amended or not q.flavor & AMENDED)]
    if not told:
        return []
    pieces = [piece for q in told for piece in _pieces(f"{_qualifier(q)}{',' if q is not told[-1] else ']'}")]
    lines, line = [], f"{indent}[{pieces[0]}"
    for piece in pieces[1:]:
        if len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = f"{indent} {piece}"
        else:
            line += f" {piece}"
    return [*lines, line]


def _pieces(text: str) -> list[str]:
    """Return a qualifier's text; one that is longer than a line in pieces, parted between the strings of its array."""
    return [text] if len(text) <= WIDTH // 2 else [piece.lstrip() for piece in _PIECE.findall(text)]


def _qualifier(qualifier: Qualifier) -> str:
    flavors = " ".join(name for bit, name in _FLAVORS if qualifier.flavor & bit)
    return f"{qualifier.name}{_value(qualifier.value)}{f' : {flavors}' if flavors else ''}"


def _value(value: Value) -> str:
    if value is True:
        return ""
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_constant, value)) + "}"
    return f"({_constant(value)})"


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
