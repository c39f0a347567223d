"""Win32_SessionProcess: the logon session that a process belongs to."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat, starmap

from logonscope.cim.types import Value
from logonscope.machine import OWNER_FACT
from logonscope.providers.helpers.process_keys import has_session, process_reference, select_process, select_session
from logonscope.providers.helpers.provider import End, Provider, column


def _rows_of_groups(groups: Iterable[tuple[str, Sequence[int]]]) -> Iterator[tuple[Value, ...]]:
    """Return a row for each pid of groups (LogonId, pids): a fast path for the most frequent queries."""
    return chain.from_iterable(starmap(_rows_of_logon, groups))


def _rows_of_logon(logon_id: str, pids: Sequence[int]) -> Iterable[tuple[Value, ...]]:
    # In answers from /proc and recordings, every group has one pid: the iterators below would cost more than the row.
    if len(pids) == 1:
        return ((("Win32_LogonSession", logon_id), ("Win32_Process", str(pids[0]))),)
    # Python code that runs for each row would take four times as long as these iterators.
    return zip(repeat(("Win32_LogonSession", logon_id)), zip(repeat("Win32_Process"), map(str, pids)))


PROVIDER = Provider(
    subject="process",
    is_instance=has_session,
    instance_facts=frozenset({OWNER_FACT}),
    columns={
        "Antecedent": column(
            lambda _, owner, __: ("Win32_LogonSession", owner.logon_id),
            "the first rule that matches, of these: scope, manager, audit, none", OWNER_FACT,
        ),
        "Dependent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    selections={"Antecedent": select_session, "Dependent": select_process},
    rows_of_groups=_rows_of_groups,
)  # fmt: skip
