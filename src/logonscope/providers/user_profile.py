"""Win32_UserProfile: the home directories of accounts, and when the accounts last logged in."""

from logonscope.cim.types import Value
from logonscope.machine import datetime_of_microseconds
from logonscope.providers.helpers.account_names import is_user_account, user_sid
from logonscope.providers.helpers.profile_item import HISTORY, LOADED, NO_HOMES, Profile
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean

ROAMING = "home directories do not roam"
FOLDERS = (
    "AppDataRoaming", "Desktop", "StartMenu", "Documents", "Pictures", "Music", "Videos", "Favorites", "Contacts",
    "Downloads", "Links", "Searches", "SavedGames",
)  # fmt: skip


def _has_home(profile: Profile, _: Context) -> bool:
    return profile.account.home not in NO_HOMES


def _is_special(profile: Profile, context: Context) -> bool:
    return not is_user_account(profile.account.uid, context.machine.uid_min)


def _last_use(profile: Profile, _: Context) -> Value:
    return datetime_of_microseconds(profile.last_login)


PROVIDER = Provider(
    subject="profile",
    is_instance=_has_home,
    columns={
        "SID": column(lambda profile, _: user_sid(profile.account.uid), "S-1-22-1-UID, as in Samba"),
        "LocalPath": column(lambda profile, _: clean(profile.account.home), "passwd(5): home directory"),
        "Loaded": column(lambda profile, _: profile.loaded, "whether a process runs as the account", LOADED),
        "RefCount": always_null("Linux counts no such references"),
        "Special": column(_is_special, "whether the uid is below UID_MIN of login.defs(5), and not root's"),
        "RoamingConfigured": constant(value=False, source=ROAMING),
        "RoamingPath": always_null(ROAMING),
        "RoamingPreference": always_null(ROAMING),
        "Status": always_null("Linux has no such states"),
        "LastUseTime": column(_last_use, "the last login in lastlog, lastlog2, wtmpdb or wtmp", HISTORY),
        "LastDownloadTime": always_null(ROAMING),
        "LastUploadTime": always_null(ROAMING),
        "HealthStatus": always_null("Linux has no such states"),
        "LastAttemptedProfileDownloadTime": always_null(ROAMING),
        "LastAttemptedProfileUploadTime": always_null(ROAMING),
        "LastBackgroundRegistryUploadTime": always_null(ROAMING),
        **dict.fromkeys(FOLDERS, always_null("Linux redirects no such folders")),
    },
    distinct_key=lambda profile, _: profile.account.uid,
)
