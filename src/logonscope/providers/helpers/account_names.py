r"""What is an account called in Windows' words? Domain and name, SID, and the reference of an account.

A local account's domain is the computer's name. A name that a directory service qualifies (winbind's DOMAIN\name,
sssd's name@domain) is taken apart, and put together again to be looked up. SIDs are those that Samba gives to Unix ids.
"""

from logonscope.cim.types import Value
from logonscope.machine import AccountLookup, Selection
from logonscope.providers.helpers.text import clean


def domain_and_name(name: str, hostname: str) -> tuple[str, str]:
    """Return the domain and the name of an account or a group."""
    text = clean(name) or ""
    domain, backslash, rest = text.partition("\\")
    if backslash and domain and rest:
        return domain, rest
    rest, at, domain = text.rpartition("@")
    if at and domain and rest:
        return domain, rest
    return clean(hostname) or "", text


def login_names(name: object, domain: object) -> frozenset[str] | None:
    """Return the names under which an account of this domain may be known here; None: under any."""
    if "\ufffd" in f"{name}{domain}":
        return None  # it may stand for any character that no answer can carry
    return frozenset({f"{name}"} if domain is None else {f"{name}", f"{domain}\\{name}", f"{name}@{domain}"})


def users_meant(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the accounts that a reference to one may mean."""
    return Selection(users=login_names(reference[2], reference[1]))


def groups_meant(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the groups that a reference to one may mean."""
    return Selection(groups=login_names(reference[2], reference[1]))


def name_of(uid: int, accounts: AccountLookup) -> str:
    """Return the account's name; where no name service knows the uid, its digits, as ls(1) and ps(1) show it."""
    return accounts.name(uid) or str(uid)


def account_reference(name: str, hostname: str, of: str = "Win32_Account") -> tuple[Value, ...]:
    """Return a reference to an account."""
    return (of, *domain_and_name(name, hostname))


def class_of_user(uid: int, uid_min: int) -> str:
    """Return the class that a user's account is of."""
    return "Win32_UserAccount" if is_person(uid, uid_min) else "Win32_SystemAccount"


def user_sid(uid: int) -> str:
    """Return the SID of a Unix user (Samba: Unix Users)."""
    return f"S-1-22-1-{uid}"


def group_sid(gid: int) -> str:
    """Return the SID of a Unix group (Samba: Unix Groups)."""
    return f"S-1-22-2-{gid}"


def is_person(uid: int, uid_min: int) -> bool:
    """Tell whether an account is a person's: Win32_UserAccount, else Win32_SystemAccount."""
    return uid == 0 or uid >= uid_min
