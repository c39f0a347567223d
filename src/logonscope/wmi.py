r"""How does a script that was written for the PyPI module ``wmi`` ask? With ``from logonscope import wmi`` instead.

Values are as COM automation hands them over: 64-bit numbers are decimal text, datetimes DMTF text, arrays tuples, and
the parameters of a method come in alphabetical order. Every refusal is an x_wmi, caused by one of logonscope.errors.
``WMI(host=...)`` asks any logonscope Host; the names here are that module's, those with an underscore too.
"""
# ruff: noqa: N801, N802, N818 -- names that scripts use
# ruff: noqa: ARG001, ARG002, D417, FBT001, FBT002, PLR0917 -- parameters that scripts give

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn

from logonscope import app, errors
from logonscope.cim.classes import CIMTYPE, CIMV2, Class, Method, Parameter, Property, Qualifier
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.instances import Instance, Outcome
from logonscope.cim.mof.write import whole, write_mof
from logonscope.cim.paths import parse_path
from logonscope.client import Host

_TIED = re.compile(r"\s*(?:ASSOCIATORS|REFERENCES)\b", re.IGNORECASE)
_MONIKER = re.compile(
    r"(?:winmgmts:)?(?:\{[^}]*\})?(?:\[[^]]*\])?!?"  # with whose rights: not asked here
    r"(?:[\\/]{2}([^\\/:]+)(?:[\\/]|$))?"  # the computer
    r"(?:(root(?:[\\/]\w+)*)(?::|$))?"  # the namespace
    r"(.*)",  # an object path
    re.IGNORECASE | re.DOTALL,
)
_CONTROLS = {chr(code): f"\\x{code:04X}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_MOF_TEXT = str.maketrans(_CONTROLS | _ESCAPED)

_Part = int | str | None


class com_error(Exception):
    """What WMI said, in the shape of pywintypes.com_error.

    strerror is the name of the error, WBEM_E_NOT_FOUND; excepinfo is (0, "logonscope", description, None, 0, number),
    the number as a signed one of 32 bits; hresult always says "see excepinfo".
    """

    def __init__(self, hresult: int, strerror: str, excepinfo: tuple[Any, ...], argerror: int | None = None) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult, self.strerror, self.excepinfo, self.argerror = hresult, strerror, excepinfo, argerror


class x_wmi(Exception):
    """Any refusal or failure: ``info`` says what was wrong and what to do, ``com_error`` has the number."""

    def __init__(self, info: str = "", com_error: com_error | None = None) -> None:
        super().__init__(info, com_error)
        self.info, self.com_error = info, com_error

    def __str__(self) -> str:
        said = self.com_error
        number = f" ({said.strerror} 0x{signed_to_unsigned(said.excepinfo[5]):08X})" if said else ""
        return f"<x_wmi: {self.info}{number}>"


class x_wmi_invalid_query(x_wmi):
    """A query is no WQL, or names a property that its class has not."""


class x_wmi_timed_out(x_wmi):
    """An answer took longer than it was given."""


class x_wmi_no_namespace(x_wmi):
    """A class stands in no namespace; never so here."""


class x_access_denied(x_wmi):
    """The caller has no right to do that."""


class x_wmi_authentication(x_wmi):
    """A user is given where none can be."""


class x_wmi_uninitialised_thread(x_wmi):
    """A thread is not prepared; never so here."""


_KINDS: Mapping[type[errors.LogonscopeError], type[x_wmi]] = {
    errors.AccessDeniedError: x_access_denied,
    errors.InvalidQueryError: x_wmi_invalid_query,
    errors.TimedOutError: x_wmi_timed_out,
}


@contextmanager
def _refusals() -> Iterator[None]:
    """Let every error of Logonscope become the x_wmi of its kind."""
    try:
        yield
    except errors.LogonscopeError as error:
        excepinfo = (0, "logonscope", str(error), None, 0, error.number - (1 << 32))
        said = com_error(0x80020009 - (1 << 32), error.name, excepinfo)  # DISP_E_EXCEPTION
        raise _KINDS.get(type(error), x_wmi)(str(error), said) from error


def _refuse(message: str, hint: str) -> NoReturn:
    with _refusals():
        raise errors.NotSupportedError(message, hint)


def _read_only(*args: object, **kwargs: object) -> NoReturn:
    """Refuse to write."""
    _refuse("nothing is written here: instances are read from the system", "call a method, Terminate or SetPriority")


def _no_events(*args: object, **kwargs: object) -> NoReturn:
    """Refuse: events are not told yet."""
    _refuse("events are not told yet", "ask time and again and compare: set(c.Win32_Process()) - before")


def signed_to_unsigned(signed: int) -> int:
    """Return an error's number as it is written in hex, for ``"%08X" % number``."""
    return signed & 0xFFFFFFFF


def from_1601(ns100: int | str) -> datetime:
    """Return the moment, naive and in UTC, that is so many times 100 nanoseconds after 1601 began."""
    return datetime(1601, 1, 1) + timedelta(microseconds=int(ns100) / 10)  # noqa: DTZ001 -- scripts compare it so


def from_time(
    year: _Part = None, month: _Part = None, day: _Part = None, hours: _Part = None, minutes: _Part = None,
    seconds: _Part = None, microseconds: _Part = None, timezone: _Part = None,
) -> str:  # fmt: skip
    """Return DMTF's text of a time, yyyymmddHHMMSS.mmmmmmsUUU: timezone is in minutes, what is None is asterisks."""
    date = _digits(year, 4) + "".join(_digits(part, 2) for part in (month, day, hours, minutes, seconds))
    away = "" if timezone is None else str(timezone)
    sign = "-" if away.startswith("-") else "+"
    return f"{date}.{_digits(microseconds, 6)}{sign}{_digits(away.lstrip('+-') or None, 3)}"


def _digits(number: _Part, width: int) -> str:
    return "*" * width if number is None else str(number).rjust(width, "0")


def to_time(wmi_time: str) -> tuple[int | str | None, ...]:
    """Return (year, month, day, hours, minutes, seconds, microseconds, timezone) of DMTF's text of a time.

    What is asterisks is None. The timezone is text, without its sign.
    """
    cuts = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (15, 21))
    parts = (wmi_time[start:end] for start, end in cuts)
    away = wmi_time[22:]
    return *(int(part) if part.isdecimal() else None for part in parts), None if away == "***" else away


class _wmi_property(NamedTuple):
    """A property; of an object with its value (a reference is an object path), of a class without."""

    name: str
    value: Any
    type: str  # as MOF spells it: "string", "uint64", "ref:Win32_LogonSession"
    qualifiers: dict[str, Any]

    def __repr__(self) -> str:
        return f"<wmi_property: {self.name}>"


class _wmi_method:
    """A method of an object or of a class; its docstring is its signature."""

    def __init__(self, invoke: Callable[[str, Mapping[str, Any]], Outcome], declared: Method) -> None:
        known = sorted(declared.parameters, key=_folded)
        gives = {of.name: of.type for of in known if of.is_out} | {"ReturnValue": declared.type}
        self._invoke = invoke
        self._name = declared.name
        self._takes = [of.name for of in known if of.is_in]
        self._gives = {name: gives[name] for name in sorted(gives, key=str.lower)}
        self.__doc__ = f"{self._name} ({', '.join(self._takes)}) => ({', '.join(self._gives)})"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run it and return its ReturnValue and its parameters that are out, in alphabetical order.

        Raises:
            x_wmi: it is not offered or takes no such parameters, or what it is of is gone.
        """
        with _refusals():
            if len(args) > len(self._takes):
                raise errors.InvalidMethodParametersError(f"{len(args)} parameters for {self.__doc__}", "give fewer")
            outcome = self._invoke(self._name, dict(zip(self._takes, args, strict=False)) | kwargs)
        returned = {**outcome.parameters, "ReturnValue": outcome.return_value}
        return tuple(_automation(returned.get(name), of_type) for name, of_type in self._gives.items())

    def __repr__(self) -> str:
        return f"<function {self.__doc__}>"


class _wmi_path(NamedTuple):
    """Where an object is, taken apart; str() is the whole."""

    Class: str
    Path: str = ""
    RelPath: str = ""
    Server: str = ""
    Namespace: str = ""

    def __str__(self) -> str:
        return self.Path


class _wmi_object:
    """An instance: ``process.Name``, ``process.Terminate()``, in any case.

    A reference gives the object that it names; what its path does not say is read when it is asked for, once for all
    objects of one answer.
    """

    __slots__ = ("_host", "_of", "_seen")

    def __init__(self, host: Host, of: Instance | str, seen: "dict[str, _wmi_object]") -> None:
        self._host = host
        self._of = of
        self._seen = seen

    def _read(self) -> Instance:
        if isinstance(self._of, str):
            with _refusals():
                self._of = self._host.get(self._of)
        return self._of

    @property
    def _class(self) -> Class:
        return self._read().cim_class

    @property
    def _path(self) -> str:
        return self._read().path or ""

    def _listed(self) -> list[Property]:
        known = self._class.properties
        return sorted((known[name] for name in self._read() if not name.startswith("__")), key=_folded)

    def _key(self, name: str) -> str | None:
        """Return a key that the path of a reference says already."""
        if isinstance(self._of, str):
            path = parse_path(self._of)
            known = self._host.get_class(path.class_name, namespace=path.namespace).properties.get(name)
            if known and known.type == "string":
                return next((str(value) for key, value in path.keys or () if key == known.name), None)
        return None

    def _given(self, known: Property) -> Any:
        return _automation(self._read()[known.name], known.type)

    def _property(self, known: Property) -> _wmi_property:
        qualifiers = _by_name(known.qualifiers)
        return _wmi_property(known.name, self._given(known), qualifiers[CIMTYPE], qualifiers)

    def _value(self, known: Property) -> Any:
        try:
            value = self._given(known)
        except errors.InvalidPropertyError as error:
            raise AttributeError(str(error)) from None
        if known.type == "reference" and value is not None:
            return self._seen.setdefault(value, _wmi_object(self._host, value, self._seen))
        return value

    def _method(self, known: Method) -> _wmi_method:
        return _wmi_method(partial(self._host.invoke, self._of), known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        key = self._key(name)
        if key is not None:
            return key
        known = self._class
        if name in known.properties:
            return self._value(known.properties[name])
        if name in known.methods:
            return self._method(known.methods[name])
        raise AttributeError(f"{known.name} has no property and no method '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name in self._class.properties:
            _read_only()
        else:
            raise AttributeError(name)

    @property
    def id(self) -> str:
        """Return what tells it from others: its path, or its text where its keys were not asked for."""
        return self._path or str(self)

    @property
    def properties(self) -> dict[str, _wmi_property]:
        """Return its properties by name, in alphabetical order."""
        return {known.name: self._property(known) for known in self._listed()}

    @property
    def methods(self) -> dict[str, _wmi_method]:
        """Return its methods by name."""
        return {name: self._method(known) for name, known in self._class.methods.items()}

    @property
    def keys(self) -> list[str]:
        """Return the names of its key properties."""
        return list(self._class.keys)

    @property
    def qualifiers(self) -> dict[str, Any]:
        """Return what is said of its class, by name."""
        return _by_name(self._class.qualifiers)

    @property
    def is_association(self) -> bool:
        """Tell whether it ties others together."""
        return self._class.is_association

    def wmi_property(self, property_name: str) -> _wmi_property:
        """Return one of its properties."""
        with _refusals():
            return self._property(self._class.property_named(property_name))

    def path(self) -> _wmi_path:
        """Return where it is; all but Class is empty where its keys were not asked for."""
        if not self._path:
            return _wmi_path(self._class.name)
        path = parse_path(self._path)
        server, namespace = path.server or "", path.namespace or ""
        return _wmi_path(path.class_name, self._path, path.relative, server, namespace)

    def derivation(self) -> tuple[str, ...]:
        """Return the names of the classes above its own, the parent first."""
        return self._class.derivation

    def associators(self, wmi_association_class: str = "", wmi_result_class: str = "") -> list[Any]:
        """Return the objects that are tied to it: by this association alone, of this class alone."""
        by, of = wmi_association_class or None, wmi_result_class or None
        with _refusals():
            return _objects(self._host, self._host.associators(self._of, assoc_class=by, result_class=of))

    def references(self, wmi_class: str = "") -> list[Any]:
        """Return the associations that it is an end of: of this class alone."""
        with _refusals():
            return _objects(self._host, self._host.references(self._of, result_class=wmi_class or None))

    set = put = _read_only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _wmi_object) and self.id == other.id

    def __lt__(self, other: "_wmi_object") -> bool:
        return self.id < other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *(known.name for known in self._listed()), *self._class.methods])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._path.encode('ascii', 'backslashreplace')!r}>"

    def __str__(self) -> str:
        values = ((known.name, self._given(known)) for known in self._listed())
        lines = "".join(f"\t{name} = {_mof(value)};\n" for name, value in values if value is not None)
        return f"\ninstance of {self._class.name}\n{{\n{lines}}};\n"


class _wmi_class(_wmi_object):
    """A class: calling it asks for its instances, ``c.Win32_Process(["Handle"], Name="sshd")``."""

    __slots__ = ("_class", "_path")
    _class: Class
    _path: str

    def __init__(self, host: Host, known: Class) -> None:
        self._path = f"\\\\.\\{known.namespace}:{known.name}"
        self._class = known
        super().__init__(host, self._path, {})

    def _listed(self) -> list[Property]:
        return sorted(self._class.properties.values(), key=_folded)

    def _given(self, known: Property) -> None:
        """Return null: a class has no values."""

    def _value(self, known: Property) -> _wmi_property:
        return self._property(known)

    def query(self, fields: Sequence[str] = (), **where_clause: object) -> list[Any]:
        """Return its instances that have these values, with these properties (all of them); None is null."""
        return _rows(self._host, self._class.namespace, self._class.name, fields, where_clause)

    __call__ = instances = query

    watch_for = _no_events
    new = _read_only

    def __str__(self) -> str:
        return write_mof(whole(self._class)._replace(namespace=None))


class _wmi_namespace:
    """A namespace of a host: its classes are its attributes, in any case."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name

    def __getattr__(self, name: str) -> _wmi_class:
        if name in {"_host", "_name"}:
            raise AttributeError(name)
        with _refusals():
            try:
                return _wmi_class(self._host, self._host.get_class(name, namespace=self._name))
            except errors.InvalidClassError as error:
                raise AttributeError(str(error)) from None

    @property
    def classes(self) -> list[str]:
        """Return the names of its classes."""
        return sorted(self.subclasses_of())

    def subclasses_of(self, root: str = "", regex: str = ".*") -> set[str]:
        """Return the names of the classes below one, or of all, whose beginning matches."""
        with _refusals():
            above = self._host.get_class(root, namespace=self._name).name if root else None
            known = self._host.classes(namespace=self._name)
            names = (found.name for found in known if above is None or above in found.derivation)
            return {name for name in names if re.match(regex, name)}

    def query(self, wql: str, instance_of: object = None, fields: Sequence[str] = ()) -> list[Any]:
        r"""Return what a WQL query asks for; in SELECT a backslash stands for itself: ``Name = 'DOMAIN\alice'``."""
        with _refusals():
            text = wql if _TIED.match(wql) else wql.replace("\\", "\\\\")
            return _objects(self._host, self._host.query(text, namespace=self._name))

    def instances(self, class_name: str) -> list[Any]:
        """Return the instances of a class."""
        return _rows(self._host, self._name, class_name)

    def fetch_as_classes(self, wmi_classname: str, fields: Sequence[str] = (), **where_clause: object) -> list[Any]:
        """Return rows with these properties (all of them) as plain attributes."""
        rows = _rows(self._host, self._name, wmi_classname, fields, where_clause)
        return [
            SimpleNamespace(**{name: row.wmi_property(name).value for name in fields or row.properties}) for row in rows
        ]

    def fetch_as_lists(self, wmi_classname: str, fields: Sequence[str], **where_clause: object) -> list[list[Any]]:
        """Return rows as lists of the values of these properties."""
        rows = _rows(self._host, self._name, wmi_classname, fields, where_clause)
        return [[row.wmi_property(name).value for name in fields] for row in rows]

    def get(self, moniker: str) -> Any:
        """Return the object, or the class, that an object path names."""
        with _refusals():
            path = parse_path(moniker)
            if path.keys is not None:
                return _wmi_object(self._host, self._host.get(moniker, namespace=self._name), {})
            where = f"\\\\{path.server or '.'}\\{path.namespace or self._name}"
            return _wmi_class(self._host, self._host.get_class(path.class_name, namespace=where))

    def handle(self) -> Host:
        """Return the Host behind it, for what WMI has no words for: ``c.handle().whose(4312)``."""
        return self._host

    watch_for = _no_events
    new = new_instance_of = _read_only

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self.classes])

    def __repr__(self) -> str:
        return f"<_wmi_namespace: {self._name} of {self._host!r}>"


def connect(
    computer: str | None = "", impersonation_level: str = "", authentication_level: str = "", authority: str = "",
    privileges: Sequence[str] = "", moniker: str = "", wmi: _wmi_namespace | None = None, namespace: str = "",
    suffix: str = "", user: str = "", password: str = "", find_classes: bool = False, debug: bool = False, *,
    host: Host | None = None,
) -> Any:  # fmt: skip
    r"""Return a namespace to ask, or the class or the object that is named.

    Args:
        computer: "", ".", "localhost" or its name for this machine; else another one, which is asked by https.
        moniker: all in one: ``winmgmts:{impersonationLevel=impersonate}!\\.\root\cimv2:Class.Key="value"``.
        wmi: what ``connect_server`` returned; it is returned again.
        namespace: "cimv2" or "root/logonscope"; "": root/cimv2.
        suffix: the path of a class or of an object.
        user, password: for another machine alone; else as ``logonscope.connect`` finds them.
        host: whom to ask instead of this machine, such as ``logonscope.connect("web1.lsr")``.
        impersonation_level, authentication_level, authority, privileges, find_classes, debug: no matter here.

    Raises:
        x_wmi_authentication: there is a user, and it is this machine that is asked.
        x_wmi: another machine does not answer or let in, or there is no such namespace, class or object.
    """
    if wmi is not None:
        return wmi
    if moniker:
        computer, namespace, suffix = _MONIKER.findall(moniker)[0]
    elif user and (privileges or suffix or computer in {None, "", ".", "localhost"}):
        raise x_wmi_authentication("a user is for another machine, without privileges and suffix; leave it out")
    words = re.split(r"[\\/]", namespace or CIMV2)
    name = "\\".join(words if words[0].lower() == "root" else ["root", *words])
    with _refusals():
        asked = app.connect() if host is None else host
        try:
            asked.classes(namespace=f"\\\\{computer or '.'}\\root")
        except errors.InvalidNamespaceError:
            if host is not None:
                raise
            asked = app.connect(f"https://{computer}", user=user or None, password=password or None)
        asked.classes(namespace=name)  # refuses one that is not there
    found = _wmi_namespace(asked, name)
    return found.get(suffix) if suffix else found


WMI = connect


def connect_server(
    server: str, namespace: str = "", user: str = "", password: str = "", *args: object, **kwargs: object
) -> Any:
    """Return what ``WMI(wmi=...)`` takes; see ``connect``."""
    return connect(server, namespace=namespace, user=user, password=password)


def Registry(*args: object, **kwargs: object) -> NoReturn:
    """Refuse: Linux has none."""
    _refuse("there is no registry on Linux", "see the files below /etc")


def _rows(
    host: Host, namespace: str, class_name: str, fields: Sequence[str] = (), where: Mapping[str, object] | None = None
) -> list[Any]:
    """Return the instances of a class that have these values; they know their paths, whatever is chosen."""
    columns = ", ".join(fields) or "*"
    text = f"SELECT {columns if '*' in columns else f'{columns}, __PATH'} FROM {class_name}"  # noqa: S608 -- WQL only reads
    if where:
        text += " WHERE " + " AND ".join(f"{name} {_equals(value)}" for name, value in where.items())
    with _refusals():
        return _objects(host, host.query(text, namespace=namespace))


def _equals(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return "IS NULL" if value is None else f"= '{escaped}'"


def _objects(host: Host, found: Iterable[Instance | Class]) -> list[Any]:
    seen: dict[str, _wmi_object] = {}
    return [_wmi_class(host, each) if isinstance(each, Class) else _wmi_object(host, each, seen) for each in found]


def _automation(value: Any, type_name: str) -> Any:
    """Return a value as COM automation hands it over."""
    if isinstance(value, (datetime, timedelta)):
        return format_datetime(value)
    if isinstance(value, (list, tuple, bytes)):
        return tuple(_automation(each, type_name) for each in value)
    return str(value) if type_name in {"uint64", "sint64"} and value is not None else value


def _mof(value: Any) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_mof, value)) + "}"
    return f'"{value.translate(_MOF_TEXT)}"' if isinstance(value, str) else str(value).upper()


def _by_name(qualifiers: Iterable[Qualifier]) -> dict[str, Any]:
    return {known.name: known.value for known in qualifiers}


def _folded(known: Property | Parameter) -> str:
    return known.name.lower()
