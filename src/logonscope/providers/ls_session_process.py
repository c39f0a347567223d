"""LS_SessionProcess: the logon session that a process belongs to, and the evidence for it."""

from logonscope.machine import OWNER_FACT, start_time
from logonscope.machine.identity import process_guid
from logonscope.providers.helpers.process_keys import (
    has_session,
    process_reference,
    select_login_uid,
    select_process,
    select_process_user,
    select_session,
)
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.text import clean
from logonscope.providers.ls_process import USER_FACTS

PROVIDER = Provider(
    subject="process",
    is_instance=has_session,
    instance_facts=frozenset({OWNER_FACT}),
    columns={
        "Antecedent": column(
            lambda _, owner, __: ("LS_LogonSession", owner.logon_id), "by the rule in Evidence", OWNER_FACT
        ),
        "Dependent": column(lambda process, *_: process_reference(process, "LS_Process"), "its directory in /proc"),
        "Evidence": column(
            lambda _, owner, __: owner.evidence, "the first rule that matches, of these: scope, manager, audit, none",
            OWNER_FACT,
        ),
        "User": column(
            lambda process, owner, context: clean(context.logons.user_name(process, owner)),
            "the account name of Uid; null for a uid of a container or of another root directory", *USER_FACTS,
        ),
        "Uid": column(lambda process, *_: process.uids and process.uids[1], "status: Uid, the effective uid", "uids"),
        "LoginUid": column(
            lambda process, owner, context: context.ownership.login_uid(owner, (process,)),
            "loginuid, else the uid in the login record", "loginuid", OWNER_FACT,
        ),
        "StartTime": column(
            lambda process, _, context: start_time(process, context.machine),
            "stat: starttime, counted from the boot (/proc/stat: btime)", "start",
        ),
        "Leftover": column(
            lambda _, owner, context: context.logons.is_leftover(owner),
            "whether the leader in the login record is gone; without a record see State of LS_LogonSession", OWNER_FACT,
        ),
        "JoinEvidence": column(
            lambda _, owner, context: context.ownership.join_evidence(owner),
            "as JoinEvidence of LS_LogonSession", OWNER_FACT,
        ),
        "LogonGuid": column(
            lambda _, owner, context: context.logons.logon_guid(owner), "as Guid of LS_LogonSession", OWNER_FACT
        ),
        "ProcessGuid": column(
            lambda process, _, context: process_guid(context.machine, process), "as Guid of LS_Process", "start"
        ),
    },
    ends={"Antecedent": End("logon session"), "Dependent": End("process", slice(0, 2))},
    selections={
        "Antecedent": select_session, "Dependent": select_process, "LoginUid": select_login_uid,
        "User": select_process_user,
    },
)  # fmt: skip
