"""Win32_ComputerSystemProcessor: the processor packages of the computer."""

from logonscope.providers.helpers.host import HARDWARE, computer_reference
from logonscope.providers.helpers.provider import End, Provider, column, host_column
from logonscope.providers.processor import device_id

PROVIDER = Provider(
    subject="processor",
    instance_facts=frozenset({HARDWARE}),
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": column(
            lambda _, number, __: ("Win32_Processor", device_id(number)), "see Win32_Processor", HARDWARE
        ),
    },
    ends={"GroupComponent": End("machine", slice(0, 1)), "PartComponent": End("processor", slice(0, 2))},
)
