"""Requests about events. To decide about access and leftovers, they read no processes besides those in the events."""

from functools import cached_property

from logonscope.broker.access import ForeignByProcess, Visibility
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.machine import Look, Owner


class EventRequest(Request):
    """A request that decides about logon sessions by the facts in the events alone."""

    @classmethod
    def renewed(cls, request: Request) -> "EventRequest":
        """Return a new request of the same caller, without the values that the old one has kept."""
        return cls(request.source, request.ownership, request.caller, Look(), request.loaded_schema)

    @cached_property
    def visibility(self) -> Visibility:
        """Return what the caller may see.

        A logon session that may be foreign is hidden: to decide whether it is foreign, its first process would have
        to be read.
        """
        return Visibility(self.caller, self.ownership, ForeignByProcess(self.ownership))

    def user_name(self, process: Process, owner: Owner) -> str | None:
        """Return the account name of a process's effective uid; None where the uid may be foreign."""
        uid = process.uids[1] if process.uids else None
        is_foreign = ForeignByProcess(self.ownership).is_foreign_uid(process, owner, uid)
        return None if is_foreign else self.accounts.name(uid)

    def is_leftover(self, owner: Owner) -> bool | None:
        """Return whether the processes of a logon session are leftovers: whether it is logged out.

        None if the logon session has no record: then all of its processes would have to be read.
        """
        has_record = owner.logon_id is not None and self.ownership.has_record(owner)
        return self.ownership.is_logged_out(owner, ()) if has_record else None
