"""Which accounts and groups do the needs name? Their names count in whatever case; a group's members to the letter."""

from collections.abc import Iterable, Iterator

from logonscope.facts import Account, Group
from logonscope.machine import Needs


def users_named(users: Iterable[Account], needs: Needs) -> Iterator[Account]:
    """Yield those of the accounts that the needs name."""
    names = _folded(needs.users)
    return (user for user in users if needs.all_users or user.name.lower() in names)


def groups_named(groups: Iterable[Group], users: Iterable[Account], needs: Needs) -> Iterator[Group]:
    """Yield those of the groups that the needs name, or that belong to accounts which they name."""
    names, of = _folded(needs.groups), _folded(needs.groups_of)
    members = [user for user in users if user.name.lower() in of] if of else []
    own, primary = {user.name for user in members}, {user.gid for user in members}
    for group in groups:
        asked = needs.all_groups or group.name.lower() in names
        if asked or group.gid in primary or own.intersection(group.members):
            yield group


def _folded(names: frozenset[str] | None) -> set[str]:
    return {name.lower() for name in names or ()}
