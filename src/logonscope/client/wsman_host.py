"""WsmanHost: a host on another machine, asked over WS-Management by WQL, Get and Invoke; answers are instances.

What a caller may see is decided there. Logon sessions and processes, as the commands show them, are made of the other
end's own classes (logons_from_cim.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from logonscope.answers.check import Check
from logonscope.broker.columns import Columns, chosen, columns_of, having
from logonscope.broker.resolve import instance
from logonscope.cim.binding import Target, bind, is_dot, object_path
from logonscope.cim.classes import CIMV2, Class, Property, list_classes
from logonscope.cim.instances import SYSTEM_PROPERTIES, Instance, Outcome, Shape
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import Schema, schema
from logonscope.cim.types import Value
from logonscope.client.host import Host
from logonscope.client.logons_from_cim import LogonsFromCim
from logonscope.client.wsman_client import Link
from logonscope.errors import (
    Hint,
    HintCode,
    InvalidClassError,
    InvalidNamespaceError,
    InvalidPropertyError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
)
from logonscope.machine import Deadline
from logonscope.wire.cimxml.parse_class import declared
from logonscope.wire.wsman.parse_instance import row_of, value_of
from logonscope.wire.wsman.resource import uri_of
from logonscope.wire.xml import local
from logonscope.wql.parse import parse
from logonscope.wql.tree import EQUAL, And, Comparison, ConditionTree, Name, Select, Tied
from logonscope.wql.write import write

META_CLASS = "meta_class"
SYSTEM_SESSIONS = ("4294967295", "999")
"""The System session's LogonId here, and on Windows: only whoever sees everything sees it."""

DEEPEST = 32


class WsmanHost(Host):
    """The host at the other end of a link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._schema = schema().copy()
        self._computer: str | None = None
        self._logons = LogonsFromCim(self)

    def __repr__(self) -> str:
        return f"<WsmanHost {self._link.url.host}>"

    @property
    def everything(self) -> bool:
        for logon_id in SYSTEM_SESSIONS:
            try:
                self.get(f'Win32_LogonSession.LogonId="{logon_id}"', ["LogonId"])
            except NotFoundError:
                continue
            return True
        return False

    @property
    def schema(self) -> Schema:
        return self._schema

    def at(self, moment: datetime) -> Host:
        del moment  # WS-Management has no past
        raise NotSupportedError("over WS-Management a machine is asked as it is now", "ask for the present")

    def close(self) -> None:
        self._link.close()

    def record(self, path: str, *, replace: bool = False) -> int:
        # A recording holds facts, and the other end gives instances.
        _there("to record", f"record {path}{' --force' if replace else ''}")

    def _perform(self, operation: str, **arguments: Any) -> Any:
        operations: Mapping[str, Callable[..., Any]] = {
            "sessions": self._logons.sessions, "session_of": self._logons.session_of,
            "processes": self._logons.processes, "session_processes": self._logons.session_processes,
            "tree": self._logons.tree, "leftovers": self._logons.leftovers, "whose": self._logons.whose,
            "doctor": self._doctor, "get": self._get, "enumerate": self._enumerate, "associators": self._associators,
            "references": self._references, "query": self._query, "explain": self._explain, "invoke": self._invoke,
            "classes": self._classes, "get_class": self._get_class,
        }  # fmt: skip
        return operations[operation](**arguments)

    def _explain(self, text: str, namespace: str | None) -> NoReturn:
        """Refuse: how the other end answers is its own affair."""
        _there("to explain", f"query --explain {text!r}{f' -n {namespace}' if namespace else ''}")

    def _doctor(self) -> list[Check]:
        said = self._link.identify()
        vendor, version = said.get("ProductVendor", ""), said.get("ProductVersion", "")
        what = version if version.startswith(vendor) else f"{vendor} {version}"
        seen = self.everything
        advice = "" if seen else "come as an administrator to see everything"
        return [
            Check(f"{self._link.url.host} answers", True, what, ""),
            Check("what you may see there", seen or None, "everything" if seen else "your own logon sessions", advice),
        ]

    def _get(self, path: str, properties: Sequence[str] | None, namespace: str | None) -> Instance:
        target = instance(self._target(path, namespace))
        columns = columns_of(target.cls, properties)
        if any(isinstance(key, tuple) for key in target.keys or ()):
            found = next(self.query(write(_keyed(target)), namespace=target.cls.namespace), None)
            if not isinstance(found, Instance):
                raise NotFoundError(f"there is no {path}", "or none for you to see")
            return found
        uri, selectors = _place(target)
        return next(self._instances([self._link.get(uri, selectors)], target.cls.namespace, columns.shown))

    def _enumerate(
        self, class_name: str, properties: Sequence[str] | None, namespace: str | None, *, deep: bool
    ) -> Iterator[Instance]:
        cls = self.get_class(class_name, namespace=namespace)
        columns_of(cls, properties)
        shown = None if properties is None else tuple(Name((name,)) for name in properties)
        only = None if deep else Comparison(Name(("__CLASS",)), EQUAL, cls.name)
        return self._rows(Select(shown, cls.name, only), cls)

    def _associators(
        self, path: str, namespace: str | None, properties: Sequence[str] | None, **narrowing: str | None
    ) -> Iterator[Instance]:
        target = instance(self._target(path, namespace))
        named: dict[str, Any] = {name: _name(text) for name, text in narrowing.items()}
        tied = Tied(False, _relative(target), **named)
        return self._tied(tied, target, properties)

    def _references(
        self, path: str, namespace: str | None, properties: Sequence[str] | None, **narrowing: str | None
    ) -> Iterator[Instance]:
        target = instance(self._target(path, namespace))
        named: dict[str, Any] = {name: _name(text) for name, text in narrowing.items()}
        tied = Tied(True, _relative(target), **named)
        return self._tied(tied, target, properties)

    def _query(self, text: str, namespace: str | None, timeout: float | None) -> Iterator["Instance | Class"]:
        deadline, tree, space = Deadline(timeout), parse(text), self._space(namespace)
        if isinstance(tree, Tied) or tree.class_name.lower() == META_CLASS:
            keys_only = isinstance(tree, Tied) and tree.keys_only
            answers = self._answers(self._link.query(text, space), space, keys_only=keys_only)
        else:
            try:
                answers = iter(self._rows(tree, self.get_class(tree.class_name, namespace=space), text))
            except (InvalidClassError, InvalidPropertyError):  # the other end says where in the text that stands
                answers = self._answers(self._link.query(text, space), space)
        return _in_time(answers, deadline)

    def _invoke(
        self, path: str, method_name: str, parameters: Mapping[str, Any] | None, namespace: str | None
    ) -> Outcome:
        target = self._target(path, namespace)
        known = target.cls.method_named(method_name)
        uri, selectors = _place(target)
        given = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        answer = self._link.invoke(uri, selectors, known.name, given)
        types = {parameter.name.lower(): parameter for parameter in known.parameters}
        out: dict[str, Value] = {}
        for part in answer:
            of = types.get(local(part).lower())
            kind = of.type if of else known.type
            out[of.name if of else local(part)] = value_of(
                [part], Property(local(part), kind, False, None, ()), target.cls.schema
            )
        returned = out.pop("ReturnValue", None)
        return Outcome(returned if isinstance(returned, int) else -1, out)

    def _classes(self, pattern: str | None, namespace: str | None) -> Iterator[Class]:
        space = self._space(namespace)
        return (self._declared(element, space) for element in self._link.classes(pattern or "*", space))

    def _get_class(self, name: str, namespace: str | None) -> Class:
        return self._class(name, self._space(namespace))

    def _space(self, namespace: str | None) -> str:
        """Return a namespace as we write it; whether it is there, the other end knows."""
        return (namespace or CIMV2).replace("/", "\\").strip("\\").lower()

    def _class(self, name: str, namespace: str, depth: int = 0) -> Class:
        """Return a class, which is asked for where it is not known here."""
        if (known := self._schema.find(name, namespace)) is not None:
            return known
        element = next(self._link.classes(name, namespace), None) if depth < DEEPEST else None
        if element is None:
            raise self._no_class(name, namespace)
        return self._declared(element, namespace, depth)

    def _no_class(self, name: str, namespace: str) -> LogonscopeError:
        """Return the error that we have for it, with what may be meant, where the namespace is one of ours."""
        try:
            self._schema.get(name, self._schema.namespace(namespace))
        except InvalidClassError as error:
            return error
        except InvalidNamespaceError:
            pass
        return InvalidClassError(f"{namespace} has no class '{name}' there", list_classes(namespace))

    def _declared(self, element: Any, namespace: str, depth: int = 0) -> Class:
        """Return the class that an element declares, with those above it."""
        declaration = declared(element, namespace)
        if declaration.superclass:
            self._class(declaration.superclass, namespace, depth + 1)
        return self._schema.add(declaration, namespace)

    def _target(self, path: str, namespace: str | None) -> Target:
        parsed = parse_path(path)
        space = self._space(parsed.namespace or namespace)
        self._class(parsed.class_name, space)
        return bind(parsed, self._schema, space, self._is_there)

    def _is_there(self, server: str) -> bool:
        return is_dot(server) or server.lower() in {self._link.url.host.lower(), self._server().lower()}

    def _server(self) -> str:
        """Return the other machine's name, as __SERVER has it."""
        if self._computer is None:
            name = self._link.url.host
            for element in self._link.query("SELECT Name FROM Win32_ComputerSystem"):
                name = next(iter(element)).text or name
            self._computer = name  # at once: another thread may look for it meanwhile
        return self._computer

    def _rows(self, tree: Select, cls: Class, text: str = "") -> Iterator[Instance]:
        """Ask for instances by a query; where a row would not say of which class it is, for whole ones."""
        shown = None if tree.columns is None else tuple(_shown(cls, name) for name in tree.columns)
        below = self._schema.family(cls.name, cls.namespace)
        parts = shown is not None and not any(name in SYSTEM_PROPERTIES for name in shown) and len(below) <= 1
        if not parts and shown is not None:
            text = write(Select(None, tree.class_name, tree.where))
        return self._instances(self._link.query(text or write(tree), cls.namespace), cls.namespace, shown, cls)

    def _tied(self, tied: Tied, target: Target, properties: Sequence[str] | None) -> Iterator[Instance]:
        if properties is not None and tied.result_class:
            having([self.get_class(str(tied.result_class), namespace=target.cls.namespace)], properties)
        elements = self._link.query(write(tied), target.cls.namespace)
        return self._instances(elements, target.cls.namespace, None if properties is None else tuple(properties))

    def _answers(
        self, elements: Iterable[Any], namespace: str, *, keys_only: bool = False
    ) -> Iterator["Instance | Class"]:
        for element in elements:
            if local(element) == "CLASS":
                yield self._declared(element, namespace)
            else:
                shown = self._class(local(element), namespace).keys if keys_only else None
                yield from self._instances([element], namespace, shown)

    def _instances(
        self, elements: Iterable[Any], namespace: str, shown: Sequence[str] | None = None, of: Class | None = None
    ) -> Iterator[Instance]:
        """Yield the instances that elements are; a projection is of the class ``of``."""
        server, shapes = self._server(), dict[str, tuple[Class, Columns, Shape]]()
        for element in elements:
            name = local(element) if of is None or local(element) != "XmlFragment" else of.name
            if name not in shapes:
                cls = self._class(name, namespace)
                columns = chosen(cls, shown)
                at = {stored: index for index, stored in enumerate(columns.stored)}
                shapes[name] = cls, columns, Shape(cls, at, server, columns.shown)
            cls, columns, shape = shapes[name]
            row = dict(zip(cls.properties, row_of(element, cls), strict=True))
            yield Instance(shape, tuple(row[stored] for stored in columns.stored))


def _in_time(answers: Iterator["Instance | Class"], deadline: Deadline) -> Iterator["Instance | Class"]:
    for found in answers:
        deadline.check()
        yield found


def _shown(cls: Class, name: Name) -> str:
    word = str(name)
    return word.upper() if word.upper() in SYSTEM_PROPERTIES else cls.property_named(word).name


def _place(target: Target) -> tuple[str, dict[str, str]]:
    """Return the resource URI and the selectors of an instance, or of a class."""
    cls = target.cls
    keys = zip(cls.keys, target.keys or (), strict=False)
    return uri_of(cls.namespace, cls.name), {name: str(value) for name, value in keys}


def _relative(target: Target) -> str:
    return object_path(target.reference, target.cls.schema, target.cls.namespace).relative


def _keyed(target: Target) -> Select:
    """Return the query for one instance by its keys."""
    space = target.cls.namespace
    terms: list[ConditionTree] = []
    for name, value in zip(target.cls.keys, target.keys or (), strict=True):
        text = str(object_path(value, target.cls.schema, space)) if isinstance(value, tuple) else str(value)
        terms.append(Comparison(Name((name,)), EQUAL, text))
    return Select(None, target.cls.name, terms[0] if len(terms) == 1 else And(tuple(terms)))


def _name(text: str | None) -> Name | None:
    return None if text is None else Name((text,))


def _there(what: str, command: str) -> NoReturn:
    raise NotSupportedError(
        f"the other machine is not asked {what}", Hint(HintCode.COMMAND_THERE, {"command": command})
    )
