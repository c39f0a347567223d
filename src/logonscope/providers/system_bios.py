"""Win32_SystemBIOS: the firmware of the computer."""

from logonscope.providers.bios import bios_reference, has_bios
from logonscope.providers.helpers.host import HARDWARE, computer_reference
from logonscope.providers.helpers.provider import End, Provider, column, host_column

PROVIDER = Provider(
    subject="machine",
    is_instance=has_bios,
    instance_facts=frozenset({HARDWARE}),
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": column(bios_reference, "see Win32_BIOS", HARDWARE),
    },
    ends={"GroupComponent": End("machine", slice(0, 1)), "PartComponent": End("machine", slice(0, 1))},
)
