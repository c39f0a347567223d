"""Win32_ComputerSystem: the computer."""

from logonscope.facts import Login
from logonscope.providers.helpers.account_names import domain_and_name
from logonscope.providers.helpers.host import (
    LOGINS,
    PLATFORM,
    VITALS,
    HostSummary,
    computer_name,
    from_platform,
    from_vitals,
)
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean

_SYSTEM_TYPES = {
    "x86_64": "x64-based PC", "i386": "X86-based PC", "i586": "X86-based PC", "i686": "X86-based PC",
    "aarch64": "ARM64-based PC", "arm64": "ARM64-based PC",
}  # fmt: skip
"""Architecture -> its name on Windows."""

_DOMAIN = "domain membership is known only to sssd, winbind or Kerberos"


def _dns_name(summary: HostSummary, _: Context) -> str:
    return computer_name(summary.machine).split(".", 1)[0]


def _console_user(summary: HostSummary, context: Context) -> str | None:
    """Return the account, with its domain, of the earliest active login at seat0, the seat of the machine itself."""
    login = next(filter(_is_at_console, summary.logins), None)
    name = login and (context.accounts.name(login.uid) or login.user)
    return "\\".join(domain_and_name(name, context.machine.hostname)) if name else None


def _is_at_console(login: Login) -> bool:
    return login.seat == "seat0" and login.state == "active" and login.cls == "user" and not login.gone


PROVIDER = Provider(
    subject="machine",
    columns={
        "Caption": column(lambda summary, _: computer_name(summary.machine), "the kernel's hostname"),
        "Description": column(
            from_platform(lambda platform: _SYSTEM_TYPES.get(platform.architecture or "")), "as SystemType", PLATFORM
        ),
        "Name": column(lambda summary, _: computer_name(summary.machine), "the kernel's hostname"),
        "CreationClassName": constant("Win32_ComputerSystem"),
        "CurrentTimeZone": column(from_vitals(lambda vitals: vitals.utc_offset), "the local zone, in minutes", VITALS),
        "DaylightInEffect": column(from_vitals(lambda vitals: vitals.daylight), "the local zone", VITALS),
        "DNSHostName": column(_dns_name, "the kernel's hostname up to its first dot"),
        "Domain": always_null(_DOMAIN),
        "DomainRole": always_null(_DOMAIN),
        "PartOfDomain": always_null(_DOMAIN),
        "Workgroup": always_null(_DOMAIN),
        "HypervisorPresent": column(
            from_platform(lambda platform: platform.hypervisor), "/proc/cpuinfo: the flag hypervisor", PLATFORM
        ),
        "Manufacturer": column(from_platform(lambda platform: clean(platform.vendor)), "DMI: sys_vendor", PLATFORM),
        "Model": column(from_platform(lambda platform: clean(platform.product)), "DMI: product_name", PLATFORM),
        "SystemFamily": column(from_platform(lambda platform: clean(platform.family)), "DMI: product_family", PLATFORM),
        "SystemSKUNumber": column(from_platform(lambda platform: clean(platform.sku)), "DMI: product_sku", PLATFORM),
        "SystemType": column(
            from_platform(lambda platform: _SYSTEM_TYPES.get(platform.architecture or "")),
            "the kernel's architecture, by its name on Windows", PLATFORM,
        ),
        "NumberOfProcessors": column(
            from_platform(lambda platform: platform.packages), "/proc/cpuinfo: physical id; null if there is none",
            PLATFORM,
        ),
        "NumberOfLogicalProcessors": column(
            from_platform(lambda platform: platform.processors), "/proc/stat: the lines cpuN", PLATFORM
        ),
        "TotalPhysicalMemory": column(from_vitals(lambda vitals: vitals.memory), "/proc/meminfo: MemTotal", VITALS),
        "UserName": column(
            _console_user, "the active login of class user on seat0, if the caller may see it", LOGINS
        ),
    },
)  # fmt: skip
