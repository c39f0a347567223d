"""Parts of an object: a property, a method, its path."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope import errors
from logonscope.cim.classes import CIMTYPE, Method, Parameter, Property
from logonscope.cim.instances import Outcome
from logonscope.wmi.errors import wmi_errors
from logonscope.wmi.values import automation_value, qualifier_values

Invoke = Callable[[str, Mapping[str, Any]], Outcome]
"""A method's name and parameters to its outcome."""


class _wmi_property(NamedTuple):
    """A property: of an object with its value (a reference is an object path), of a class without."""

    name: str
    value: Any
    type: str  # as MOF spells it: "string", "uint64", "ref:Win32_LogonSession"
    qualifiers: dict[str, Any]

    def __repr__(self) -> str:
        return f"<wmi_property: {self.name}>"


class _wmi_method:
    """A method of an object or of a class; its docstring is its signature."""

    def __init__(self, invoke: Invoke, declared: Method) -> None:
        parameters = sorted(declared.parameters, key=folded_name)
        out_types = {parameter.name: parameter.type for parameter in parameters if parameter.is_out}
        out_types["ReturnValue"] = declared.type
        self._invoke = invoke
        self._name = declared.name
        self._in_names = [parameter.name for parameter in parameters if parameter.is_in]
        self._out_types = {name: out_types[name] for name in sorted(out_types, key=str.lower)}
        self.__doc__ = f"{self._name} ({', '.join(self._in_names)}) => ({', '.join(self._out_types)})"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run it and return its ReturnValue and its out parameters, in alphabetical order.

        Raises:
            x_wmi: it is not supported or has no such parameters, or its object is gone.
        """
        with wmi_errors():
            if len(args) > len(self._in_names):
                raise errors.InvalidMethodParametersError(f"{len(args)} parameters for {self.__doc__}", "give fewer")
            outcome = self._invoke(self._name, dict(zip(self._in_names, args, strict=False)) | kwargs)
        values = {**outcome.parameters, "ReturnValue": outcome.return_value}
        return tuple(automation_value(values.get(name), cim_type) for name, cim_type in self._out_types.items())

    def __repr__(self) -> str:
        return f"<function {self.__doc__}>"


class _wmi_path(NamedTuple):
    """The parts of an object's path; str() is the whole path."""

    Class: str
    Path: str = ""
    RelPath: str = ""
    Server: str = ""
    Namespace: str = ""

    def __str__(self) -> str:
        return self.Path


def wmi_property(declared: Property, value: Any) -> _wmi_property:
    """Return a property with its value."""
    qualifiers = qualifier_values(declared.qualifiers)
    return _wmi_property(declared.name, value, qualifiers[CIMTYPE], qualifiers)


def folded_name(member: Property | Parameter) -> str:
    """Return the key by which members are sorted: alphabetically, in any case."""
    return member.name.lower()
