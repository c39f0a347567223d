"""JSON of class definitions, with the inherited members; ``own`` marks the members that the class declares itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from logonscope.cim.classes import Class, Declaration, Method, Parameter, Property, Qualifier
from logonscope.errors import TransportFailureError
from logonscope.wire.json.instances import read_default, write_value


def write_class(cls: Class) -> dict[str, Any]:
    """Return a class as an object."""
    own_properties = {declared.name for declared in cls.declaration.properties}
    own_methods = {declared.name for declared in cls.declaration.methods}
    return {
        "class": cls.name,
        "namespace": cls.namespace.replace("\\", "/"),
        "superclass": cls.superclass,
        "derivation": list(cls.derivation),
        "keys": list(cls.keys),
        "qualifiers": _write_qualifiers(cls.qualifiers),
        "properties": [
            {
                **_write_member(member),
                "default": write_value(member.default),
                "origin": member.origin,
                "own": member.name in own_properties,
            }
            for member in cls.properties.values()
        ],
        "methods": [_write_method(method, is_own=method.name in own_methods) for method in cls.methods.values()],
    }


def _write_method(method: Method, *, is_own: bool) -> dict[str, Any]:
    return {
        "name": method.name, "type": method.type, "parameters": list(map(_write_member, method.parameters)),
        "qualifiers": _write_qualifiers(method.qualifiers), "origin": method.origin, "own": is_own,
    }  # fmt: skip


def _write_member(member: Property | Parameter) -> dict[str, Any]:
    return {
        "name": member.name, "type": member.type, "array": member.array, "reference": member.reference,
        "qualifiers": _write_qualifiers(member.qualifiers),
    }  # fmt: skip


def _write_qualifiers(qualifiers: Iterable[Qualifier]) -> list[dict[str, Any]]:
    return [{"name": name, "value": write_value(value), "flavor": flavor} for name, value, flavor in qualifiers]


def read_declaration(json_object: Mapping[str, Any]) -> Declaration:
    """Return the declaration of a class from the object that ``write_class`` returned.

    Raises:
        TransportFailureError: the object does not describe a class.
    """
    try:
        return Declaration(
            str(json_object["class"]),
            str(json_object["namespace"]).replace("/", "\\"),
            json_object["superclass"],
            _read_qualifiers(json_object["qualifiers"]),
            tuple(_read_property(member) for member in json_object["properties"] if member["own"]),
            tuple(_read_method(method) for method in json_object["methods"] if method["own"]),
        )
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise TransportFailureError(f"invalid class in the response: {error}", "check the server") from None


def _read_property(member: Mapping[str, Any]) -> Property:
    declared = Property(*_read_member(member))
    # older servers send no defaults
    return declared._replace(default=read_default(member.get("default"), declared))


def _read_method(method: Mapping[str, Any]) -> Method:
    parameters = tuple(Parameter(*_read_member(parameter)) for parameter in method["parameters"])
    return Method(method["name"], method["type"], parameters, _read_qualifiers(method["qualifiers"]))


def _read_member(member: Mapping[str, Any]) -> tuple[Any, ...]:
    return member["name"], member["type"], member["array"], member["reference"], _read_qualifiers(member["qualifiers"])


def _read_qualifiers(qualifiers: Iterable[Mapping[str, Any]]) -> tuple[Qualifier, ...]:
    return tuple(
        Qualifier(qualifier["name"], _read_qualifier_value(qualifier["value"]), qualifier["flavor"])
        for qualifier in qualifiers
    )


def _read_qualifier_value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
