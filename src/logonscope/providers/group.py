"""Win32_Group: the groups of the host."""

from logonscope.providers.helpers.account_columns import group_columns, select_group_name
from logonscope.providers.helpers.provider import Provider

PROVIDER = Provider(
    subject="group",
    columns=group_columns(),
    distinct_key=lambda group, _: group.name,
    selections={"Name": select_group_name},
)
