"""Win32_SystemProcesses: the processes of the computer."""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import End, Provider, column, host_column

PROVIDER = Provider(
    subject="process",
    include_hidden=True,
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"GroupComponent": End("machine"), "PartComponent": End("process", slice(0, 2))},
    selections={"PartComponent": select_process},
)
