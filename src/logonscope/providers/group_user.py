"""Win32_GroupUser: the members of groups, from the group's member list and the account's primary group."""

from logonscope.cim.types import Value
from logonscope.facts import Account, Group
from logonscope.providers.helpers.account_names import (
    account_reference,
    class_of_user,
    select_group_reference,
    select_user_reference,
)
from logonscope.providers.helpers.provider import Context, End, Provider, column


def _member(_: Group, account: Account, context: Context) -> tuple[Value, ...]:
    class_name = class_of_user(account.uid, context.machine.uid_min)
    return account_reference(account.name, context.machine.hostname, class_name)


PROVIDER = Provider(
    subject="membership",
    columns={
        "GroupComponent": column(
            lambda group, _, context: account_reference(group.name, context.machine.hostname, "Win32_Group"),
            "see Win32_Group",
        ),
        "PartComponent": column(_member, "group(5): members; passwd(5): the primary group"),
    },
    distinct_key=lambda group, account, _: (group.name, account.name),
    ends={"GroupComponent": End("group", slice(0, 1)), "PartComponent": End("user", slice(1, 2))},
    selections={"GroupComponent": select_group_reference, "PartComponent": select_user_reference},
)
