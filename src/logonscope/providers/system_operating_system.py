"""Win32_SystemOperatingSystem: the operating system of the computer."""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.provider import End, Provider, constant, host_column

PROVIDER = Provider(
    subject="machine",
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": constant(("Win32_OperatingSystem",), "the singleton"),
        "PrimaryOS": constant(value=True, source="the operating system that runs"),
    },
    ends={"GroupComponent": End("machine", slice(0, 1)), "PartComponent": End("machine", slice(0, 1))},
)
