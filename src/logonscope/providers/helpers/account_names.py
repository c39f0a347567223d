r"""Windows names of accounts: domain and name, SID, and references to accounts.

The domain of a local account is the name of the computer. A name that a directory service qualifies (winbind's
DOMAIN\name, sssd's name@domain) is split for output, and joined again for a lookup. SIDs are those that Samba gives to
Unix ids.
"""

from logonscope.cim.types import Value
from logonscope.machine import AccountLookup, Selection
from logonscope.providers.helpers.text import clean


def domain_and_name(name: str, hostname: str) -> tuple[str, str]:
    """Split the name of an account or group into domain and name; the default domain is the computer's name."""
    text = clean(name) or ""
    domain, _, short_name = text.partition("\\")
    if domain and short_name:
        return domain, short_name
    short_name, _, domain = text.rpartition("@")
    if domain and short_name:
        return domain, short_name
    return clean(hostname) or "", text


def possible_names(name: object, domain: object) -> frozenset[str] | None:
    """Return the names that the host may use for an account or group with this name and domain; None: any name.

    If ``domain`` is None, only the name without a domain is returned.
    """
    if "\ufffd" in f"{name}{domain}":
        return None  # U+FFFD replaces any character that XML cannot carry
    return frozenset({f"{name}"} if domain is None else {f"{name}", f"{domain}\\{name}", f"{name}@{domain}"})


def select_user_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a fixed reference to an account."""
    return Selection(users=possible_names(reference[2], reference[1]))


def select_group_reference(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a fixed reference to a group."""
    return Selection(groups=possible_names(reference[2], reference[1]))


def account_name_or_uid(uid: int, accounts: AccountLookup) -> str:
    """Return the account name of a uid; if no name service knows it, the uid itself, as in ls(1) and ps(1)."""
    return accounts.name(uid) or str(uid)


def account_reference(name: str, hostname: str, class_name: str = "Win32_Account") -> tuple[Value, ...]:
    """Return a reference to an account."""
    return (class_name, *domain_and_name(name, hostname))


def class_of_user(uid: int, uid_min: int) -> str:
    """Return the name of the class that a user's account belongs to."""
    return "Win32_UserAccount" if is_user_account(uid, uid_min) else "Win32_SystemAccount"


def user_sid(uid: int) -> str:
    """Return the SID of a Unix user (Samba: Unix Users)."""
    return f"S-1-22-1-{uid}"


def group_sid(gid: int) -> str:
    """Return the SID of a Unix group (Samba: Unix Groups)."""
    return f"S-1-22-2-{gid}"


def is_user_account(uid: int, uid_min: int) -> bool:
    """Return whether the account of a uid is a Win32_UserAccount: root's, or one from UID_MIN on."""
    return uid == 0 or uid >= uid_min
