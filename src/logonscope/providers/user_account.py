"""Win32_UserAccount: which people have an account? root, and the uids from UID_MIN of login.defs on."""

from logonscope.providers.helpers.account_columns import full_name, user_columns, user_named
from logonscope.providers.helpers.account_names import is_person
from logonscope.providers.helpers.provider import Provider, always, column, nothing

NORMAL_ACCOUNT = 512
"""UF_NORMAL_ACCOUNT (USER_INFO_2)."""

SHADOW = "shadow(5), which tells it, is not read: it holds the hashes of passwords"

PROVIDER = Provider(
    subject="user",
    of=lambda account, context: is_person(account.uid, context.machine.uid_min),
    columns=user_columns()
    | {
        "AccountType": always(NORMAL_ACCOUNT, "512: a normal account"),
        "Disabled": nothing(SHADOW),
        "FullName": column(lambda account, _: full_name(account), "passwd(5): comment up to its first comma"),
        "Lockout": nothing(SHADOW),
        "PasswordChangeable": nothing(SHADOW),
        "PasswordExpires": nothing(SHADOW),
        "PasswordRequired": nothing(SHADOW),
    },
    distinct=lambda account, _: account.name,
    fixes={"Name": user_named},
)
