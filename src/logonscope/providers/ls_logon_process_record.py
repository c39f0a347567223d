"""LS_LogonProcessRecord: the logon record that a process record names."""

from logonscope.answers.history import PastLogin, PastProcess
from logonscope.providers.helpers.provider import Context, End, Provider, column
from logonscope.providers.helpers.record_columns import (
    HISTORY_SOURCE,
    record_reference,
    select_logon_record_reference,
    select_record_reference,
)


def _has_logon_record(_: PastProcess, login: PastLogin, __: Context) -> bool:
    return bool(login.record)


PROVIDER = Provider(
    subject="process record",
    is_instance=_has_logon_record,
    columns={
        "Antecedent": column(record_reference("LS_LogonRecord", 1), HISTORY_SOURCE),
        "Dependent": column(record_reference("LS_ProcessRecord", 0), HISTORY_SOURCE),
    },
    ends={"Antecedent": End("logon record", slice(1, 2)), "Dependent": End("process record", slice(0, 2))},
    selections={"Antecedent": select_logon_record_reference, "Dependent": select_record_reference},
)
