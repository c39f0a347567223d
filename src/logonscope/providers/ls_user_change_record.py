"""LS_UserChangeRecord: past changes of the user of a process, such as those by sudo and su."""

from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.record_columns import (
    select_logon_record,
    select_process_record,
    select_record,
    user_change_column,
)

_KERNEL = "the history: the kernel's event"

PROVIDER = Provider(
    subject="user change record",
    columns={
        "RecordId": user_change_column("record", "its key in the history"),
        "ProcessRecordId": user_change_column("process_record"),
        "LogonRecordId": user_change_column("logon_record"),
        "LogonId": user_change_column("logon_id"),
        "BootId": user_change_column("boot_id"),
        "Time": user_change_column("time", _KERNEL),
        "ProcessId": user_change_column("pid", _KERNEL),
        "FromUid": user_change_column("from_uid", _KERNEL),
        "FromUser": user_change_column("from_user", "the history: the account name of FromUid at that time"),
        "ToUid": user_change_column("to_uid", _KERNEL),
        "ToUser": user_change_column("to_user", "the history: the account name of ToUid at that time"),
        "IsComplete": user_change_column("is_complete", _KERNEL),
        "Program": user_change_column("program", "the history: comm after the change"),
        "Through": user_change_column("through", "the history: comm of the set-user-ID program"),
        "Command": user_change_column("command", "the history: sudo's line in the log; for administrators"),
    },
    selections={
        "RecordId": select_record, "ProcessRecordId": select_process_record, "LogonRecordId": select_logon_record,
    },
    ranges={"Time": "changed"},
)  # fmt: skip
