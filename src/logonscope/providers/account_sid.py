"""Win32_AccountSID: the SID of each user's account."""

from logonscope.providers.helpers.account_names import (
    account_reference,
    class_of_user,
    select_user_reference,
    user_sid,
)
from logonscope.providers.helpers.provider import End, Provider, column

PROVIDER = Provider(
    subject="user",
    columns={
        "Element": column(
            lambda account, context: account_reference(
                account.name, context.machine.hostname, class_of_user(account.uid, context.machine.uid_min)
            ),
            "passwd(5): name",
        ),
        "Setting": column(lambda account, _: ("Win32_SID", user_sid(account.uid)), "see Win32_SID"),
    },
    ends={"Element": End("user", slice(0, 1)), "Setting": End("user", slice(0, 1))},
    distinct_key=lambda account, _: account.name,
    selections={"Element": select_user_reference},
)
