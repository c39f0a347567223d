"""Win32_GroupUser: which accounts are members of which groups? By the group's list, and by the account's own group."""

from logonscope.cim.types import Value
from logonscope.facts import Account, Group
from logonscope.providers.helpers.account_names import account_reference, class_of_user, groups_meant, users_meant
from logonscope.providers.helpers.provider import Context, End, Provider, column


def _member(_: Group, account: Account, context: Context) -> tuple[Value, ...]:
    of = class_of_user(account.uid, context.machine.uid_min)
    return account_reference(account.name, context.machine.hostname, of)


PROVIDER = Provider(
    subject="membership",
    columns={
        "GroupComponent": column(
            lambda group, _, context: account_reference(group.name, context.machine.hostname, "Win32_Group"),
            "see Win32_Group",
        ),
        "PartComponent": column(_member, "group(5): members; passwd(5): the primary group"),
    },
    distinct=lambda group, account, _: (group.name, account.name),
    ends={"GroupComponent": End("group", slice(0, 1)), "PartComponent": End("user", slice(1, 2))},
    fixes={"GroupComponent": groups_meant, "PartComponent": users_meant},
)
