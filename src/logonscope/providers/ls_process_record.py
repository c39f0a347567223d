"""LS_ProcessRecord: past and present processes, as the history keeps them."""

from logonscope.providers.helpers.process_keys import (
    select_login_uid,
    select_login_user,
    select_logon_id,
    select_process_user,
)
from logonscope.providers.helpers.provider import COMMAND_LINES, Provider, column
from logonscope.providers.helpers.record_columns import (
    login_of_process_column,
    process_column,
    select_logon_record,
    select_process_id,
    select_process_name,
    select_record,
)

PROVIDER = Provider(
    subject="process record",
    columns={
        "RecordId": process_column(
            "record", "its number in the history; for others than administrators encrypted"
        ),
        "ParentRecordId": process_column("parent_record"),
        "LogonRecordId": process_column("logon_record"),
        "LogonId": process_column("logon_id"),
        "LoginUser": login_of_process_column("user", "as User of LS_LogonRecord"),
        "LoginUid": login_of_process_column("uid", "as Uid of LS_LogonRecord"),
        "ProcessId": process_column("pid"),
        "ParentProcessId": process_column("ppid"),
        "Guid": process_column("guid", "as Guid of LS_Process"),
        "BootId": process_column("boot_id"),
        "Name": process_column("name", "the history: its name after its first execve(2)"),
        "ExecutablePath": process_column("executable"),
        "CommandLine": process_column("command_line", "the history, by history_command_lines", COMMAND_LINES),
        "User": process_column("user", "the history: the account name of Uid at that time"),
        "Uid": process_column("uid", "the history: the effective uid"),
        "StartTime": process_column("start"),
        "StartIsApproximate": process_column("start_is_approximate"),
        "EndTime": process_column("end"),
        "EndIsApproximate": process_column("end_is_approximate"),
        "Milliseconds": column(
            lambda process, *_: None if process.seconds is None else round(process.seconds * 1000),
            "the history: from its start to its end",
        ),
        "ExitCode": process_column("exit_code", "the history: the status that wait(2) returns"),
        "Signal": process_column("signal", "the history: the status that wait(2) returns"),
    },
    selections={
        "RecordId": select_record, "LogonRecordId": select_logon_record, "LogonId": select_logon_id,
        "LoginUser": select_login_user, "LoginUid": select_login_uid, "ProcessId": select_process_id,
        "Name": select_process_name, "User": select_process_user,
    },
    ranges={"StartTime": "started", "EndTime": "ended", "Name": "name"},
)  # fmt: skip
