"""LS_LogonRecord: past and present logon sessions, as the history keeps them."""

from logonscope.providers.helpers.process_keys import select_login_uid, select_login_user, select_logon_id
from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.record_columns import logon_column, select_record, select_ssh_key

_RECORD = "the history: the login record"
_LOG = "the history: sshd's line about the login"

PROVIDER = Provider(
    subject="logon record",
    columns={
        "RecordId": logon_column("record", "its key in the history"),
        "LogonId": logon_column("logon_id"),
        "Guid": logon_column("guid", "as Guid of LS_LogonSession"),
        "BootId": logon_column("boot_id"),
        "User": logon_column(
            "user", "the history: the account name of Uid at that time, else the name in the login record"
        ),
        "Uid": logon_column("uid"),
        "LogonType": logon_column("logon_type", "as LogonType of LS_LogonSession"),
        "StartTime": logon_column("start", f"{_RECORD}, else when its first process was seen"),
        "LogoutTime": logon_column("logout", "the history: the end of its leader"),
        "EndTime": logon_column("end", "the history: the end of its last process"),
        "EndIsApproximate": logon_column("end_is_approximate"),
        "Service": logon_column("service", _RECORD),
        "Terminal": logon_column("tty", f"{_RECORD}, else tty_nr right below the leader"),
        "Seat": logon_column("seat", _RECORD),
        "LoginId": logon_column("login", _RECORD),
        "RemoteHost": logon_column("remote_host", _RECORD),
        "RemoteAddress": logon_column("remote_address", "as RemoteAddress of LS_LogonSession"),
        "RemotePort": logon_column("remote_port", "as RemotePort of LS_LogonSession"),
        "AuthenticationMethod": logon_column("authentication_method", _LOG),
        "KeyType": logon_column("key_type", _LOG),
        "KeyFingerprint": logon_column("key_fingerprint", _LOG),
    },
    selections={
        "RecordId": select_record, "LogonId": select_logon_id, "User": select_login_user, "Uid": select_login_uid,
        "KeyFingerprint": select_ssh_key,
    },
    ranges={"StartTime": "started", "EndTime": "ended", "KeyFingerprint": "key"},
)  # fmt: skip
