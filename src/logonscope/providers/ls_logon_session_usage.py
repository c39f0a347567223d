"""LS_LogonSessionUsage: the resources that the running processes of each logon session use, as sums."""

from collections.abc import Callable, Sequence
from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Process
from logonscope.machine import Owner
from logonscope.providers.helpers.process_keys import select_logon_id
from logonscope.providers.helpers.provider import COUNTS, Column, Context, Provider, column
from logonscope.providers.helpers.usage import USAGE_FACTS, count_unread, sum_fact, sum_private
from logonscope.providers.process import HUNDRED_NS_PER_SECOND

Members = Sequence[tuple[Process, Owner]]
"""The processes of a logon session, with their owners."""


def _sum_column(source: str, sum_of: Callable[[list[Process], Context], int | None], *facts: str) -> Column:
    def sum_over_members(_: LogonSession, members: Members, context: Context) -> int | None:
        return sum_of([process for process, _ in members], context)

    return column(sum_over_members, source, COUNTS, "uids", *facts)


def _fact_sum(fact: str) -> Callable[[list[Process], Context], int | None]:
    def total(processes: list[Process], _: Context) -> int | None:
        return sum_fact(processes, fact)

    return total


def _time_sum(fact: str) -> Callable[[list[Process], Context], int | None]:
    def total(processes: list[Process], context: Context) -> int | None:
        ticks = sum_fact(processes, fact)
        return None if ticks is None else ticks * HUNDRED_NS_PER_SECOND // context.machine.ticks

    return total


def _private_sum(processes: list[Process], _: Context) -> int | None:
    return sum_private(processes)


def _unread_count(processes: list[Process], _: Context) -> int:
    return count_unread(processes)


def _count(_: LogonSession, members: Members, __: Any) -> int:
    return len(members)


PROVIDER = Provider(
    subject="logon session",
    columns={
        "LogonId": column(lambda session, *_: session.logon_id, "the rule that matched: see LS_SessionProcess"),
        "UserModeTime": _sum_column("stat: utime, summed up", _time_sum("utime"), "utime"),
        "KernelModeTime": _sum_column("stat: stime, summed up", _time_sum("stime"), "stime"),
        "WorkingSetSize": _sum_column("status: VmRSS, summed up", _fact_sum("vm_rss"), "vm_rss"),
        "PrivateMemory": _sum_column("status: RssAnon + VmSwap, summed up", _private_sum, "rss_anon", "vm_swap"),
        "ReadBytes": _sum_column("io: rchar, summed up", _fact_sum("rchar"), "rchar"),
        "WrittenBytes": _sum_column("io: wchar, summed up", _fact_sum("wchar"), "wchar"),
        "ProcessCount": column(_count, "counted, of the processes that the caller may see", COUNTS),
        "UnreadCount": _sum_column(
            "counted: the processes with a file that could not be read", _unread_count, *USAGE_FACTS
        ),
    },
    selections={"LogonId": select_logon_id},
)  # fmt: skip
