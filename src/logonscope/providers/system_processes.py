"""Win32_SystemProcesses: the processes of the computer."""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import End, Provider, column

PROVIDER = Provider(
    subject="process",
    include_hidden=True,
    columns={
        "GroupComponent": column(lambda _, __, context: computer_reference(context), "the kernel's hostname"),
        "PartComponent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"GroupComponent": End("machine"), "PartComponent": End("process", slice(0, 2))},
    selections={"PartComponent": select_process},
)
