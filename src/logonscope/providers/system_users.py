"""Win32_SystemUsers: the user accounts of the computer."""

from logonscope.providers.helpers.account_names import account_reference, is_user_account, select_user_reference
from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.provider import End, Provider, column, host_column

PROVIDER = Provider(
    subject="user",
    is_instance=lambda account, context: is_user_account(account.uid, context.machine.uid_min),
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": column(
            lambda account, context: account_reference(account.name, context.machine.hostname, "Win32_UserAccount"),
            "see Win32_UserAccount",
        ),
    },
    distinct_key=lambda account, _: account.name,
    ends={"GroupComponent": End("machine"), "PartComponent": End("user", slice(0, 1))},
    selections={"PartComponent": select_user_reference},
)
