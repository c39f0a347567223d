"""LS_ProcessChangeRecord: the process record that a change record belongs to."""

from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.record_columns import (
    HISTORY_SOURCE,
    record_reference,
    select_process_record_reference,
    select_record_reference,
)

PROVIDER = Provider(
    subject="change of process",
    columns={
        "Antecedent": column(record_reference("LS_ProcessRecord", 1), HISTORY_SOURCE),
        "Dependent": column(record_reference("LS_ChangeRecord", 0), HISTORY_SOURCE),
    },
    ends={"Antecedent": End("process record", slice(1, 3)), "Dependent": End("change record", slice(0, 1))},
    selections={"Antecedent": select_process_record_reference, "Dependent": select_record_reference},
)
