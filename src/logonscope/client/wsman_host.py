"""WsmanHost: a remote host, queried over WS-Management by WQL, Get and Invoke.

The remote host decides what the caller may see. Logon sessions and processes are built from instances of its classes
(logons_from_cim.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from logonscope.answers.check import Check
from logonscope.broker.columns import Columns, check_columns, classes_with_properties, select_columns
from logonscope.broker.resolve import require_instance
from logonscope.cim.binding import Target, bind_path, is_own_name, object_path
from logonscope.cim.classes import CIMV2, Class, Property, has_qualifier, list_classes_hint
from logonscope.cim.instances import SYSTEM_PROPERTIES, Instance, Outcome, Shape
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import Schema, schema
from logonscope.cim.types import Value
from logonscope.client.argument_check import check_arguments
from logonscope.client.host import Host
from logonscope.client.logons_from_cim import LogonsFromCim
from logonscope.client.wsman_client import WsmanClient
from logonscope.errors import (
    Hint,
    HintCode,
    InvalidClassError,
    InvalidNamespaceError,
    InvalidPropertyError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
    TransportFailureError,
)
from logonscope.machine import Deadline
from logonscope.wire.cimxml.parse_class import parse_class
from logonscope.wire.wsman.parse_instance import parse_row, parse_value
from logonscope.wire.wsman.resource import resource_uri
from logonscope.wire.xml import local_name
from logonscope.wql.parse import parse
from logonscope.wql.tree import EQUAL, And, AssociationQuery, Comparison, ConditionTree, Name, Select
from logonscope.wql.write import write_statement

META_CLASS = "meta_class"
LINUX_SYSTEM_SESSION, WINDOWS_SYSTEM_SESSION = "4294967295", "999"
"""LogonIds of the System session, which is hidden from callers who do not see everything."""

MAX_INHERITANCE_DEPTH = 32
"""Maximum depth of inheritance of a class that the remote host declares."""


class WsmanHost(Host):
    """A remote host at the other end of a connection."""

    def __init__(self, client: WsmanClient) -> None:
        self._client = client
        # A copy, because classes that the remote host declares do not exist on other hosts.
        self._schema = schema().copy()
        self._computer_name: str | None = None
        self._logons = LogonsFromCim(self)

    def __repr__(self) -> str:
        return f"<WsmanHost {self._client.url.host}>"

    @property
    def sees_everything(self) -> bool:
        logon_id = LINUX_SYSTEM_SESSION if self._logons.is_logonscope else WINDOWS_SYSTEM_SESSION
        try:
            self.get(f'Win32_LogonSession.LogonId="{logon_id}"', ["LogonId"])
        except NotFoundError:
            return False
        return True

    @property
    def moment(self) -> datetime:
        return self._read_host_time()

    @property
    def schema(self) -> Schema:
        return self._schema

    def at(self, moment: datetime) -> Host:
        del moment
        raise NotSupportedError("cannot show a past moment over WS-Management", "query the present")

    def close(self) -> None:
        self._client.close()

    def record(self, path: str, *, replace: bool = False) -> int:
        # A recording needs raw facts; a remote host returns CIM instances only.
        _raise_not_remote("record a host", f"record {path}{' --force' if replace else ''}")

    def _perform(self, operation: str, **arguments: Any) -> Any:
        check_arguments(arguments)
        operations: Mapping[str, Callable[..., Any]] = {
            "sessions": self._logons.sessions, "session_of": self._logons.session_of,
            "processes": self._logons.processes, "session_processes": self._logons.session_processes,
            "tree": self._logons.tree, "leftovers": self._logons.leftovers, "whose": self._logons.whose,
            "services": self._services, "doctor": self._doctor,
            "get": self._get, "enumerate": self._enumerate, "associators": self._associators,
            "references": self._references, "query": self._query, "explain": self._explain, "invoke": self._invoke,
            "classes": self._classes, "get_class": self._get_class, "watch": self._watch,
            "history": self._history, "past_processes": self._history, "verify_history": self._verify_history,
            "forget_user": self._forget_user,
        }  # fmt: skip
        return operations[operation](**arguments)

    def _watch(self, **_: Any) -> NoReturn:
        hint = "poll with query(), or connect to a Logonscope server by https://"
        raise NotSupportedError("events are not supported over WS-Management", hint)

    def _explain(self, text: str, namespace: str | None) -> NoReturn:
        """Raise an error: the remote host plans its queries itself, and does not report the plan."""
        _raise_not_remote("explain a query", f"query --explain {text!r}{f' -n {namespace}' if namespace else ''}")

    def _services(self) -> NoReturn:
        """Raise an error: no class has the services of the System session with their process counts."""
        _raise_not_remote("list the services of the System session", "sessions --services")

    def _history(self, **_: Any) -> NoReturn:
        """Raise an error: over WS-Management, only queries for classes such as LS_LogonRecord read the history."""
        _raise_not_remote("show the history", "history")

    def _verify_history(self) -> NoReturn:
        _raise_not_remote("verify the history", "history verify")

    def _forget_user(self, user: str) -> NoReturn:
        _raise_not_remote("delete from the history", f"history forget {user}")

    def _doctor(self) -> list[Check]:
        identity = self._client.identify()
        vendor, version = identity.get("ProductVendor", ""), identity.get("ProductVersion", "")
        product = version if version.startswith(vendor) else f"{vendor} {version}"
        sees_everything = self.sees_everything
        visible = "everything" if sees_everything else "your own logon sessions"
        advice = "" if sees_everything else "authenticate as an administrator to see everything"
        return [
            Check(f"{self._client.url.host} answers", True, product, ""),
            Check("what you may see there", sees_everything or None, visible, advice),
        ]

    def _get(self, path: str, properties: Sequence[str] | None, namespace: str | None) -> "Instance | Class":
        target = self._target(path, namespace)
        if target.keys is None and properties is None:
            return target.cls
        require_instance(target)
        columns = check_columns(target.cls, properties)
        # pypsrp sends selectors as text, but a key that is a reference would need an endpoint reference.
        if any(isinstance(key, tuple) for key in target.keys or ()):
            selected = None if properties is None else tuple(Name((name,)) for name in columns.shown)
            row = next(self._query_rows(_select_by_keys(target, selected), target.cls), None)
            if row is None:
                raise NotFoundError(f"there is no {path}", "or you may not see it")
            return row
        uri, selectors = _resource(target)
        return next(self._read_instances([self._client.get(uri, selectors)], target.cls.namespace, columns.shown))

    def _enumerate(
        self, class_name: str, properties: Sequence[str] | None, namespace: str | None, *, deep: bool
    ) -> Iterator[Instance]:
        cls = self.get_class(class_name, namespace=namespace)
        check_columns(cls, properties)
        shown = None if properties is None else tuple(Name((name,)) for name in properties)
        condition = None if deep else Comparison(Name(("__CLASS",)), EQUAL, cls.name)
        return self._query_rows(Select(shown, cls.name, condition), cls)

    def _associators(
        self, path: str, namespace: str | None, properties: Sequence[str] | None, **options: str | None
    ) -> Iterator[Instance]:
        return self._follow_associations(path, namespace, properties, options, references=False)

    def _references(
        self, path: str, namespace: str | None, properties: Sequence[str] | None, **options: str | None
    ) -> Iterator[Instance]:
        return self._follow_associations(path, namespace, properties, options, references=True)

    def _query(self, text: str, namespace: str | None, timeout: float | None) -> Iterator["Instance | Class"]:
        deadline, tree = Deadline(timeout), parse(text)
        normal_namespace = self._normalize_namespace(namespace)
        if isinstance(tree, AssociationQuery) or tree.class_name.lower() == META_CLASS:
            keys_only = isinstance(tree, AssociationQuery) and tree.keys_only
            rows = self._query_any_rows(text, normal_namespace, deadline, keys_only=keys_only)
        else:
            try:
                cls = self._find_class(tree.class_name, normal_namespace, deadline)
                rows = iter(self._query_rows(tree, cls, text, deadline))
            # The server rejects the query too, and its error says where in the text the name is.
            except (InvalidClassError, InvalidPropertyError):
                rows = self._query_any_rows(text, normal_namespace, deadline)
        return _check_deadline(rows, deadline)

    def _invoke(
        self, path: str, method_name: str, parameters: Mapping[str, Any] | None, namespace: str | None
    ) -> Outcome:
        target = self._target(path, namespace)
        method = target.cls.method_named(method_name)
        if not has_qualifier(method.qualifiers, "Static"):
            require_instance(target)
        uri, selectors = _resource(target)
        texts = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        response = self._client.invoke(uri, selectors, method.name, texts)
        parameters_by_name = {parameter.name.lower(): parameter for parameter in method.parameters}
        out_parameters: dict[str, Value] = {}
        for element in response:
            # The element that is no parameter is the return value.
            parameter = parameters_by_name.get(local_name(element).lower())
            type_name = parameter.type if parameter else method.type
            out_parameters[parameter.name if parameter else local_name(element)] = parse_value(
                [element], Property(local_name(element), type_name, False, None, ()), target.cls.schema
            )
        return_value = out_parameters.pop("ReturnValue", None)
        if not isinstance(return_value, int):
            message = f"the response of {method.name} has no return value: the method may or may not have run"
            raise TransportFailureError(message, "check that the server is a WMI host")
        return Outcome(return_value, out_parameters)

    def _classes(self, pattern: str | None, namespace: str | None) -> Iterator[Class]:
        normal_namespace = self._normalize_namespace(namespace)
        elements = self._client.classes(pattern or "*", normal_namespace)
        return (self._add_declared(element, normal_namespace, Deadline()) for element in elements)

    def _get_class(self, name: str, namespace: str | None) -> Class:
        return self._find_class(name, self._normalize_namespace(namespace), Deadline())

    def _normalize_namespace(self, namespace: str | None) -> str:
        r"""Return a namespace in the spelling "root\cimv2"; only the remote host knows whether it exists."""
        return (namespace or CIMV2).replace("/", "\\").strip("\\").lower()

    def _find_class(self, name: str, namespace: str, deadline: Deadline, depth: int = 0) -> Class:
        """Return a class; if the schema lacks it, request it from the remote host and add it.

        Raises:
            InvalidClassError: the remote host has no such class.
            TimedOutError: the deadline has passed.
        """
        if (cls := self._schema.find(name, namespace)) is not None:
            return cls
        element = None
        if depth < MAX_INHERITANCE_DEPTH:
            element = next(self._client.classes(name, namespace, deadline), None)
        if element is None:
            raise self._unknown_class_error(name, namespace)
        return self._add_declared(element, namespace, deadline, depth)

    def _unknown_class_error(self, name: str, namespace: str) -> LogonscopeError:
        """Return the error for an unknown class; if the schema has the namespace, the hint may name a similar class."""
        try:
            self._schema.get(name, self._schema.namespace(namespace))
        except InvalidClassError as error:
            return error
        except InvalidNamespaceError:
            pass
        return InvalidClassError(f"{namespace} has no class '{name}' there", list_classes_hint(namespace))

    def _add_declared(self, element: Any, namespace: str, deadline: Deadline, depth: int = 0) -> Class:
        """Add the class that an element declares, and its ancestors, to the schema; return it."""
        declaration = parse_class(element, namespace)
        if declaration.superclass:
            self._find_class(declaration.superclass, namespace, deadline, depth + 1)
        return self._schema.add(declaration, namespace)

    def _target(self, path: str, namespace: str | None) -> Target:
        parsed_path = parse_path(path)
        normal_namespace = self._normalize_namespace(parsed_path.namespace or namespace)
        self._find_class(parsed_path.class_name, normal_namespace, Deadline())  # adds it to the schema
        return bind_path(parsed_path, self._schema, normal_namespace, self._is_this_host)

    def _is_this_host(self, server: str) -> bool:
        return is_own_name(server) or server.lower() in {self._client.url.host.lower(), self._server().lower()}

    def _server(self, deadline: Deadline | None = None) -> str:
        """Return the name of the remote host, which is the value of __SERVER."""
        if self._computer_name is None:
            name = self._client.url.host
            for element in self._client.query("SELECT Name FROM Win32_ComputerSystem", deadline=deadline):
                name = next(iter(element)).text or name
            self._computer_name = name  # assigned once, complete: another thread may query it at the same time
        return self._computer_name

    def _query_rows(
        self, tree: Select, cls: Class, text: str = "", deadline: Deadline | None = None
    ) -> Iterator[Instance]:
        """Query instances of a class; ``text`` is the query that was parsed to ``tree``, "" if there was none.

        A projection does not name the class of its row. So the whole instances are queried where the class matters: for
        system properties, and for a class with subclasses.
        """
        shown = None if tree.columns is None else tuple(_declared_spelling(cls, name) for name in tree.columns)
        family = self._schema.class_with_subclasses(cls.name, cls.namespace)
        can_project = bool(shown) and not any(name in SYSTEM_PROPERTIES for name in shown or ()) and len(family) <= 1
        if not can_project and shown is not None:
            text = write_statement(Select(None, tree.class_name, tree.where))
        elements = self._client.query(text or write_statement(tree), cls.namespace, deadline)
        return self._read_instances(elements, cls.namespace, shown, cls, deadline)

    def _follow_associations(
        self,
        path: str,
        namespace: str | None,
        properties: Sequence[str] | None,
        options: Mapping[str, str | None],
        *,
        references: bool,
    ) -> Iterator[Instance]:
        target = require_instance(self._target(path, namespace))
        option_names: dict[str, Any] = {option: _option_name(text) for option, text in options.items()}
        tree = AssociationQuery(references, _relative_path(target), **option_names)
        if properties is not None and tree.result_class:
            classes_with_properties(
                [self.get_class(str(tree.result_class), namespace=target.cls.namespace)], properties
            )
        elements = self._client.query(write_statement(tree), target.cls.namespace)
        shown = None if properties is None else tuple(properties)
        instances = self._read_instances(elements, target.cls.namespace, shown)
        # a result that has none of the properties is left out; if no property is named, every result is kept
        return (instance for instance in instances if len(instance)) if properties else instances

    def _query_any_rows(
        self, text: str, namespace: str, deadline: Deadline, *, keys_only: bool = False
    ) -> Iterator["Instance | Class"]:
        """Yield the instances and the classes that a query selects."""
        for element in self._client.query(text, namespace, deadline):
            if local_name(element) == "CLASS":
                yield self._add_declared(element, namespace, deadline)
            else:
                shown = self._find_class(local_name(element), namespace, deadline).keys if keys_only else None
                yield from self._read_instances([element], namespace, shown, deadline=deadline)

    def _read_instances(
        self,
        elements: Iterable[Any],
        namespace: str,
        shown: Sequence[str] | None = None,
        projected_class: Class | None = None,
        deadline: Deadline | None = None,
    ) -> Iterator[Instance]:
        """Yield the instances in a response.

        Args:
            elements: instances, or projections (XmlFragment), which do not name their class.
            namespace: the namespace of the classes.
            shown: the properties to show; None: all.
            projected_class: the class of projections; None: there are no projections.
            deadline: the end of the wait for a response; None: no limit.
        """
        deadline = deadline or Deadline()
        server, shapes = self._server(deadline), dict[str, tuple[Class, Columns, Shape]]()
        for element in elements:
            is_projection = projected_class is not None and local_name(element) == "XmlFragment"
            name = projected_class.name if projected_class is not None and is_projection else local_name(element)
            # one shape for each class: a response has few classes, but can have many instances of each
            if name not in shapes:
                cls = self._find_class(name, namespace, deadline)
                columns = select_columns(cls, shown)
                indexes = {stored: index for index, stored in enumerate(columns.stored)}
                shapes[name] = cls, columns, Shape(cls, indexes, server, columns.shown)
            cls, columns, shape = shapes[name]
            row = dict(zip(cls.properties, parse_row(element, cls), strict=True))
            yield Instance(shape, tuple(row[stored] for stored in columns.stored))


def _check_deadline(rows: Iterator["Instance | Class"], deadline: Deadline) -> Iterator["Instance | Class"]:
    """Yield the rows, and check the deadline before each."""
    for row in rows:
        deadline.check()
        yield row


def _declared_spelling(cls: Class, name: Name) -> str:
    word = str(name)
    return word.upper() if word.upper() in SYSTEM_PROPERTIES else cls.property_named(word).name


def _resource(target: Target) -> tuple[str, dict[str, str]]:
    """Return the resource URI and the selectors of an instance, or of a class."""
    cls = target.cls
    keys = zip(cls.keys, target.keys or (), strict=False)
    return resource_uri(cls.namespace, cls.name), {name: str(value) for name, value in keys}


def _relative_path(target: Target) -> str:
    return object_path(target.reference, target.cls.schema, target.cls.namespace).relative


def _select_by_keys(target: Target, selected: tuple[Name, ...] | None) -> Select:
    """Return the query for one instance by its keys; ``selected``: the properties to read, None: all."""
    cls = target.cls
    terms: list[ConditionTree] = []
    for name, value in zip(cls.keys, target.keys or (), strict=True):
        text = str(object_path(value, cls.schema, cls.namespace)) if isinstance(value, tuple) else str(value)
        terms.append(Comparison(Name((name,)), EQUAL, text))
    return Select(selected, cls.name, terms[0] if len(terms) == 1 else And(tuple(terms)))


def _option_name(text: str | None) -> Name | None:
    return None if text is None else Name((text,))


def _raise_not_remote(action: str, command: str) -> NoReturn:
    raise NotSupportedError(
        f"cannot {action} over WS-Management", Hint(HintCode.RUN_ON_THAT_HOST, {"command": command})
    )
