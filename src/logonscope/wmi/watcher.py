"""Watchers of a script: ``c.Win32_Process.watch_for("creation")()`` waits for the next process."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logonscope import errors
from logonscope.cim.instances import Instance
from logonscope.client import Host
from logonscope.wmi.errors import wmi_errors
from logonscope.wmi.values import wql_equals

if TYPE_CHECKING:
    from logonscope.client.watch import Watch

NOTIFICATION_TYPES = ("operation", "creation", "deletion", "modification")
"""Types of the events about an instance; "operation" means any of the other three."""


class _wmi_watcher:
    """Waits for events. From the creation of the watcher until it is closed or deleted, events are kept for it."""

    def __init__(self, host: Host, namespace: str, wql: str, make_event: Callable[[Host, Instance], Any]) -> None:
        """Begin to watch.

        Args:
            host: the host.
            namespace: the namespace of the classes of the query.
            wql: the event query.
            make_event: returns the object that a script gets for an event.
        """
        self._host, self._wql, self._make_event = host, wql, make_event
        with wmi_errors():
            self._watch: Watch = host.watch(wql, namespace=namespace)

    def __call__(self, timeout_ms: int = -1) -> Any:
        """Return the next event.

        Args:
            timeout_ms: milliseconds to wait for the event; negative: no limit.

        Raises:
            x_wmi_timed_out: there was no event in time, or a class could not be read in time.
            x_wmi: events were lost, or the watch has ended or failed.
        """
        with wmi_errors():
            event = self._watch.wait(None if timeout_ms < 0 else timeout_ms / 1000)
            if event is None and self._watch.is_closed:
                raise errors.TransportFailureError("the events have ended", "watch again")
            if event is None:
                raise errors.TimedOutError(f"no event within {timeout_ms} ms", "call the watcher again")
            if not isinstance(event, Instance):
                raise errors.TransportFailureError(event.lost_text, "call the watcher again, more often")
            return self._make_event(self._host, event)

    def close(self) -> None:
        """End the watch."""
        self._watch.close()

    def __del__(self) -> None:
        if hasattr(self, "_watch"):
            self._watch.close()

    def __repr__(self) -> str:
        return f"<_wmi_watcher: {self._wql}>"


def watch_query(
    class_name: str,
    notification_type: str,
    delay_secs: float,
    fields: Sequence[str],
    where: Mapping[str, object],
    *,
    is_extrinsic: bool,
) -> str:
    """Return the event query of ``watch_for``.

    For a class of extrinsic events, type and delay are ignored; for any other class, ``fields`` is ignored.

    Raises:
        x_wmi: the notification type does not exist.
    """
    if is_extrinsic:
        conditions = [f"{name} {wql_equals(value)}" for name, value in where.items()]
        text = f"SELECT {', '.join(fields) or '*'} FROM {class_name}"  # noqa: S608 -- WQL only reads
    else:
        folded_type = notification_type.lower()
        if folded_type not in NOTIFICATION_TYPES:
            expected = f"expected {', '.join(NOTIFICATION_TYPES)}"
            with wmi_errors():
                raise errors.InvalidParameterError(f"invalid notification type {notification_type!r}: {expected}")
        conditions = [f"TargetInstance ISA '{class_name}'"]
        conditions += [f"TargetInstance.{name} {wql_equals(value)}" for name, value in where.items()]
        text = f"SELECT * FROM __Instance{folded_type.capitalize()}Event WITHIN {delay_secs:g}"  # noqa: S608 -- WQL only reads
    return f"{text} WHERE {' AND '.join(conditions)}" if conditions else text
