"""Win32_LoggedOnUser: the account of each logon session.

A logon session has no account if its login uid is not known or, as in the System session, not set. A logon session that
began in a container or below another root directory has no account if its uid does not belong to this host.
"""

from logonscope.answers.logon_session import LogonSession
from logonscope.cim.types import Value
from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import (
    account_name_or_uid,
    account_reference,
    class_of_user,
    possible_names,
)
from logonscope.providers.helpers.process_keys import select_session
from logonscope.providers.helpers.provider import Context, End, Provider, column


def _account(session: LogonSession, _: object, context: Context) -> tuple[Value, ...]:
    name = session.user or account_name_or_uid(session.uid or 0, context.accounts)
    return account_reference(name, context.machine.hostname)


def _class_of_account(session: LogonSession, _: object, context: Context) -> str:
    """Return the class of the account; Win32_Account if no name service knows the uid."""
    uid = session.uid or 0
    return class_of_user(uid, context.machine.uid_min) if context.accounts.get(uid) else "Win32_Account"


def _select_logons(account: tuple[Value, ...], _: object) -> Selection:
    return Selection(login_users=possible_names(account[2], account[1]))


PROVIDER = Provider(
    subject="logon session",
    is_instance=lambda session, *_: session.uid is not None and not session.is_foreign,
    columns={
        "Antecedent": column(_account, "the account name of the login uid, else the uid"),
        "Dependent": column(lambda session, *_: ("Win32_LogonSession", session.logon_id), "see Win32_LogonSession"),
    },
    compared_columns={"Antecedent.__CLASS": column(_class_of_account, "see Win32_UserAccount")},
    ends={"Antecedent": End("user"), "Dependent": End("logon session", slice(0, 2))},
    selections={"Antecedent": _select_logons, "Dependent": select_session},
)
