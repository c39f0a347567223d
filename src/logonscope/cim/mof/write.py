"""MOF writer: turns declarations of classes into MOF text, in the format of the schema's files."""

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
    parameter_id_qualifier,
)
from logonscope.cim.types import Value

WIDTH = 118
"""Characters up to which a line of qualifiers is filled; a longer piece that cannot be split has its own line."""

_FLAVORS = (
    (TO_INSTANCE, "ToInstance"),
    (TO_SUBCLASS, "ToSubclass"),
    (NOT_OVERRIDABLE, "DisableOverride"),
    (AMENDED, "Amended"),
)
_PIECE = re.compile(r"""(?:"(?:\\.|[^"\\])*"|[^",])+,?""", re.DOTALL)
"""A text up to the next comma outside quotes, or up to its end."""


def with_inherited(cls: Class) -> Declaration:
    """Return a class as one declaration, with its inherited qualifiers and members."""
    return cls.declaration._replace(
        qualifiers=cls.qualifiers,
        properties=tuple(cls.properties.values()),
        methods=tuple(cls.methods.values()),
    )


def write_mof(declaration: Declaration, *, amended: bool = False) -> str:
    """Return the MOF text of a declaration; ``amended``: with its amended qualifiers, which are texts for people."""
    lines = []
    if declaration.namespace:
        escaped = f"\\\\.\\{declaration.namespace}".replace("\\", "\\\\")
        lines += [f'#pragma namespace("{escaped}")', ""]
    lines += _qualifier_lines(declaration.qualifiers, "", amended=amended)
    parent = f" : {declaration.superclass}" if declaration.superclass else ""
    lines += [f"class {declaration.name}{parent}", "{"]
    for member in declaration.properties:
        default = "" if member.default is None else f" = {_write_default(member.default)}"
        lines += [*_qualifier_lines(member.qualifiers, "  ", amended=amended), f"  {_write_member(member)}{default};"]
    for method in declaration.methods:
        lines += [*_qualifier_lines(method.qualifiers, "  ", amended=amended), *_method_lines(method, amended=amended)]
    return "\n".join([*lines, "};", ""])


def _method_lines(method: Method, *, amended: bool) -> Iterable[str]:
    parameters = [
        _write_parameter(parameter, parameter_id_qualifier(number), amended=amended)
        for number, parameter in enumerate(method.parameters)
    ]
    head = f"  {method.type} {method.name}("
    yield head + ",".join(f"\n{text}" for text in parameters) + ");"


def _write_parameter(parameter: Parameter, implied: Qualifier, *, amended: bool) -> str:
    """Return the text of a parameter without ``implied``, the qualifier ID that the parameter's position implies."""
    written_qualifiers = [qualifier for qualifier in parameter.qualifiers if qualifier != implied]
    lines = _qualifier_lines(written_qualifiers, "    ", amended=amended)
    return "\n".join([*lines, f"    {_write_member(parameter)}"])


def _write_member(member: Property | Parameter) -> str:
    """Return type and name of a property or a parameter."""
    type_text = next((str(q.value) for q in member.qualifiers if q.name == CIMTYPE), member.type)
    if member.type == "reference":
        type_text = f"{member.reference} ref"
    elif member.type == "object" and member.reference:
        type_text = f"object:{member.reference}"
    return f"{type_text} {member.name}{'[]' if member.array else ''}"


def _qualifier_lines(qualifiers: Sequence[Qualifier], indent: str, *, amended: bool) -> list[str]:
    """Return the lines of a list of qualifiers, with as many qualifiers on each line as fit.

    CIMTYPE is left out: the declaration that follows has the type.
    """
    written_qualifiers = [q for q in qualifiers if q.name != CIMTYPE and (amended or not q.flavor & AMENDED)]
    if not written_qualifiers:
        return []
    texts = [f"{_write_qualifier(q)}{',' if q is not written_qualifiers[-1] else ']'}" for q in written_qualifiers]
    pieces = [piece for text in texts for piece in _split_long(text)]
    lines, line = [], f"{indent}[{pieces[0]}"
    for piece in pieces[1:]:
        if len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = f"{indent} {piece}"
        else:
            line += f" {piece}"
    return [*lines, line]


def _split_long(text: str) -> list[str]:
    """Return the text of a qualifier, split between the values of its array if it is longer than half a line."""
    return [text] if len(text) <= WIDTH // 2 else [piece.lstrip() for piece in _PIECE.findall(text)]


def _write_qualifier(qualifier: Qualifier) -> str:
    flavors = " ".join(name for bit, name in _FLAVORS if qualifier.flavor & bit)
    return f"{qualifier.name}{_write_value(qualifier.value)}{f' : {flavors}' if flavors else ''}"


def _write_value(value: Value) -> str:
    """Return the value of a qualifier as it follows the name; TRUE is the default and is not written."""
    if value is True:
        return ""
    return _write_array(value) if isinstance(value, tuple) else f"({_write_constant(value)})"


def _write_default(value: Value) -> str:
    """Return the default value of a property as it follows the equals sign."""
    return _write_array(value) if isinstance(value, (tuple, bytes)) else _write_constant(value)


def _write_array(values: Iterable[object]) -> str:
    return "{" + ", ".join(map(_write_constant, values)) + "}"


def _write_constant(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
