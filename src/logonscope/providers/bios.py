"""Win32_BIOS: the firmware, where DMI describes it."""

from datetime import UTC, datetime

from logonscope.cim.types import Value
from logonscope.facts import Hardware
from logonscope.providers.helpers.host import HARDWARE, HostSummary, from_hardware, hardware_of
from logonscope.providers.helpers.provider import Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean

RUNNING, UNKNOWN_SYSTEM = 3, 0
_DMI = "/sys/class/dmi/id"
_ROOT_ONLY = "not read: the kernel shows it to root only"


def has_bios(summary: HostSummary, _: Context) -> bool:
    """Return whether the firmware is known; some virtual machines and many ARM boards have no DMI."""
    return hardware_of(summary).bios_version is not None


def _version(hardware: Hardware) -> str | None:
    return clean(hardware.bios_version)


def bios_reference(summary: HostSummary, _: Context) -> tuple[Value, ...]:
    """Return the reference to the firmware; keys are in alphabetical order."""
    version = _version(hardware_of(summary))
    return ("Win32_BIOS", version, version, RUNNING, UNKNOWN_SYSTEM, version)


def _release_date(hardware: Hardware) -> datetime | None:
    try:
        return datetime.strptime(hardware.bios_date or "", "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _release_number(hardware: Hardware, index: int) -> int | None:
    numbers = (hardware.bios_release or "").split(".")
    return int(numbers[index]) if len(numbers) == 2 and all(n.isascii() and n.isdecimal() for n in numbers) else None


PROVIDER = Provider(
    subject="machine",
    is_instance=has_bios,
    instance_facts=frozenset({HARDWARE}),
    columns={
        "Caption": column(from_hardware(_version), "as Name", HARDWARE),
        "Description": column(from_hardware(_version), "as Name", HARDWARE),
        "InstallDate": always_null("not known"),
        "Name": column(from_hardware(_version), f"{_DMI}/bios_version", HARDWARE),
        "Status": always_null("the kernel does not test it"),
        "Version": column(from_hardware(_version), "as Name", HARDWARE),
        "SoftwareElementState": constant(RUNNING, "a constant: it runs"),
        "SoftwareElementID": column(from_hardware(_version), "as Name", HARDWARE),
        "TargetOperatingSystem": constant(UNKNOWN_SYSTEM, "a constant: unknown"),
        "OtherTargetOS": always_null("TargetOperatingSystem is not 1"),
        "Manufacturer": column(from_hardware(lambda h: clean(h.bios_vendor)), f"{_DMI}/bios_vendor", HARDWARE),
        "BuildNumber": always_null("DMI has none"),
        "SerialNumber": column(
            from_hardware(lambda h: clean(h.serial)), f"{_DMI}/product_serial; for administrators only", HARDWARE
        ),
        "CodeSet": always_null("DMI has none"),
        "IdentificationCode": always_null("DMI has none"),
        "LanguageEdition": always_null("DMI has none"),
        "PrimaryBIOS": constant(value=True, source="a constant: there is one"),
        "ReleaseDate": column(from_hardware(_release_date), f"{_DMI}/bios_date", HARDWARE),
        "BiosCharacteristics": always_null(_ROOT_ONLY),
        "InstallableLanguages": always_null(_ROOT_ONLY),
        "ListOfLanguages": always_null(_ROOT_ONLY),
        "CurrentLanguage": always_null(_ROOT_ONLY),
        "SMBIOSPresent": constant(value=True, source="a constant: DMI is where the other values come from"),
        "SMBIOSMajorVersion": always_null(_ROOT_ONLY),
        "SMBIOSMinorVersion": always_null(_ROOT_ONLY),
        "SMBIOSBIOSVersion": column(from_hardware(_version), "as Name", HARDWARE),
        "BIOSVersion": column(from_hardware(lambda h: (_version(h) or "",)), "as Name", HARDWARE),
        "SystemBiosMajorVersion": column(
            from_hardware(lambda h: _release_number(h, 0)), f"{_DMI}/bios_release", HARDWARE
        ),
        "SystemBiosMinorVersion": column(
            from_hardware(lambda h: _release_number(h, 1)), f"{_DMI}/bios_release", HARDWARE
        ),
        "EmbeddedControllerMajorVersion": always_null("not read (ec_firmware_release of /sys/class/dmi/id)"),
        "EmbeddedControllerMinorVersion": always_null("not read (ec_firmware_release of /sys/class/dmi/id)"),
    },
)  # fmt: skip
