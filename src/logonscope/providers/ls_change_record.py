"""LS_ChangeRecord: changes of the program, the user or the logon session of past and present processes."""

from logonscope.providers.helpers.provider import COMMAND_LINES, Provider
from logonscope.providers.helpers.record_columns import change_column, select_process_record, select_record

PROVIDER = Provider(
    subject="change record",
    columns={
        "RecordId": change_column("record", "its key in the history"),
        "ProcessRecordId": change_column("process_record"),
        "LogonRecordId": change_column("logon_record"),
        "LogonId": change_column("logon_id"),
        "ChangeTime": change_column("time"),
        "ProcessId": change_column("pid"),
        "Name": change_column("name"),
        "ExecutablePath": change_column("executable"),
        "CommandLine": change_column("command_line", "the history, by history_command_lines", COMMAND_LINES),
        "User": change_column("user", "the history: the account name of Uid at that time"),
        "Uid": change_column("uid", "the history: the effective uid"),
        "SudoCommand": change_column("sudo_command", "the history: sudo's line in the log; for administrators"),
    },
    selections={"RecordId": select_record, "ProcessRecordId": select_process_record},
    ranges={"ChangeTime": "changed"},
)
