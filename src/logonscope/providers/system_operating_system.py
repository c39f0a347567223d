"""Win32_SystemOperatingSystem: which operating system does the computer run?"""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.provider import End, Provider, always, column

PROVIDER = Provider(
    subject="machine",
    columns={
        "GroupComponent": column(lambda _, context: computer_reference(context), "the kernel's hostname"),
        "PartComponent": always(("Win32_OperatingSystem",), "the singleton"),
        "PrimaryOS": always(value=True, source="the one that runs"),
    },
    ends={"GroupComponent": End("machine", slice(0, 1)), "PartComponent": End("machine", slice(0, 1))},
)
