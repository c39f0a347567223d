"""LS_SessionProcess: which logon session each process belongs to, and how that is known."""

from logonscope.ownership import is_leftover, login_uid, started_at
from logonscope.providers.helpers.effective_user import effective_user
from logonscope.providers.helpers.owned import (
    is_placed,
    login_uid_meant,
    process_meant,
    process_reference,
    session_meant,
)
from logonscope.providers.helpers.provider import OWNER, End, Provider, column

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
            lambda process, _, context: effective_user(process, context.accounts),
            "the name service's name for Uid", "uids",
        ),
        "Uid": column(lambda process, *_: process.uids and process.uids[1], "status: Uid, the effective one", "uids"),
        "LoginUid": column(
            lambda process, owner, _: login_uid(owner, (process,)), "loginuid, else the login service's record",
            "loginuid", OWNER,
        ),
        "StartTime": column(
            lambda process, _, context: started_at(process, context.machine),
            "stat: starttime, after /proc/stat: btime", "start",
        ),
        "Leftover": column(
            lambda _, owner, __: is_leftover(owner.login), "whether the leader that the record names is gone", OWNER
        ),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    fixes={"Antecedent": session_meant, "Dependent": process_meant, "LoginUid": login_uid_meant},
)  # fmt: skip
