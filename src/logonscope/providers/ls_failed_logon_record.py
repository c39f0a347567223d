"""LS_FailedLogonRecord: attempts to log in, or to become another user, that were rejected; for administrators."""

from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.record_columns import failed_logon_column, select_attempted_user, select_record

_LOG = "the history: the line of the login program, or btmp"

PROVIDER = Provider(
    subject="failed logon record",
    columns={
        "RecordId": failed_logon_column("record", "its key in the history"),
        "Time": failed_logon_column("time", "the history: the time of the line"),
        "BootId": failed_logon_column("boot_id"),
        "User": failed_logon_column("user", _LOG),
        "IsKnownUser": failed_logon_column(
            "is_known_user", "the history: the login program's report, else the accounts at that time"
        ),
        "Service": failed_logon_column("service", _LOG),
        "Terminal": failed_logon_column("tty", _LOG),
        "RemoteHost": failed_logon_column("remote_host", _LOG),
        "RemoteAddress": failed_logon_column("remote_address", _LOG),
        "RemotePort": failed_logon_column("remote_port", _LOG),
        "AuthenticationMethod": failed_logon_column("method", _LOG),
        "ByUser": failed_logon_column("by_user", _LOG),
        "Command": failed_logon_column("command", _LOG),
        "Reason": failed_logon_column("reason", _LOG),
        "Attempts": failed_logon_column("attempts", _LOG),
        "ProcessId": failed_logon_column("pid", "the history: the process that logged the line"),
        "Source": failed_logon_column("source", "the history: which log it was"),
    },
    selections={"RecordId": select_record, "User": select_attempted_user},
    ranges={"Time": "changed"},
)
