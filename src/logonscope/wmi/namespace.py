"""The namespace object of a script; its attributes are the classes."""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from logonscope import errors
from logonscope.cim.paths import parse_path
from logonscope.client import Host
from logonscope.wmi.errors import read_only, wmi_errors
from logonscope.wmi.objects import _wmi_class, _wmi_object, make_watcher, select_objects, wmi_objects

if TYPE_CHECKING:
    from logonscope.wmi.watcher import _wmi_watcher

_ASSOCIATION_QUERY = re.compile(r"\s*(?:ASSOCIATORS|REFERENCES)\b", re.IGNORECASE)


class _wmi_namespace:
    """A namespace of a host; its attributes are the classes, whose names match in upper or lower case."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name

    def __getattr__(self, name: str) -> _wmi_class:
        # copy and pickle request __setstate__ before these attributes are set: the code below would recurse forever
        if name in {"_host", "_name"}:
            raise AttributeError(name)
        with wmi_errors():
            try:
                return _wmi_class(self._host, self._host.get_class(name, namespace=self._name))
            except errors.InvalidClassError as error:
                raise AttributeError(str(error)) from None

    @property
    def classes(self) -> list[str]:
        """Return the names of the classes in alphabetical order."""
        return sorted(self.subclasses_of())

    def subclasses_of(self, root: str = "", regex: str = ".*") -> set[str]:
        """Return the names of the subclasses of ``root``, or of all classes.

        ``regex`` must match the beginning of a name.
        """
        with wmi_errors():
            superclass = self._host.get_class(root, namespace=self._name).name if root else None
            classes = self._host.classes(namespace=self._name)
            names = (cls.name for cls in classes if superclass is None or superclass in cls.derivation)
            return {name for name in names if re.match(regex, name)}

    def query(self, wql: str, instance_of: object = None, fields: Sequence[str] = ()) -> list[Any]:
        r"""Run a WQL query; in SELECT a backslash is a plain character: ``Name = 'DOMAIN\alice'``.

        ``instance_of`` and ``fields`` are ignored.
        """
        # Scripts for the module ``wmi`` write single backslashes in SELECT; other queries are passed unchanged.
        with wmi_errors():
            text = wql if _ASSOCIATION_QUERY.match(wql) else wql.replace("\\", "\\\\")
            return wmi_objects(self._host, self._host.query_any(text, namespace=self._name))

    def instances(self, class_name: str) -> list[Any]:
        """Return the instances of a class."""
        return select_objects(self._host, self._name, class_name)

    def fetch_as_classes(self, wmi_classname: str, fields: Sequence[str] = (), **where_clause: object) -> list[Any]:
        """Return the matching instances as plain objects, whose attributes are the properties in ``fields``, or all."""
        rows = select_objects(self._host, self._name, wmi_classname, fields, where_clause)
        return [
            SimpleNamespace(**{name: row.wmi_property(name).value for name in fields or row.properties}) for row in rows
        ]

    def fetch_as_lists(self, wmi_classname: str, fields: Sequence[str], **where_clause: object) -> list[list[Any]]:
        """Return the matching instances as lists of the values of the properties in ``fields``."""
        rows = select_objects(self._host, self._name, wmi_classname, fields, where_clause)
        return [[row.wmi_property(name).value for name in fields] for row in rows]

    def get(self, moniker: str) -> Any:
        """Return the object or the class of an object path."""
        with wmi_errors():
            path = parse_path(moniker)
            if path.keys is not None:
                return _wmi_object(self._host, self._host.get(moniker, namespace=self._name), {})
            namespace = f"\\\\{path.server or '.'}\\{path.namespace or self._name}"
            return _wmi_class(self._host, self._host.get_class(path.class_name, namespace=namespace))

    def handle(self) -> Host:
        """Return the Host of this namespace, for methods that WMI does not have: ``c.handle().whose(4312)``."""
        return self._host

    def watch_for(
        self,
        raw_wql: str | None = None,
        notification_type: str = "operation",
        wmi_class: "_wmi_class | str | None" = None,
        delay_secs: float = 1,
        fields: Sequence[str] = (),
        **where_clause: object,
    ) -> "_wmi_watcher":
        """Return a watcher for a WQL event query, or for the events of a class; call the watcher for the next event."""
        if raw_wql is not None:
            return make_watcher(self._host, self._name, raw_wql.replace("\\", "\\\\"))
        if wmi_class is None:
            with wmi_errors():
                raise errors.InvalidParameterError("nothing to watch", "give raw_wql or wmi_class")
        watched = getattr(self, wmi_class) if isinstance(wmi_class, str) else wmi_class
        watcher: _wmi_watcher = watched.watch_for(notification_type, delay_secs, fields, **where_clause)
        return watcher

    new = new_instance_of = read_only

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self.classes])

    def __repr__(self) -> str:
        return f"<_wmi_namespace: {self._name} of {self._host!r}>"
