"""Win32_LogonSession: which logon sessions are there?"""

from logonscope.providers.helpers.process_keys import logon_meant
from logonscope.providers.helpers.provider import Provider, column, nothing
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="logon session",
    columns={
        "Caption": nothing("so it is on Windows"),
        "Description": nothing("so it is on Windows"),
        "InstallDate": nothing("so it is on Windows"),
        "Name": nothing("so it is on Windows"),
        "Status": nothing("so it is on Windows"),
        "StartTime": column(
            lambda session, *_: session.start,
            "the login service's time; without a record the earliest start among its processes whose parent is not in"
            " it; of the System session the boot, /proc/stat: btime",
        ),
        "LogonId": column(lambda session, *_: session.logon_id, "the rule that decided: see Win32_SessionProcess"),
        "AuthenticationPackage": column(
            lambda session, *_: clean(session.authentication_package),
            "PAM where only PAM can have decided; null for ssh, whose own log alone tells",
        ),
        "LogonType": column(
            lambda session, *_: session.logon_type,
            "class, type, PAM service, seat, terminal and remote host of the login's record, else the program that it"
            " began with; null where nothing says what it was",
        ),
    },
    fixes={"LogonId": logon_meant},
)
