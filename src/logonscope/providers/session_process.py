"""Win32_SessionProcess: the logon session that each process belongs to."""

from collections.abc import Iterable, Iterator

from logonscope.cim.types import Value
from logonscope.machine import OWNER_FACT
from logonscope.providers.helpers.process_keys import has_session, process_reference, select_process, select_session
from logonscope.providers.helpers.provider import End, Provider, column


def _rows_of_pairs(pairs: Iterable[tuple[int, str]]) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of pairs of a pid and a LogonId: a fast path, for the most frequent query on a whole host."""
    for pid, logon_id in pairs:
        yield ("Win32_LogonSession", logon_id), ("Win32_Process", str(pid))


PROVIDER = Provider(
    subject="process",
    is_instance=has_session,
    instance_facts=frozenset({OWNER_FACT}),
    columns={
        "Antecedent": column(
            lambda _, owner, __: ("Win32_LogonSession", owner.logon_id),
            "the first rule that matches, of these: scope, audit, manager, none", OWNER_FACT,
        ),
        "Dependent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    selections={"Antecedent": select_session, "Dependent": select_process},
    rows_of_pairs=_rows_of_pairs,
)  # fmt: skip
