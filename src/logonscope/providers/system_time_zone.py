"""Win32_SystemTimeZone: the time zone of the computer."""

from logonscope.providers.helpers.host import HARDWARE, computer_reference
from logonscope.providers.helpers.provider import End, Provider, column, host_column
from logonscope.providers.time_zone import has_zone, zone_reference

PROVIDER = Provider(
    subject="machine",
    is_instance=has_zone,
    instance_facts=frozenset({HARDWARE}),
    columns={
        "Element": host_column(computer_reference, "the kernel's hostname"),
        "Setting": column(zone_reference, "see Win32_TimeZone", HARDWARE),
    },
    ends={"Element": End("machine", slice(0, 1)), "Setting": End("machine", slice(0, 1))},
)
