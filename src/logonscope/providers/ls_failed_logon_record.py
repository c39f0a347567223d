"""LS_FailedLogonRecord: attempts to log in, or to become another user, that were refused; for administrators."""

from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.record_columns import attempt_column, select_attempted_user, select_record

_LOG = "the history: the line of the login program, or btmp"

PROVIDER = Provider(
    subject="failed logon record",
    columns={
        "RecordId": attempt_column("record", "its key in the history"),
        "Time": attempt_column("time", "the history: the time of the line"),
        "BootId": attempt_column("boot_id"),
        "User": attempt_column("user", _LOG),
        "IsKnownUser": attempt_column(
            "is_known_user", "the history: the login program's report, else the accounts at that time"
        ),
        "Service": attempt_column("service", _LOG),
        "Terminal": attempt_column("tty", _LOG),
        "RemoteHost": attempt_column("remote_host", _LOG),
        "RemoteAddress": attempt_column("remote_address", _LOG),
        "RemotePort": attempt_column("remote_port", _LOG),
        "AuthenticationMethod": attempt_column("method", _LOG),
        "ByUser": attempt_column("by_user", _LOG),
        "Command": attempt_column("command", _LOG),
        "Reason": attempt_column("reason", _LOG),
        "Attempts": attempt_column("attempts", _LOG),
        "ProcessId": attempt_column("pid", "the history: the process that logged the line"),
        "Source": attempt_column("source", "the history: which log it was"),
    },
    selections={"RecordId": select_record, "User": select_attempted_user},
    ranges={"Time": "changed"},
)
