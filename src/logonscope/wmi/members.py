"""Parts of an object or of a class: properties, methods and the path."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope import errors
from logonscope.cim.classes import CIMTYPE, Method, Parameter, Property
from logonscope.cim.instances import Outcome
from logonscope.wmi.errors import wmi_errors
from logonscope.wmi.values import automation_value, qualifier_values

Invoke = Callable[[str, Mapping[str, Any]], Outcome]
"""Runs a method: takes its name and its parameters, and returns the outcome."""


class _wmi_property(NamedTuple):
    """A property of an object or a class. The value of a reference is an object path; the value in a class is None."""

    name: str
    value: Any
    type: str  # as the qualifier CIMTYPE spells it: "string", "uint64", "ref:Win32_LogonSession"
    qualifiers: dict[str, Any]

    def __repr__(self) -> str:
        return f"<wmi_property: {self.name}>"


class _wmi_method:
    """A method of an object or of a class; its docstring is its signature."""

    def __init__(self, invoke: Invoke, declared: Method) -> None:
        # COM automation takes and returns parameters in alphabetical order, not in the declared one.
        parameters = sorted(declared.parameters, key=folded_name)
        out_types = {parameter.name: parameter.type for parameter in parameters if parameter.is_out}
        out_types["ReturnValue"] = declared.type
        self._invoke = invoke
        self._name = declared.name
        self._in_names = [parameter.name for parameter in parameters if parameter.is_in]
        self._out_types = {name: out_types[name] for name in sorted(out_types, key=str.lower)}
        self.__doc__ = f"{self._name} ({', '.join(self._in_names)}) => ({', '.join(self._out_types)})"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run the method and return its ReturnValue and its out parameters, in the alphabetical order of their names.

        Raises:
            x_wmi: the method is not supported, a parameter is wrong, or the object does not exist any more.
        """
        with wmi_errors():
            if len(args) > len(self._in_names):
                raise errors.InvalidMethodParametersError(
                    f"too many parameters ({len(args)}) for {self.__doc__}", f"give at most {len(self._in_names)}"
                )
            outcome = self._invoke(self._name, dict(zip(self._in_names, args, strict=False)) | kwargs)
        values = {**outcome.parameters, "ReturnValue": outcome.return_value}
        return tuple(automation_value(values.get(name), cim_type) for name, cim_type in self._out_types.items())

    def __repr__(self) -> str:
        return f"<function {self.__doc__}>"


class _wmi_path(NamedTuple):
    """The parts of the path of an object or of a class; str() returns the whole path."""

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
    """Return the sort key of a member, for alphabetical order without case."""
    return member.name.lower()
