"""Win32_Group: which groups are there?"""

from logonscope.providers.helpers.account_columns import group_columns, group_named
from logonscope.providers.helpers.provider import Provider

PROVIDER = Provider(
    subject="group", columns=group_columns(), distinct=lambda group, _: group.name, fixes={"Name": group_named}
)
