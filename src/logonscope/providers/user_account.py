"""Win32_UserAccount: accounts of people: root, and uids from UID_MIN of login.defs on."""

from logonscope.facts import Account
from logonscope.providers.helpers.account_columns import SHADOW, full_name, is_locked, select_user_name, user_columns
from logonscope.providers.helpers.account_names import is_user_account
from logonscope.providers.helpers.provider import PASSWORDS, Context, Provider, column, constant

NORMAL_ACCOUNT = 512
"""UF_NORMAL_ACCOUNT (USER_INFO_2): the flag of an ordinary account."""

AGELESS_DAYS = 10_000
"""Days: if a password is valid for so many days or more, chage(1) shows that it never expires."""


def _password_changeable(account: Account, _: Context) -> bool | None:
    if account.password is None:
        return None
    shortest, longest = account.password_min_days or 0, account.password_max_days
    return account.password in {"usable", "none"} and (longest is None or shortest <= longest)


def _password_expires(account: Account, _: Context) -> bool | None:
    days = account.password_max_days
    return None if account.password is None else days is not None and days < AGELESS_DAYS


def _password_required(account: Account, _: Context) -> bool | None:
    return None if account.password is None else account.password != "none"  # noqa: S105 -- a state, no password


PROVIDER = Provider(
    subject="user",
    is_instance=lambda account, context: is_user_account(account.uid, context.machine.uid_min),
    columns=user_columns()
    | {
        "AccountType": constant(NORMAL_ACCOUNT, "512: a normal account"),
        "Disabled": column(lambda account, _: account.expired, SHADOW.format("the account has expired"), PASSWORDS),
        "FullName": column(lambda account, _: full_name(account), "passwd(5): comment up to its first comma"),
        "Lockout": column(
            lambda account, _: is_locked(account), SHADOW.format("a locked password (usermod -L)"), PASSWORDS
        ),
        "PasswordChangeable": column(
            _password_changeable, SHADOW.format("there is a password that passwd(1) may change"), PASSWORDS
        ),
        "PasswordExpires": column(_password_expires, SHADOW.format("the greatest age of the password"), PASSWORDS),
        "PasswordRequired": column(
            _password_required, SHADOW.format("the field of the password is not empty"), PASSWORDS
        ),
    },
    distinct_key=lambda account, _: account.name,
    selections={"Name": select_user_name},
)
