"""CIM_ProcessExecutable: the files that each process has mapped as code: its program, and its libraries."""

from logonscope.providers.helpers.file_keys import file_reference
from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import End, Provider, always_null, column

PROVIDER = Provider(
    subject="mapped file",
    columns={
        "Antecedent": column(
            lambda path, *_: file_reference(path), "/proc/PID/maps: the files with code; hidden from other users"
        ),
        "Dependent": column(lambda _, __, process, *___: process_reference(process), "its directory in /proc"),
        "GlobalProcessCount": always_null("the memory of every process would have to be read"),
        "ProcessCount": always_null("the kernel does not count how often a file is loaded"),
        "ModuleInstance": always_null("deprecated, and an address of 32 bits"),
        "BaseAddress": column(lambda _, address, *__: address, "/proc/PID/maps: the lowest address of the file"),
    },
    ends={"Antecedent": End("mapped file", slice(0, 4)), "Dependent": End("process", slice(2, 4))},
    selections={"Dependent": select_process},
)
