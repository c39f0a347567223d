"""LS_SubSession: logon sessions that began inside another logon session.

An example is a login through an sshd that a logged-in user started.
"""

from logonscope.providers.helpers.provider import End, Provider, column

_PARENT = "/proc/PID/stat: the parent of the first process of the inner logon session"

PROVIDER = Provider(
    subject="sub session",
    columns={
        "Antecedent": column(lambda outer, *_: ("LS_LogonSession", outer.logon_id), f"{_PARENT}; its owner"),
        "Dependent": column(
            lambda _, inner, *__: ("LS_LogonSession", inner.logon_id), "the owner of the first process"
        ),
        "FirstProcessId": column(
            lambda _, __, first, *___: first.pid, "/proc/PID/stat: the earliest start in the inner logon session"
        ),
        "ParentProcessId": column(lambda _, __, ___, parent, ____: parent.pid, _PARENT),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("logon session")},
)
