"""Win32_SystemProcesses: which processes does the computer run?"""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.process_keys import process_meant, process_reference
from logonscope.providers.helpers.provider import End, Provider, column

PROVIDER = Provider(
    subject="process",
    others=True,
    columns={
        "GroupComponent": column(lambda _, __, context: computer_reference(context), "the kernel's hostname"),
        "PartComponent": column(lambda process, *_: process_reference(process), "its directory in /proc"),
    },
    ends={"GroupComponent": End("machine"), "PartComponent": End("process", slice(0, 2))},
    fixes={"PartComponent": process_meant},
)
