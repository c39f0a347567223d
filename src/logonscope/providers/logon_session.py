"""Win32_LogonSession: the logon sessions of the host."""

from logonscope.providers.helpers.process_keys import select_logon_id
from logonscope.providers.helpers.provider import AUTHENTICATION, Provider, always_null, column
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="logon session",
    columns={
        "Caption": always_null("as on Windows"),
        "Description": always_null("as on Windows"),
        "InstallDate": always_null("as on Windows"),
        "Name": always_null("as on Windows"),
        "Status": always_null("as on Windows"),
        "StartTime": column(
            lambda session, *_: session.start,
            "the time in the login record; if it has none, the start of the leader; without a record, the earliest"
            " start of a process whose parent is not in the logon session; for the System session the boot,"
            " /proc/stat: btime",
        ),
        "LogonId": column(lambda session, *_: session.logon_id, "the rule that matched: see Win32_SessionProcess"),
        "AuthenticationPackage": column(
            lambda session, *_: clean(session.authentication_package),
            "PAM if only PAM can have authenticated; for ssh, the method in sshd's line about the login in the journal"
            " (on a host without a journal, in auth.log or secure): PublicKey, PAM, Kerberos or HostBased; null if it"
            " was not logged",
            AUTHENTICATION,
        ),
        "LogonType": column(
            lambda session, *_: session.logon_type,
            "class, type, PAM service, seat, terminal and remote host in the login record, else the program that the"
            " logon session began with; null if neither is known",
        ),
    },
    selections={"LogonId": select_logon_id},
)
