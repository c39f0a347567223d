"""Win32_SystemServices: the services of the system's service manager, as parts of the computer."""

from logonscope.providers.helpers.host import computer_reference
from logonscope.providers.helpers.provider import End, Provider, column, host_column
from logonscope.providers.helpers.service_keys import select_service_reference
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="service",
    is_instance=lambda service, _: service.uid is None,
    columns={
        "GroupComponent": host_column(computer_reference, "the kernel's hostname"),
        "PartComponent": column(lambda service, _: ("Win32_Service", clean(service.name)), "see Win32_Service"),
    },
    ends={"GroupComponent": End("machine"), "PartComponent": End("service", slice(0, 1))},
    selections={"PartComponent": select_service_reference},
)
