"""A host on another machine: each question is one of WQL, Get or Invoke over WS-Management, each answer instances.

What a caller may see is decided there. Logon sessions and processes, as the commands show them, are made of the other
end's own classes (described.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from logonscope.answers import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Whose
from logonscope.broker.columns import Columns, chosen, columns_of, having
from logonscope.broker.deadline import Deadline
from logonscope.broker.target import instance
from logonscope.cim.binding import Target, bind, is_dot, object_path
from logonscope.cim.classes import CIMV2, Class, Property
from logonscope.cim.instances import SYSTEM_PROPERTIES, Instance, Outcome, Shape
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import schema
from logonscope.cim.types import Value
from logonscope.client.described import Described
from logonscope.client.link import Link
from logonscope.client.local import as_names, as_path
from logonscope.errors import (
    InvalidClassError,
    InvalidNamespaceError,
    InvalidPropertyError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
)
from logonscope.wire.cimxml.declared import declared
from logonscope.wire.wsman.resource import uri_of
from logonscope.wire.wsman.told import row_of, value_of
from logonscope.wire.xml import local
from logonscope.wql.parse import parse
from logonscope.wql.tree import EQUAL, And, Comparison, Condition, Name, Select, Tied
from logonscope.wql.write import write

if TYPE_CHECKING:
    from logonscope.broker.explain import Explanation

META_CLASS = "meta_class"
SYSTEM_SESSIONS = ("4294967295", "999")
"""The System session's LogonId here, and on Windows: only whoever sees everything sees it."""

DEEPEST = 32


class RemoteHost:
    """The Host at the other end of a link; see Host for what each method does."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._known: dict[tuple[str, str], Class] = {}
        self._computer: str | None = None
        self._described = Described(self)

    def __repr__(self) -> str:
        return f"<RemoteHost {self._link.url.host}>"

    @property
    def everything(self) -> bool:
        """See Host."""
        for logon_id in SYSTEM_SESSIONS:
            try:
                self.get(f'Win32_LogonSession.LogonId="{logon_id}"', ["LogonId"])
            except NotFoundError:
                continue
            return True
        return False

    def sessions(self, which: int | str | None = None) -> list[LogonSession]:
        """See Host."""
        return self._described.sessions(_word(which))

    def session_of(self, pid: int) -> SessionOf:
        """See Host."""
        found = self._described.whose(str(pid))[0]
        return SessionOf(found.session, found.evidence)

    def processes(self, which: int | str | None = None) -> Iterator[SessionProcess]:
        """See Host."""
        return self._described.processes(_word(which))

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """See Host."""
        return self._described.session_processes()

    def tree(self, which: int | str | None = None) -> list[LogonTree]:
        """See Host."""
        return self._described.tree(_word(which))

    def whose(self, target: int | str) -> list[Whose]:
        """See Host."""
        return self._described.whose(str(target))

    def record(self, path: str, *, replace: bool = False) -> int:
        """Refuse: a recording holds facts, and the other end tells instances."""
        _there("to record", f"logonscope record {path}{' --force' if replace else ''}")

    def explain(self, text: str, *, namespace: str | None = None) -> "Explanation":
        """Refuse: how the other end answers is its own affair."""
        _there("to explain", f"logonscope query --explain {text!r}{f' -n {namespace}' if namespace else ''}")

    def doctor(self) -> list[Check]:
        """See Host."""
        said = self._link.identify()
        vendor, version = said.get("ProductVendor", ""), said.get("ProductVersion", "")
        what = version if version.startswith(vendor) else f"{vendor} {version}"
        seen = self.everything
        advice = "" if seen else "come as an administrator to see everything"
        return [
            Check(f"{self._link.url.host} answers", True, what, ""),
            Check("what you may see there", seen or None, "everything" if seen else "your own logon sessions", advice),
        ]

    def get(
        self, path: "str | Instance", properties: Sequence[str] | None = None, *, namespace: str | None = None
    ) -> Instance:
        """See Host."""
        target = instance(self._target(as_path(path), namespace))
        columns = columns_of(target.cls, as_names(properties))
        if any(isinstance(key, tuple) for key in target.keys or ()):
            found = next(self.query(write(_keyed(target)), namespace=target.cls.namespace), None)
            if not isinstance(found, Instance):
                raise NotFoundError(f"there is no {as_path(path)}", "or none for you to see")
            return found
        uri, selectors = _place(target)
        return next(self._instances([self._link.get(uri, selectors)], target.cls.namespace, columns.shown))

    def enumerate(
        self, class_name: str, properties: Sequence[str] | None = None, *, namespace: str | None = None,
        deep: bool = True,
    ) -> Iterator[Instance]:  # fmt: skip
        """See Host."""
        cls = self.get_class(class_name, namespace=namespace)
        asked = as_names(properties)
        columns_of(cls, asked)
        shown = None if asked is None else tuple(Name((name,)) for name in asked)
        only = None if deep else Comparison(Name(("__CLASS",)), EQUAL, cls.name)
        return self._rows(Select(shown, cls.name, only), cls)

    def associators(
        self, path: "str | Instance", *, assoc_class: str | None = None, result_class: str | None = None,
        role: str | None = None, result_role: str | None = None, properties: Sequence[str] | None = None,
        namespace: str | None = None,
    ) -> Iterator[Instance]:  # fmt: skip
        """See Host."""
        target = instance(self._target(as_path(path), namespace))
        tied = Tied(False, _relative(target), _name(assoc_class), _name(result_class), _name(role), _name(result_role))
        return self._tied(tied, target, as_names(properties))

    def references(
        self, path: "str | Instance", *, result_class: str | None = None, role: str | None = None,
        properties: Sequence[str] | None = None, namespace: str | None = None,
    ) -> Iterator[Instance]:  # fmt: skip
        """See Host."""
        target = instance(self._target(as_path(path), namespace))
        tied = Tied(True, _relative(target), result_class=_name(result_class), role=_name(role))
        return self._tied(tied, target, as_names(properties))

    def query(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> Iterator["Instance | Class"]:
        """See Host."""
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

    def invoke(
        self, path: "str | Instance", method: str, parameters: Mapping[str, Any] | None = None, *,
        namespace: str | None = None,
    ) -> Outcome:  # fmt: skip
        """See Host."""
        target = self._target(as_path(path), namespace)
        known = target.cls.method_named(method)
        uri, selectors = _place(target)
        given = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        answer = self._link.invoke(uri, selectors, known.name, given)
        types = {parameter.name.lower(): parameter for parameter in known.parameters}
        out: dict[str, Value] = {}
        for part in answer:
            of = types.get(local(part).lower())
            kind = of.type if of else known.type
            out[of.name if of else local(part)] = value_of([part], Property(local(part), kind, False, None, ()))
        returned = out.pop("ReturnValue", None)
        return Outcome(returned if isinstance(returned, int) else -1, out)

    def classes(self, pattern: str | None = None, *, namespace: str | None = None) -> Iterator[Class]:
        """See Host."""
        space = self._space(namespace)
        return (self._declared(element, space) for element in self._link.classes(pattern or "*", space))

    def get_class(self, name: str, *, namespace: str | None = None) -> Class:
        """See Host."""
        return self._class(name, self._space(namespace))

    def _space(self, namespace: str | None) -> str:
        """Return a namespace as we write it; whether it is there, the other end knows."""
        return (namespace or CIMV2).replace("/", "\\").strip("\\").lower()

    def _class(self, name: str, namespace: str, depth: int = 0) -> Class:
        found = schema().find(name, namespace) if namespace in schema().namespaces else None
        if found is not None:
            return found
        if (name.lower(), namespace) not in self._known:
            element = next(self._link.classes(name, namespace), None) if depth < DEEPEST else None
            if element is None:
                raise self._no_class(name, namespace)
            self._declared(element, namespace, depth)
        return self._known[name.lower(), namespace]

    def _no_class(self, name: str, namespace: str) -> LogonscopeError:
        """Return the error that we have for it, with what may be meant, where the namespace is one of ours."""
        try:
            schema().get(name, namespace)
        except InvalidClassError as error:
            return error
        except InvalidNamespaceError:
            pass
        return InvalidClassError(f"{namespace} has no class '{name}' there", "see `logonscope classes`")

    def _declared(self, element: Any, namespace: str, depth: int = 0) -> Class:
        declaration = declared(element, namespace)
        above = declaration.superclass
        parent = self._class(above, namespace, depth + 1) if above else None
        made = Class(declaration, parent, namespace)
        return self._known.setdefault((made.name.lower(), namespace), made)

    def _target(self, path: str, namespace: str | None) -> Target:
        parsed = parse_path(path)
        space = self._space(parsed.namespace or namespace)
        self._class(parsed.class_name, space)
        if space in schema().namespaces and schema().find(parsed.class_name, space):
            return bind(parsed, schema(), space, self._is_there)
        raise NotSupportedError(
            f"the path of a {parsed.class_name} cannot be read here", "ask by a query, SELECT * FROM ... WHERE ..."
        )

    def _is_there(self, server: str) -> bool:
        return is_dot(server) or server.lower() in {self._link.url.host.lower(), self._server().lower()}

    def _server(self) -> str:
        """Return the other machine's name, as __SERVER has it."""
        if self._computer is None:
            self._computer = self._link.url.host
            for element in self._link.query("SELECT Name FROM Win32_ComputerSystem"):
                self._computer = next(iter(element)).text or self._computer
        return self._computer

    def _rows(self, tree: Select, cls: Class, text: str = "") -> Iterator[Instance]:
        """Ask for instances by a query; where a row would not say of which class it is, for whole ones."""
        shown = None if tree.columns is None else tuple(_shown(cls, name) for name in tree.columns)
        below = schema().family(cls.name, cls.namespace) if schema().find(cls.name, cls.namespace) else ()
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
    return object_path(target.reference, schema(), target.cls.namespace).relative


def _keyed(target: Target) -> Select:
    """Return the query for one instance by its keys."""
    space = target.cls.namespace
    terms: list[Condition] = []
    for name, value in zip(target.cls.keys, target.keys or (), strict=True):
        text = str(object_path(value, schema(), space)) if isinstance(value, tuple) else str(value)
        terms.append(Comparison(Name((name,)), EQUAL, text))
    return Select(None, target.cls.name, terms[0] if len(terms) == 1 else And(tuple(terms)))


def _name(text: str | None) -> Name | None:
    return None if text is None else Name((text,))


def _there(what: str, command: str) -> NoReturn:
    raise NotSupportedError(f"the other machine is not asked {what}", f"run it there: {command}")


def _word(which: int | str | None) -> str | None:
    return None if which is None else str(which)
