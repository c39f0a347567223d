"""JsonHost: a host that a Logonscope server reads, either the service of this machine or a server on another one.

Operations are forwarded to the server, which decides what the caller may see. With the service of this machine,
operations that need the rights of this process or the files of the machine run in this process.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from logonscope.client.argument_check import check_arguments
from logonscope.client.host import Host
from logonscope.client.json_client import JsonClient, Line
from logonscope.errors import Hint, HintCode, NotSupportedError

if TYPE_CHECKING:
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.answers.logon_filter import LogonFilter
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome, Shape
    from logonscope.cim.schema import Schema
    from logonscope.client.watch import Watch

_ROW_READERS = {
    "sessions": "read_session", "processes": "read_process", "session_processes": "read_pair", "whose": "read_whose",
    "services": "read_service", "doctor": "read_check", "history": "read_past_login",
    "past_processes": "read_past_process",
}  # fmt: skip
"""By question (an operation about logon sessions): the function of json_answers that reads each row of the answer."""

_LIST_QUESTIONS = {"sessions", "whose", "services", "doctor", "history"}
"""Questions of _ROW_READERS whose rows are returned as a list; the others return an iterator."""

_HISTORY_FILE_OPERATIONS = {
    "verify_history": ("verify the history", "history verify"),
    "forget_user": ("delete from the history", "history forget {user}"),
}
"""Operations that need the files of the history, and so run only on the machine itself.

The texts for the error: what cannot be done, and the command to run on that machine.
"""

_DIRECT_OPERATIONS = {"invoke", *_HISTORY_FILE_OPERATIONS}
"""Operations that need the rights of this process or the files of the history.

The host that ``make_local_host`` creates runs them, if there is such a host.
"""

MAX_DEPTH = 32
"""Maximum depth of inheritance of a class that the host declares."""


class JsonHost(Host):
    """A host at the other end of a connection.

    ``make_local_host`` creates a host that reads this machine in this process; None: there is no such host, as for a
    server on another machine.
    """

    def __init__(self, client: JsonClient, make_local_host: Callable[[], Host] | None = None) -> None:
        self._client, self._make_local_host = client, make_local_host
        self._shapes: dict[tuple[Any, ...], Shape] = {}

    def __repr__(self) -> str:
        return f"<JsonHost {self._client.name}>"

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """The product, whether the caller sees everything, and whether the host has a history and events."""
        return self._client.ask("identify", {})

    @property
    def sees_everything(self) -> bool:
        return bool(self.identity.get("sees_everything"))

    @cached_property
    def schema(self) -> "Schema":
        from logonscope.cim.schema import schema  # noqa: PLC0415 -- questions need no classes

        # A copy, because classes that this host declares do not exist on other hosts.
        return schema().copy()

    @property
    def moment(self) -> datetime:
        # with a local host, the server reads this machine: the clock is the same
        return self._read_host_time() if self._make_local_host is None else super().moment

    def identify_machine(self) -> "HostIdentity":
        if self._direct_host is not None:
            return self._direct_host.identify_machine()
        from logonscope.client import json_answers  # noqa: PLC0415 -- instances are read without it

        line = self._client.ask("machine", {})
        identity: HostIdentity = json_answers.read_answer(json_answers.read_host_identity, line)
        return identity

    @cached_property
    def _direct_host(self) -> Host | None:
        return None if self._make_local_host is None else self._make_local_host()

    def at(self, moment: datetime) -> Host:
        from logonscope.answers.filter_checks import check_time  # noqa: PLC0415 -- seldom needed

        check_time("moment", moment)
        return PastJsonHost(self._client.at(moment), moment)

    def close(self) -> None:
        self._client.close()
        if "_direct_host" in self.__dict__ and self._direct_host is not None:
            self._direct_host.close()

    def record(self, path: str, *, replace: bool = False) -> int:
        if self._direct_host is not None:
            return self._direct_host.record(path, replace=replace)
        # A recording needs raw facts; a server returns only answers made of them.
        hint = Hint(HintCode.RUN_ON_THAT_HOST, {"command": f"record {path}{' --force' if replace else ''}"})
        raise NotSupportedError("cannot record through a server: record reads the machine itself", hint)

    def _perform(self, operation: str, **arguments: Any) -> Any:
        check_arguments(arguments)
        if operation in _HISTORY_FILE_OPERATIONS and self._direct_host is None:
            purpose, command = _HISTORY_FILE_OPERATIONS[operation]
            hint = Hint(HintCode.RUN_ON_THAT_HOST, {"command": command.format_map(arguments)})
            raise NotSupportedError(f"cannot {purpose} through a server: it needs the files of the history", hint)
        if operation in _DIRECT_OPERATIONS and self._direct_host is not None:
            return self._direct_host._perform(operation, **arguments)  # noqa: SLF001 -- the same method of the same class
        own_method = getattr(self, f"_ask_{operation}", None)
        return self._ask_question(operation, arguments) if own_method is None else own_method(**arguments)

    def _ask_question(self, operation: str, arguments: dict[str, Any]) -> Any:
        from logonscope.client import json_answers  # noqa: PLC0415 -- instances are read without it

        if (where := arguments.get("where")) is not None:
            arguments["where"] = json_answers.write_filter(where)
        if (details := arguments.get("details")) is not None:
            arguments["details"] = sorted(details)
        read_answer = json_answers.read_answer
        if operation == "session_of":
            return read_answer(json_answers.read_session_of, self._client.ask(operation, arguments))
        lines = self._client.stream(operation, arguments)
        if operation == "leftovers":
            return read_answer(json_answers.read_leftovers, lines)
        if operation == "tree":
            return read_answer(list, json_answers.read_trees(lines))
        # stream() has sent the request: if the server rejects it, this call raises the error, not the iteration
        rows = _read_rows(partial(read_answer, getattr(json_answers, _ROW_READERS[operation])), lines)
        return list(rows) if operation in _LIST_QUESTIONS else rows

    def _ask_explain(self, text: str, namespace: str | None) -> Any:
        from logonscope.client import json_answers  # noqa: PLC0415 -- instances are read without it

        line = self._client.ask("explain", {"text": text, "namespace": namespace})
        return json_answers.read_answer(json_answers.read_explanation, line)

    def _ask_watch(
        self,
        events: "Iterable[str] | None",
        where: "LogonFilter | None" = None,
        *,
        timeout: float | None,
        **arguments: Any,
    ) -> "Watch":
        from logonscope.client.json_watch import SentEvents  # noqa: PLC0415 -- seldom needed
        from logonscope.client.watch import Watch, check_events  # noqa: PLC0415 -- seldom needed

        names = check_events(events)
        arguments["events"] = None if names is None else sorted(names)
        if where is not None:
            from logonscope.client.json_answers import write_filter  # noqa: PLC0415 -- seldom needed

            arguments["where"] = write_filter(where)
        # a connection of its own, because the answer does not end
        connection, parts = self._client.open_stream("watch", arguments)
        return Watch(SentEvents(connection, parts, self._read_event, self._client.name), timeout)

    def _read_event(self, name: str, line: Line) -> Any:
        """Return the result for an event of a watch.

        Raises:
            LogonscopeError: the event is the error that ends the watch.
        """
        if name == "error":
            from logonscope.wire.json.faults import read_error  # noqa: PLC0415 -- most watches have no error

            raise read_error(line)
        if "event" in line:
            from logonscope.client import json_answers  # noqa: PLC0415 -- instances are read without it

            return json_answers.read_answer(json_answers.read_event, line)
        return self._read_event_instance(line)

    def _read_event_instance(self, line: Line) -> "Instance":
        from logonscope.cim.instances import Instance, Shape  # noqa: PLC0415 -- questions need no classes

        embedded_instances = {
            name: self._read_event_instance(value)
            for name, value in line["properties"].items()
            if isinstance(value, dict) and "properties" in value
        }
        if not embedded_instances:
            return self._read_instance(line)
        # the outer instance is read like any other, with null in place of each embedded instance
        plain_properties = {
            name: None if name in embedded_instances else value for name, value in line["properties"].items()
        }
        outer = self._read_instance({**line, "properties": plain_properties})
        columns = {name: index for index, name in enumerate(outer)}
        shape = Shape(outer.cim_class, columns, str(line["server"]), tuple(columns))
        return Instance(shape, tuple([embedded_instances.get(name, outer[name]) for name in outer]))

    def _ask_get(self, **arguments: Any) -> "Instance | Class":
        return self._read_row(self._client.ask("get", arguments))

    def _ask_enumerate(self, **arguments: Any) -> "Iterator[Instance]":
        return _read_rows(self._read_instance, self._client.stream("enumerate", arguments))

    def _ask_associators(self, **arguments: Any) -> "Iterator[Instance]":
        return _read_rows(self._read_instance, self._client.stream("associators", arguments))

    def _ask_references(self, **arguments: Any) -> "Iterator[Instance]":
        return _read_rows(self._read_instance, self._client.stream("references", arguments))

    def _ask_query(self, text: str, namespace: str | None, timeout: float | None) -> "Iterator[Instance | Class]":
        from logonscope.machine import Deadline  # noqa: PLC0415 -- only queries need it

        Deadline(timeout)  # rejects an invalid timeout as a local host does
        lines = self._client.stream("query", {"text": text, "namespace": namespace}, timeout)
        return _read_rows(self._read_row, lines)

    def _ask_invoke(
        self, path: str, method_name: str, parameters: Mapping[str, Any] | None, namespace: str | None
    ) -> "Outcome":
        from logonscope.cim.instances import Outcome  # noqa: PLC0415 -- questions need no classes

        arguments = {"path": self._full_path(path, namespace), "method": method_name, "parameters": parameters}
        line = self._client.ask("invoke", arguments)
        return Outcome(int(line["return_value"]), line["parameters"])

    def _ask_classes(self, pattern: str | None, namespace: str | None) -> "Iterator[Class]":
        return _read_rows(
            self._read_class, self._client.stream("classes", {"pattern": pattern, "namespace": namespace})
        )

    def _ask_get_class(self, name: str, namespace: str | None) -> "Class":
        return self._read_class(self._client.ask("get_class", {"name": name, "namespace": namespace}))

    def _full_path(self, path: str, namespace: str | None) -> str:
        """Return a path, with ``namespace`` added if the path has none; ``namespace`` can be None."""
        from logonscope.cim.paths import parse_path  # noqa: PLC0415 -- only methods need it

        parsed_path = parse_path(path)
        return path if parsed_path.namespace or namespace is None else str(parsed_path._replace(namespace=namespace))

    def _read_row(self, line: Line) -> "Instance | Class":
        return self._read_instance(line) if "properties" in line and "path" in line else self._read_class(line)

    def _read_instance(self, line: Line) -> "Instance":
        from logonscope.cim.instances import Instance, Shape  # noqa: PLC0415 -- questions need no classes
        from logonscope.wire.json.instances import read_instance  # noqa: PLC0415 -- questions need no classes

        self._add_class(str(line.get("class")), str(line.get("namespace")))
        row = read_instance(line, self.schema)
        key = row.cls, row.server, row.shown, tuple(row.values)
        if key not in self._shapes:
            columns = {name: index for index, name in enumerate(row.values)}
            self._shapes[key] = Shape(row.cls, columns, row.server, row.shown)
        return Instance(self._shapes[key], tuple(row.values.values()))

    def _read_class(self, line: Line, depth: int = 0) -> "Class":
        from logonscope.wire.json.classes import read_declaration  # noqa: PLC0415 -- questions need no classes

        declaration = read_declaration(line)
        namespace = declaration.namespace or ""
        if declaration.superclass:
            self._add_class(declaration.superclass, namespace, depth + 1)
        return self.schema.add(declaration, namespace)

    def _add_class(self, name: str, namespace: str, depth: int = 0) -> None:
        """Request a class and its ancestors, as far as the schema lacks them, and add them to the schema."""
        if depth < MAX_DEPTH and self.schema.find(name, namespace.replace("/", "\\")) is None:
            self._read_class(self._client.ask("get_class", {"name": name, "namespace": namespace}), depth)


class PastJsonHost(JsonHost):
    """A host of the JSON API as it was at a moment."""

    def __init__(self, client: JsonClient, moment: datetime) -> None:
        super().__init__(client)
        self._moment = moment

    @property
    def moment(self) -> datetime:
        return self._moment


def _read_rows(read: Callable[[Line], Any], lines: Generator[Line, None, None]) -> Iterator[Any]:
    """Yield the row that a function reads from each line; closing the iterator closes the response."""
    try:
        for line in lines:
            yield read(line)
    finally:
        lines.close()
