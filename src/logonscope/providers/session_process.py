"""Win32_SessionProcess: which logon session does each process belong to?"""

from collections.abc import Iterable, Iterator

from logonscope.cim.types import Value
from logonscope.facts import Process
from logonscope.machine import OWNER, Owner
from logonscope.providers.helpers.process_keys import is_placed, process_meant, process_reference, session_meant
from logonscope.providers.helpers.provider import Context, End, Provider, column


def _pairs(owned: Iterable[tuple[Process, Owner]], _: Context) -> Iterator[tuple[Value, ...]]:
    """Yield every pair: what is asked most, of the whole host, and of two columns."""
    for process, owner in owned:
        logon = owner.logon
        if logon is not None:
            yield ("Win32_LogonSession", logon), ("Win32_Process", str(process.pid))


PROVIDER = Provider(
    subject="process",
    of=is_placed,
    of_facts=frozenset({OWNER}),
    columns={
        "Antecedent": column(
            lambda _, owner, __: ("Win32_LogonSession", owner.logon),
            "the first of the rules scope, audit, manager, none that matches", OWNER,
        ),
        "Dependent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    fixes={"Antecedent": session_meant, "Dependent": process_meant},
    whole=_pairs,
)  # fmt: skip
