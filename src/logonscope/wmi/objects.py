"""Objects of a script: instances, classes and events, with their properties and methods as attributes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from logonscope import errors
from logonscope.cim.classes import Class, Method, Property
from logonscope.cim.instances import Instance
from logonscope.cim.mof.write import with_inherited, write_mof
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.client import Host
from logonscope.wmi.errors import read_only, wmi_errors
from logonscope.wmi.members import _wmi_method, _wmi_path, _wmi_property, folded_name, wmi_property
from logonscope.wmi.times import from_1601
from logonscope.wmi.values import automation_value, mof_value, qualifier_values, wql_equals

if TYPE_CHECKING:
    from logonscope.wmi.watcher import _wmi_watcher

_INTRINSIC = re.compile(r"__Instance(Creation|Deletion|Modification)Event")


class _wmi_object:
    """An instance: ``process.Name``, ``process.Terminate()``; the names match in upper or lower case.

    The value of a reference is an object, too. Keys of type string are taken from the path of that object. The first
    use of any other attribute reads the object: at most once, even if several references in a result name it.
    """

    __slots__ = ("_host", "_referenced", "_target")

    def __init__(self, host: Host, target: Instance | str, referenced: "dict[str, _wmi_object]") -> None:
        self._host = host
        self._target = target  # an object path until the object is read
        # by path, the referenced objects and their classes; all objects of a result share this dictionary
        self._referenced = referenced

    def _read(self) -> Instance:
        # The object of a reference starts as a path: most referenced objects of a result are never read.
        if isinstance(self._target, str):
            with wmi_errors():
                self._target = self._host.get(self._target)
        return self._target

    @property
    def _class(self) -> Class:
        return self._read().cim_class

    @property
    def _path(self) -> str:
        return self._read().path or ""

    def _sorted_properties(self) -> list[Property]:
        """Return the properties that were read, in alphabetical order."""
        declared = self._class.properties
        return sorted((declared[name] for name in self._read() if not name.startswith("__")), key=folded_name)

    def _key_in_path(self, name: str) -> str | None:
        """Return the value of a text key from the path of an object that was not read yet; in all other cases None."""
        # Scripts use keys of thousands of references, such as process.Antecedent.LogonId: to read each would be slow.
        if isinstance(self._target, str):
            path = parse_path(self._target)
            declared = self._class_of_path(path).properties.get(name)
            # Only a string is certain to have its value as text in the path: a number can be written in several ways.
            if declared and declared.type == "string":
                return next((str(value) for key, value in path.keys or () if key == declared.name), None)
        return None

    def _class_of_path(self, path: ObjectPath) -> Class:
        # Classes are kept with the referenced objects, by a path without keys: with a remote host, each get_class
        # is a request.
        name = f"{path.namespace}:{path.class_name}"
        class_object = self._referenced.get(name)
        if class_object is None:
            with wmi_errors():
                cim_class = self._host.get_class(path.class_name, namespace=path.namespace)
            class_object = self._referenced[name] = _wmi_class(self._host, cim_class)
        return class_object._class  # noqa: SLF001 -- another object of this module

    def _automation_value(self, declared: Property) -> Any:
        return automation_value(self._read()[declared.name], declared.type)

    def _make_property(self, declared: Property) -> _wmi_property:
        return wmi_property(declared, self._automation_value(declared))

    def _attribute_value(self, declared: Property) -> Any:
        """Return the value of a property as an attribute; a reference becomes an object."""
        try:
            value = self._automation_value(declared)
        except errors.InvalidPropertyError as error:
            raise AttributeError(str(error)) from None
        if declared.type == "reference" and value is not None:
            return self._referenced.setdefault(value, _wmi_object(self._host, value, self._referenced))
        return value

    def _make_method(self, declared: Method) -> _wmi_method:
        return _wmi_method(partial(self._host.invoke, self._target), declared)

    def __getattr__(self, name: str) -> Any:
        # Names of Python's protocols (__deepcopy__, __array__) are no properties, and must not cause a read.
        if name.startswith("_"):
            raise AttributeError(name)
        key = self._key_in_path(name)
        if key is not None:
            return key
        cim_class = self._class
        if name in cim_class.properties:
            return self._attribute_value(cim_class.properties[name])
        if name in cim_class.methods:
            return self._make_method(cim_class.methods[name])
        raise AttributeError(f"{cim_class.name} has no property and no method '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name in self._class.properties:
            read_only()
        else:
            raise AttributeError(name)

    @property
    def id(self) -> str:
        """Return the path; if there is none, because the keys were not selected, return the object as text."""
        return self._path or str(self)

    @property
    def properties(self) -> dict[str, _wmi_property]:
        """Return the properties by name, in alphabetical order."""
        return {declared.name: self._make_property(declared) for declared in self._sorted_properties()}

    @property
    def methods(self) -> dict[str, _wmi_method]:
        """Return the methods by name."""
        return {name: self._make_method(declared) for name, declared in self._class.methods.items()}

    @property
    def keys(self) -> list[str]:
        """Return the names of the key properties."""
        return list(self._class.keys)

    @property
    def qualifiers(self) -> dict[str, Any]:
        """Return the qualifiers of the class, by name."""
        return qualifier_values(self._class.qualifiers)

    @property
    def is_association(self) -> bool:
        """Return whether the class is an association."""
        return self._class.is_association

    def wmi_property(self, property_name: str) -> _wmi_property:
        """Return a property by its name."""
        with wmi_errors():
            return self._make_property(self._class.property_named(property_name))

    def path(self) -> _wmi_path:
        """Return the object's path; all parts but Class are empty if the keys were not selected."""
        if not self._path:
            return _wmi_path(self._class.name)
        path = parse_path(self._path)
        server, namespace = path.server or "", path.namespace or ""
        return _wmi_path(path.class_name, self._path, path.relative, server, namespace)

    def derivation(self) -> tuple[str, ...]:
        """Return the names of the superclasses, the parent first."""
        return self._class.derivation

    def associators(self, wmi_association_class: str = "", wmi_result_class: str = "") -> list[Any]:
        """Return the associated objects; the association class and the result class can be given."""
        association, result = wmi_association_class or None, wmi_result_class or None
        with wmi_errors():
            associated = self._host.associators(self._target, assoc_class=association, result_class=result)
            return wmi_objects(self._host, associated)

    def references(self, wmi_class: str = "") -> list[Any]:
        """Return the associations that refer to the object; their class can be given."""
        with wmi_errors():
            return wmi_objects(self._host, self._host.references(self._target, result_class=wmi_class or None))

    @property
    def associated_classes(self) -> "dict[str, _wmi_class]":
        """Return the classes that instances of the object's class can be associated with, by name."""
        cls = self._class
        text = f"ASSOCIATORS OF {{{cls.name}}} WHERE SchemaOnly"
        with wmi_errors():
            classes = self._host.query_classes(text, namespace=cls.namespace)
            return {associated.name: _wmi_class(self._host, associated) for associated in classes}

    set = put = read_only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _wmi_object) and self.id == other.id

    def __lt__(self, other: "_wmi_object") -> bool:
        return self.id < other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __dir__(self) -> list[str]:
        return sorted(
            [*super().__dir__(), *(declared.name for declared in self._sorted_properties()), *self._class.methods]
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._path.encode('ascii', 'backslashreplace')!r}>"

    def __str__(self) -> str:
        values = ((declared.name, self._automation_value(declared)) for declared in self._sorted_properties())
        lines = "".join(f"\t{name} = {mof_value(value)};\n" for name, value in values if value is not None)
        return f"\ninstance of {self._class.name}\n{{\n{lines}}};\n"


class _wmi_class(_wmi_object):
    """A class: calling it selects its instances, ``c.Win32_Process(["Handle"], Name="sshd")``."""

    __slots__ = ("_class", "_path")
    _class: Class
    _path: str

    def __init__(self, host: Host, cim_class: Class) -> None:
        self._path = f"\\\\.\\{cim_class.namespace}:{cim_class.name}"
        self._class = cim_class
        super().__init__(host, self._path, {})

    def _sorted_properties(self) -> list[Property]:
        return sorted(self._class.properties.values(), key=folded_name)

    def _automation_value(self, declared: Property) -> None:
        """Return None: a class has no values."""

    def _attribute_value(self, declared: Property) -> _wmi_property:
        return self._make_property(declared)

    def query(self, fields: Sequence[str] = (), **where_clause: object) -> list[Any]:
        """Select the instances with these property values, in which None means null.

        ``fields``: the properties to read; empty: all.
        """
        return select_objects(self._host, self._class.namespace, self._class.name, fields, where_clause)

    __call__ = instances = query

    def watch_for(
        self,
        notification_type: str = "operation",
        delay_secs: float = 1,
        fields: Sequence[str] = (),
        **where_clause: object,
    ) -> Any:
        """Return a watcher for the events of this class; each call of the watcher returns the next event."""
        from logonscope.wmi.watcher import watch_query  # noqa: PLC0415 -- few scripts watch

        is_extrinsic = "__ExtrinsicEvent" in self._class.derivation
        name = self._class.name
        query = watch_query(name, notification_type, delay_secs, fields, where_clause, is_extrinsic=is_extrinsic)
        return make_watcher(self._host, self._class.namespace, query)

    new = read_only

    def __str__(self) -> str:
        return write_mof(with_inherited(self._class)._replace(namespace=None))


class _wmi_event(_wmi_object):
    """An event. Its attributes are those of its TargetInstance; without a TargetInstance, those of the event itself."""

    __slots__ = ("_event_type", "_previous", "_timestamp")

    def __init__(self, host: Host, event: Instance) -> None:
        match = _INTRINSIC.fullmatch(event.cim_class.name)
        shared: dict[str, _wmi_object] = {}
        super().__init__(host, event["TargetInstance"] if match else event, shared)
        previous_instance, time_created = event.get("PreviousInstance") if match else None, event.get("TIME_CREATED")
        self._event_type = match[1].lower() if match else "extrinsic"
        self._timestamp = None if time_created is None else from_1601(time_created)
        self._previous = None if previous_instance is None else _wmi_object(host, previous_instance, shared)

    @property
    def event_type(self) -> str:
        """Return "creation", "deletion" or "modification"; "extrinsic" for an event without a TargetInstance."""
        return self._event_type

    @property
    def timestamp(self) -> datetime | None:
        """Return the time of the event, naive and in UTC; None if the event has no TIME_CREATED."""
        return self._timestamp

    @property
    def previous(self) -> _wmi_object | None:
        """Return the instance before a modification; None for all other events."""
        return self._previous


def make_watcher(host: Host, namespace: str, wql: str) -> "_wmi_watcher":
    """Return a watcher for an event query."""
    from logonscope.wmi.watcher import _wmi_watcher  # noqa: PLC0415 -- few scripts watch

    return _wmi_watcher(host, namespace, wql, _wmi_event)


def wmi_objects(host: Host, answer: Iterable[Instance | Class]) -> list[Any]:
    """Return the objects of a result; an object to which several of them refer is read at most once."""
    referenced: dict[str, _wmi_object] = {}
    return [
        _wmi_class(host, item) if isinstance(item, Class) else _wmi_object(host, item, referenced) for item in answer
    ]


def select_objects(
    host: Host, namespace: str, class_name: str, fields: Sequence[str] = (), where: Mapping[str, object] | None = None
) -> list[Any]:
    """Return the instances of a class that have the property values ``where``, in which None means null."""
    columns = ", ".join(fields) or "*"
    # The path is always selected: methods and associators need it.
    text = f"SELECT {columns if '*' in columns else f'{columns}, __PATH'} FROM {class_name}"  # noqa: S608 -- WQL only reads
    if where:
        text += " WHERE " + " AND ".join(f"{name} {wql_equals(value)}" for name, value in where.items())
    with wmi_errors():
        return wmi_objects(host, host.query_any(text, namespace=namespace))
