"""Win32_SystemAccount: which accounts are the system's own? The uids below UID_MIN of login.defs, but for root."""

from logonscope.providers.helpers.account_columns import user_columns, user_named
from logonscope.providers.helpers.account_names import is_person
from logonscope.providers.helpers.provider import Provider

PROVIDER = Provider(
    subject="user",
    of=lambda account, context: not is_person(account.uid, context.machine.uid_min),
    columns=user_columns(),
    distinct=lambda account, _: account.name,
    fixes={"Name": user_named},
)
