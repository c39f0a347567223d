"""LS_SessionProcess: which logon session each process belongs to, and how that is known."""

from logonscope.machine import OWNER, started_at
from logonscope.providers.helpers.owned import (
    is_placed,
    login_uid_meant,
    process_meant,
    process_reference,
    session_meant,
)
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="process",
    of=is_placed,
    of_facts=frozenset({OWNER}),
    columns={
        "Antecedent": column(lambda _, owner, __: ("LS_LogonSession", owner.logon), "as Evidence says", OWNER),
        "Dependent": column(lambda process, *_: process_reference(process, "LS_Process"), "its directory in /proc"),
        "Evidence": column(
            lambda _, owner, __: owner.evidence, "the first of the rules scope, audit, manager, none that matches",
            OWNER,
        ),
        "User": column(
            lambda process, _, context: clean(context.accounts.name(process.uids and process.uids[1])),
            "the name service's name for Uid", "uids",
        ),
        "Uid": column(lambda process, *_: process.uids and process.uids[1], "status: Uid, the effective one", "uids"),
        "LoginUid": column(
            lambda process, owner, context: context.ownership.login_uid(owner, (process,)),
            "loginuid, else the login service's record", "loginuid", OWNER,
        ),
        "StartTime": column(
            lambda process, _, context: started_at(process, context.machine),
            "stat: starttime, after /proc/stat: btime", "start",
        ),
        "Leftover": column(
            lambda _, owner, __: owner.login and owner.login.gone,
            "whether the leader that the record names is gone", OWNER,
        ),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    fixes={"Antecedent": session_meant, "Dependent": process_meant, "LoginUid": login_uid_meant},
)  # fmt: skip
