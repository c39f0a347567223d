"""Win32_SystemAccount: accounts of the system, with uids below UID_MIN of login.defs, except root."""

from logonscope.providers.helpers.account_columns import select_user_name, user_columns
from logonscope.providers.helpers.account_names import is_user_account
from logonscope.providers.helpers.provider import Provider

PROVIDER = Provider(
    subject="user",
    is_instance=lambda account, context: not is_user_account(account.uid, context.machine.uid_min),
    columns=user_columns(),
    distinct_key=lambda account, _: account.name,
    selections={"Name": select_user_name},
)
