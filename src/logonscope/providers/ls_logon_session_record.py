"""LS_LogonSessionRecord: the record that the history keeps of a logon session that exists."""

from logonscope.providers.helpers.process_keys import select_session
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.record_columns import HISTORY_SOURCE, record_reference, select_record_reference

PROVIDER = Provider(
    subject="present logon record",
    columns={
        "Antecedent": column(
            lambda login, _: ("LS_LogonSession", login.logon_id), "the LogonId of a record of this boot without an end"
        ),
        "Dependent": column(record_reference("LS_LogonRecord", 0), HISTORY_SOURCE),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("logon record", slice(0, 1))},
    selections={"Antecedent": select_session, "Dependent": select_record_reference},
)
