"""Win32_UserAccount: accounts of people: root, and uids from UID_MIN of login.defs on."""

from logonscope.providers.helpers.account_columns import full_name, select_user_name, user_columns
from logonscope.providers.helpers.account_names import is_person
from logonscope.providers.helpers.provider import Provider, always_null, column, constant

NORMAL_ACCOUNT = 512
"""UF_NORMAL_ACCOUNT (USER_INFO_2)."""

SHADOW = "shadow(5), which has it, is not read: it holds the hashes of passwords"

PROVIDER = Provider(
    subject="user",
    is_instance=lambda account, context: is_person(account.uid, context.machine.uid_min),
    columns=user_columns()
    | {
        "AccountType": constant(NORMAL_ACCOUNT, "512: a normal account"),
        "Disabled": always_null(SHADOW),
        "FullName": column(lambda account, _: full_name(account), "passwd(5): comment up to its first comma"),
        "Lockout": always_null(SHADOW),
        "PasswordChangeable": always_null(SHADOW),
        "PasswordExpires": always_null(SHADOW),
        "PasswordRequired": always_null(SHADOW),
    },
    distinct_key=lambda account, _: account.name,
    selections={"Name": select_user_name},
)
