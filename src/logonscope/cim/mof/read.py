"""What does a MOF file declare? Text in WMI's dialect to declarations, by a lark grammar.

A property's type as the file spells it is kept in the qualifier CIMTYPE, as WMI does. Parameters get their ID from
their order, as mofcomp gives it.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
)
from logonscope.cim.types import TYPES, Value

_FLAVORS = {
    "toinstance": TO_INSTANCE, "tosubclass": TO_SUBCLASS, "disableoverride": NOT_OVERRIDABLE, "amended": AMENDED,
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class MofError(ValueError):
    """A MOF file cannot be read; str() says where and why."""


def read_mof(text: str, name: str = "MOF") -> Iterator[Declaration]:
    """Yield the classes that a file declares.

    Raises:
        MofError: it is no MOF in this dialect.
    """
    try:
        tree = _parser().parse(text)
        namespace: str | None = None
        for part in _Declarations().transform(tree).children:
            if isinstance(part, Declaration):
                yield part._replace(namespace=namespace)
            else:
                namespace = part
    except UnexpectedInput as error:
        raise MofError(f"{name}:{error.line}:{error.column}: {str(error).splitlines()[0]}") from None
    except VisitError as error:
        raise MofError(f"{name}: {error.orig_exc}") from None


@cache
def _parser() -> Lark:
    grammar = files("logonscope.cim.mof").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


class _Declarations(Transformer[Token, Any]):
    """Turns the tree into declarations, from the leaves up."""

    def pragma(self, parts: list[Token]) -> str:
        keyword, argument = parts
        if keyword.lower() != "namespace":
            raise MofError(f"no pragma {keyword}")
        return _unquoted(argument).replace("/", "\\").removeprefix("\\\\.\\").lower()

    def class_declaration(self, parts: list[Any]) -> Declaration:
        qualifiers, (name, superclass, *features) = _split(parts)
        return Declaration(
            name=str(name),
            namespace=None,
            superclass=superclass and str(superclass),
            qualifiers=qualifiers,
            properties=tuple(feature for feature in features if isinstance(feature, Property)),
            methods=tuple(feature for feature in features if isinstance(feature, Method)),
        )

    def qualifiers(self, parts: list[Qualifier]) -> tuple[Qualifier, ...]:
        return tuple(parts)

    def qualifier(self, parts: list[Any]) -> Qualifier:
        name, value, *flavors = parts
        flavor = sum({_FLAVORS[str(word).lower()] for word in flavors if word})
        if name.lower() == "key" and not flavor:
            flavor = TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE
        return Qualifier(str(name), True if value is None else value, flavor)

    def property(self, parts: list[Any]) -> Property:
        qualifiers, ((type_name, reference, spelled), name, *brackets) = _split(parts)
        kept = Qualifier(CIMTYPE, spelled, TO_INSTANCE | TO_SUBCLASS)
        return Property(str(name), type_name, bool(brackets), reference, (kept, *qualifiers))

    def method(self, parts: list[Any]) -> Method:
        qualifiers, ((type_name, _, _), name, *parameters) = _split(parts)
        if type_name == "reference":
            raise MofError(f"{name} cannot return a reference")
        return Method(str(name), type_name, _numbered([found for found in parameters if found]), qualifiers)

    def parameter(self, parts: list[Any]) -> Parameter:
        qualifiers, ((type_name, reference, _), name, *brackets) = _split(parts)
        return Parameter(str(name), type_name, bool(brackets), reference, qualifiers)

    def reference(self, parts: list[Token]) -> tuple[str, str | None, str]:
        return "reference", str(parts[0]), f"ref:{parts[0]}"

    def embedded(self, parts: list[Token]) -> tuple[str, str | None, str]:
        return ("object", str(parts[0]), f"object:{parts[0]}") if parts[0] else ("object", None, "object")

    def simple(self, parts: list[Token]) -> tuple[str, str | None, str]:
        if parts[0].lower() not in TYPES or parts[0].lower() == "reference":
            raise MofError(f"line {parts[0].line}: no type {parts[0]}")
        return parts[0].lower(), None, str(parts[0])

    def flavor(self, parts: list[Token]) -> str:
        if parts[0].lower() not in _FLAVORS:
            raise MofError(f"line {parts[0].line}: no flavor {parts[0]}")
        return str(parts[0])

    def array(self, parts: list[Value]) -> tuple[Value, ...]:
        return tuple(part for part in parts if part is not None)

    def string(self, parts: list[Token]) -> str:
        return "".join(map(_unquoted, parts))

    def number(self, parts: list[Token]) -> int:
        return int(parts[0], 0)

    def true(self, _: list[Token]) -> bool:
        return True

    def false(self, _: list[Token]) -> bool:
        return False


def _split(parts: list[Any]) -> tuple[tuple[Qualifier, ...], list[Any]]:
    """Part the qualifiers, where there are any, from what they qualify."""
    qualified = bool(parts) and isinstance(parts[0], tuple) and all(isinstance(part, Qualifier) for part in parts[0])
    return (parts[0], parts[1:]) if qualified else ((), parts)


def _numbered(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    flavor = TO_INSTANCE | NOT_OVERRIDABLE
    return tuple(
        parameter._replace(qualifiers=(*parameter.qualifiers, Qualifier("ID", number, flavor)))
        for number, parameter in enumerate(parameters)
    )


def _unquoted(token: str) -> str:
    parts, characters = [], iter(token[1:-1])
    for character in characters:
        if character == "\\":
            escaped = next(characters)
            parts.append(_ESCAPES.get(escaped, escaped))
        else:
            parts.append(character)
    return "".join(parts)
