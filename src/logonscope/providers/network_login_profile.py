"""Win32_NetworkLoginProfile: the past logins and the settings of accounts."""

from logonscope.cim.types import Value
from logonscope.machine import Selection, datetime_of_microseconds
from logonscope.providers.helpers.account_columns import full_name
from logonscope.providers.helpers.account_names import domain_and_name, possible_names
from logonscope.providers.helpers.profile_item import HISTORY, Profile
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean

SHADOW = "shadow(5) has it, which is not read for this class; administrators get values of it in Win32_UserAccount"
NO_SUCH_SETTING = "Linux has no such setting"
ADMINISTRATOR = 2


def _name(profile: Profile, context: Context) -> str:
    return "\\".join(domain_and_name(profile.account.name, context.machine.hostname))


def _select_name(name: Value, _: object = None) -> Selection:
    # Name is HOST\name or, for an account of a directory service, DOMAIN\name. The host may use name, DOMAIN\name or
    # name@DOMAIN for this account.
    domain, _, user = str(name).partition("\\")
    return Selection(users=possible_names(user, domain))


PROVIDER = Provider(
    subject="profile",
    columns={
        "SettingID": column(_name, "as Name"),
        "Caption": column(lambda profile, _: clean(profile.account.name), "passwd(5): name"),
        "Description": column(lambda profile, _: clean(profile.account.gecos) or None, "passwd(5): comment"),
        "AccountExpires": always_null(SHADOW),
        "AuthorizationFlags": always_null(NO_SUCH_SETTING),
        "BadPasswordCount": always_null("only some PAM modules count them"),
        "CodePage": always_null(NO_SUCH_SETTING),
        "Comment": column(lambda profile, _: clean(profile.account.gecos) or None, "passwd(5): comment"),
        "CountryCode": always_null(NO_SUCH_SETTING),
        "Flags": always_null(SHADOW),
        "FullName": column(lambda profile, _: full_name(profile.account), "passwd(5): comment up to its first comma"),
        "HomeDirectory": column(lambda profile, _: clean(profile.account.home) or None, "passwd(5): home directory"),
        "HomeDirectoryDrive": always_null("Linux has no drive letters"),
        "LastLogoff": column(
            lambda profile, _: datetime_of_microseconds(profile.last_logout),
            "the last logout in wtmpdb or wtmp",
            HISTORY,
        ),
        "LastLogon": column(
            lambda profile, _: datetime_of_microseconds(profile.last_login),
            "the last login in lastlog, lastlog2, wtmpdb or wtmp",
            HISTORY,
        ),
        "LogonHours": always_null(NO_SUCH_SETTING),
        "LogonServer": always_null(NO_SUCH_SETTING),
        "MaximumStorage": always_null("quotas are not read"),
        "Name": column(_name, "Domain\\Name, as Caption of Win32_UserAccount"),
        "NumberOfLogons": column(
            lambda profile, _: profile.logins, "the logins in wtmpdb, else in wtmp, since the file was begun", HISTORY
        ),
        "Parameters": always_null(NO_SUCH_SETTING),
        "PasswordAge": always_null(SHADOW),
        "PasswordExpires": always_null(SHADOW),
        "PrimaryGroupId": column(lambda profile, _: profile.account.gid, "passwd(5): gid"),
        "Privileges": column(
            lambda profile, _: None if profile.account.uid else ADMINISTRATOR,
            "2 for root; null for others: sudo decides command by command",
        ),
        "Profile": always_null("see HomeDirectory"),
        "ScriptPath": always_null(NO_SUCH_SETTING),
        "UnitsPerWeek": always_null(NO_SUCH_SETTING),
        "UserComment": always_null(NO_SUCH_SETTING),
        "UserId": column(lambda profile, _: profile.account.uid, "passwd(5): uid"),
        "UserType": constant("Normal Account"),
        "Workstations": always_null(NO_SUCH_SETTING),
    },
    distinct_key=lambda profile, _: profile.account.name,
    selections={"Name": _select_name},
)  # fmt: skip
