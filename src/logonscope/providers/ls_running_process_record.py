"""LS_RunningProcessRecord: the record that the history keeps of a process that runs."""

from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.record_columns import HISTORY_SOURCE, record_reference, select_record_reference

PROVIDER = Provider(
    subject="present process record",
    columns={
        "Antecedent": column(
            lambda process, *_: process_reference(process, "LS_Process"), "its directory in /proc: pid and start"
        ),
        "Dependent": column(record_reference("LS_ProcessRecord", 2), HISTORY_SOURCE),
    },
    ends={"Antecedent": End("process", slice(0, 2)), "Dependent": End("process record", slice(2, 4))},
    selections={"Antecedent": select_process, "Dependent": select_record_reference},
)
