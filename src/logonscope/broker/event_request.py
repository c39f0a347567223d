"""Requests for the events of one batch: they read nothing of other processes, whatever the events are about."""

from functools import cached_property

from logonscope.broker.access import ForeignByProcess, Visibility
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.machine import Look, Owner


class EventRequest(Request):
    """A request whose logon sessions are judged by the facts in the events alone."""

    @classmethod
    def renewed(cls, request: Request) -> "EventRequest":
        """Return a request of the same caller with values of its own."""
        return cls(request.source, request.ownership, request.caller, Look(), request.__dict__.get("schema"))

    @cached_property
    def visibility(self) -> Visibility:
        """Return what the caller may see; what could be foreign is hidden, because its first process is not read."""
        return Visibility(self.caller, self.ownership, ForeignByProcess(self.ownership))

    def user_name(self, process: Process, owner: Owner) -> str | None:
        """Return the account name of a process's effective uid; None where it may not be one of this host."""
        uid = process.uids[1] if process.uids else None
        is_foreign = ForeignByProcess(self.ownership).is_foreign_uid(process, owner, uid)
        return None if is_foreign else self.accounts.name(uid)

    def is_leftover(self, owner: Owner) -> bool | None:
        """Return whether a logon session with a record is logged out; None for others: that takes all processes."""
        has_record = owner.logon_id is not None and self.ownership.has_record(owner)
        return self.ownership.is_logged_out(owner, ()) if has_record else None
