"""MOF reader: turns text in WMI's dialect of MOF into declarations of classes, by a lark grammar.

The qualifier CIMTYPE keeps the type of a property or a parameter in the spelling of the file, as in WMI. A parameter
without the qualifier ID gets it from its position in the method. (Windows's MOF compiler, mofcomp, does the same.)
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    PARAMETER_ID,
    TO_INSTANCE,
    TO_SUBCLASS,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
    find_qualifier,
    parameter_id_qualifier,
)
from logonscope.cim.types import TYPES, Value

_FLAVORS = {
    "toinstance": TO_INSTANCE, "tosubclass": TO_SUBCLASS, "disableoverride": NOT_OVERRIDABLE, "amended": AMENDED,
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class _Default(NamedTuple):
    """The default value of a property. The class distinguishes it from other parts of the declaration."""

    value: Value


class MofError(ValueError):
    """A MOF file is invalid; str() has the name of the file or class, the reason, and the line, if it is known."""


def read_mof(text: str, name: str = "MOF") -> Iterator[Declaration]:
    """Yield the classes that a file declares; ``name`` is the name of the file in errors.

    Raises:
        MofError: the text is not MOF in this dialect.
    """
    try:
        tree = _parser().parse(text)
        namespace: str | None = None
        for declaration_or_namespace in _Declarations().transform(tree).children:
            if isinstance(declaration_or_namespace, Declaration):
                yield declaration_or_namespace._replace(namespace=namespace)
            else:
                namespace = declaration_or_namespace
    except UnexpectedInput as error:
        raise MofError(f"{name}:{error.line}:{error.column}: {str(error).splitlines()[0]}") from None
    except VisitError as error:
        raise MofError(f"{name}: {error.orig_exc}") from None


@cache
def _parser() -> Lark:
    grammar = files("logonscope.cim.mof").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


class _Declarations(Transformer[Token, Any]):
    """Turns the syntax tree into declarations, from the leaves up; each method handles the grammar rule of its name."""

    def pragma(self, parts: list[Token]) -> str:
        keyword, argument = parts
        if keyword.lower() != "namespace":
            raise MofError(f"pragma {keyword} is not supported")
        return _unquote(argument).replace("/", "\\").removeprefix("\\\\.\\").lower()

    def class_declaration(self, parts: list[Any]) -> Declaration:
        qualifiers, (name, superclass, *features) = _split_qualifiers(parts)
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
        # WMI gives these flavors to Key if the MOF names none.
        if name.lower() == "key" and not flavor:
            flavor = TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE
        return Qualifier(str(name), True if value is None else value, flavor)

    def property(self, parts: list[Any]) -> Property:
        qualifiers, ((type_name, reference, spelling), name, *rest) = _split_qualifiers(parts)
        # of these parts, only the brackets of an array are a Token
        is_array = any(isinstance(part, Token) for part in rest)
        default = next((part.value for part in rest if isinstance(part, _Default)), None)
        if default is not None:
            default = _check_default(default, type_name, f"{spelling} {name}", is_array=is_array)
        cim_type = _spelled_type(spelling)
        return Property(str(name), type_name, is_array, reference, (cim_type, *qualifiers), default=default)

    def default(self, parts: list[Value]) -> _Default:
        return _Default(parts[0])

    def method(self, parts: list[Any]) -> Method:
        qualifiers, ((type_name, _, _), name, *parameters) = _split_qualifiers(parts)
        if type_name == "reference":
            raise MofError(f"{name} cannot return a reference")
        numbered_parameters = _number_parameters([parameter for parameter in parameters if parameter])
        return Method(str(name), type_name, numbered_parameters, qualifiers)

    def parameter(self, parts: list[Any]) -> Parameter:
        qualifiers, ((type_name, reference, spelling), name, *brackets) = _split_qualifiers(parts)
        cim_type = _spelled_type(spelling)
        return Parameter(str(name), type_name, bool(brackets), reference, (cim_type, *qualifiers))

    def reference(self, parts: list[Token]) -> tuple[str, str | None, str]:
        return "reference", str(parts[0]), f"ref:{parts[0]}"

    def embedded(self, parts: list[Token]) -> tuple[str, str | None, str]:
        return ("object", str(parts[0]), f"object:{parts[0]}") if parts[0] else ("object", None, "object")

    def simple(self, parts: list[Token]) -> tuple[str, str | None, str]:
        if parts[0].lower() not in TYPES or parts[0].lower() == "reference":
            raise MofError(f"line {parts[0].line}: unknown type {parts[0]}")
        return parts[0].lower(), None, str(parts[0])

    def flavor(self, parts: list[Token]) -> str:
        if parts[0].lower() not in _FLAVORS:
            raise MofError(f"line {parts[0].line}: unknown flavor {parts[0]}")
        return str(parts[0])

    def array(self, parts: list[Value]) -> tuple[Value, ...]:
        return tuple(part for part in parts if part is not None)

    def string(self, parts: list[Token]) -> str:
        return "".join(map(_unquote, parts))

    def number(self, parts: list[Token]) -> int:
        return int(parts[0], 0)

    def true(self, _: list[Token]) -> bool:
        return True

    def false(self, _: list[Token]) -> bool:
        return False


def _split_qualifiers(parts: list[Any]) -> tuple[tuple[Qualifier, ...], list[Any]]:
    """Split the parts of a declaration into its qualifiers, if it has any, and the rest."""
    # Without qualifiers, the first part can be a type. It is a tuple too, but its elements are not qualifiers.
    has_qualifiers = (
        bool(parts) and isinstance(parts[0], tuple) and all(isinstance(part, Qualifier) for part in parts[0])
    )
    return (parts[0], parts[1:]) if has_qualifiers else ((), parts)


def _check_default(value: Value, type_name: str, what: str, *, is_array: bool) -> Value:
    """Return the default value of a property, as bytes if it is a uint8 array.

    Raises:
        MofError: the value does not have the type of the property.
    """
    elements = value if isinstance(value, tuple) else (value,)
    if isinstance(value, tuple) is not is_array or not all(_is_of_type(element, type_name) for element in elements):
        raise MofError(f"the default value of {what} is not of its type")
    return bytes(int(str(element)) for element in elements) if is_array and type_name == "uint8" else value


def _is_of_type(value: Value, type_name: str) -> bool:
    cim_type = TYPES[type_name]
    if isinstance(value, bool):
        return type_name == "boolean"
    if isinstance(value, int):
        return cim_type.is_integer and cim_type.low <= value <= cim_type.high
    return type_name == "string"


def _spelled_type(spelling: str) -> Qualifier:
    """Return the qualifier that keeps a type in the spelling of the file."""
    return Qualifier(CIMTYPE, spelling, TO_INSTANCE | TO_SUBCLASS)


def _number_parameters(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters with the qualifier ID, counted from 0; an ID that the file gives is kept."""
    return tuple(
        parameter
        if find_qualifier(parameter.qualifiers, PARAMETER_ID)
        else parameter._replace(qualifiers=(*parameter.qualifiers, parameter_id_qualifier(number)))
        for number, parameter in enumerate(parameters)
    )


def _unquote(token: str) -> str:
    """Return the text of a quoted string, with its escapes replaced."""
    parts, characters = [], iter(token[1:-1])
    for character in characters:
        if character == "\\":
            escaped = next(characters)
            parts.append(_ESCAPES.get(escaped, escaped))
        else:
            parts.append(character)
    return "".join(parts)
