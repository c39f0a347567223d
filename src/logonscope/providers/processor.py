"""Win32_Processor: the processor packages of the machine. All are assumed to be of the same model."""

from logonscope.facts import Hardware
from logonscope.providers.helpers.host import HARDWARE, PLATFORM, HostSummary, computer_name, from_hardware, hardware_of
from logonscope.providers.helpers.provider import Column, Context, Provider, always_null, column, constant, host_column
from logonscope.providers.helpers.text import clean

CENTRAL_PROCESSOR = 3
ARCHITECTURES = {"x86_64": 9, "aarch64": 12, "i386": 0, "i486": 0, "i586": 0, "i686": 0, "armv6l": 5, "armv7l": 5}
"""The kernel's name of an architecture -> Architecture."""

WIDTHS = {9: 64, 12: 64, 0: 32, 5: 32}
"""Architecture -> AddressWidth."""

_CPUINFO, _TOPOLOGY = "/proc/cpuinfo", "/sys/devices/system/cpu/cpu*/topology"
_NOT_SHOWN = "the kernel does not show it"
_NOT_MEASURED = "it would have to be measured"
_NO_DEVICE = "Linux has no such value for processors"


def device_id(number: int) -> str:
    """Return the DeviceID of a package."""
    return f"CPU{number}"


def _architecture(summary: HostSummary, _: int, __: Context) -> int | None:
    return ARCHITECTURES.get((summary.machine.platform and summary.machine.platform.architecture) or "")


def _width(summary: HostSummary, number: int, context: Context) -> int | None:
    architecture = _architecture(summary, number, context)
    return None if architecture is None else WIDTHS.get(architecture)


def _caption(summary: HostSummary, _: int, __: Context) -> str | None:
    hardware, platform = hardware_of(summary), summary.machine.platform
    if None in {hardware.cpu_family, hardware.cpu_model, hardware.cpu_stepping} or platform is None:
        return clean(hardware.cpu_name)
    return (
        f"{clean(platform.architecture) or ''} Family {hardware.cpu_family} Model {hardware.cpu_model}"
        f" Stepping {hardware.cpu_stepping}"
    ).lstrip()


def _cores(summary: HostSummary, number: int, _: Context) -> int:
    return hardware_of(summary).package_cores[number]


def _threads(summary: HostSummary, number: int, _: Context) -> int:
    return hardware_of(summary).package_threads[number]


def _revision(hardware: Hardware) -> int | None:
    model, stepping = hardware.cpu_model, hardware.cpu_stepping
    return None if model is None or stepping is None else model << 8 | stepping


def _stepping(hardware: Hardware) -> str | None:
    return None if hardware.cpu_stepping is None else str(hardware.cpu_stepping)


def _cpuinfo_column(name: str, line: str) -> Column:
    return column(from_hardware(lambda hardware: getattr(hardware, name)), f"{_CPUINFO}: {line}", HARDWARE)


_CAPTION = column(_caption, f"{_CPUINFO}: cpu family, model, stepping", HARDWARE, PLATFORM)
_WIDTH = column(_width, "as Architecture", PLATFORM)
_CORES = column(_cores, f"{_TOPOLOGY}: core_cpus_list", HARDWARE)
_THREADS = column(_threads, f"{_TOPOLOGY}: physical_package_id", HARDWARE)

PROVIDER = Provider(
    subject="processor",
    instance_facts=frozenset({HARDWARE}),
    columns={
        "Caption": _CAPTION,
        "Description": _CAPTION,
        "InstallDate": always_null("not known"),
        "Name": column(from_hardware(lambda h: clean(h.cpu_name)), f"{_CPUINFO}: model name", HARDWARE),
        "Status": always_null(_NOT_SHOWN),
        "Availability": always_null(_NOT_SHOWN),
        "CreationClassName": constant("Win32_Processor"),
        "ConfigManagerErrorCode": always_null(_NO_DEVICE),
        "ConfigManagerUserConfig": always_null(_NO_DEVICE),
        "DeviceID": column(lambda _, number, __: device_id(number), "CPU and the number of the package"),
        "PowerManagementCapabilities": always_null(_NO_DEVICE),
        "PNPDeviceID": always_null(_NO_DEVICE),
        "PowerManagementSupported": always_null(_NO_DEVICE),
        "StatusInfo": always_null(_NO_DEVICE),
        "SystemCreationClassName": constant("Win32_ComputerSystem"),
        "SystemName": host_column(lambda context: computer_name(context.machine), "the kernel's hostname"),
        "LastErrorCode": always_null(_NO_DEVICE),
        "ErrorDescription": always_null(_NO_DEVICE),
        "ErrorCleared": always_null(_NO_DEVICE),
        "AddressWidth": _WIDTH,
        "CurrentClockSpeed": _cpuinfo_column("cpu_mhz", "cpu MHz, of the first processor"),
        "DataWidth": _WIDTH,
        "Family": always_null("its numbers are those of SMBIOS, which only root can read"),
        "OtherFamilyDescription": always_null("Family is not 1"),
        "LoadPercentage": always_null(_NOT_MEASURED),
        "MaxClockSpeed": column(
            from_hardware(lambda h: h.max_mhz), "/sys/devices/system/cpu/cpu*/cpufreq: cpuinfo_max_freq", HARDWARE
        ),
        "Role": constant("CPU"),
        "UpgradeMethod": always_null("only SMBIOS has it, which only root can read"),
        "Stepping": column(from_hardware(_stepping), f"{_CPUINFO}: stepping", HARDWARE),
        "UniqueId": always_null(_NOT_SHOWN),
        "Version": always_null(_NOT_SHOWN),
        "Manufacturer": column(from_hardware(lambda h: clean(h.cpu_vendor)), f"{_CPUINFO}: vendor_id", HARDWARE),
        "L2CacheSize": column(
            from_hardware(lambda h: h.l2_size), "/sys/devices/system/cpu/cpu*/cache: all of a package", HARDWARE
        ),
        "L2CacheSpeed": always_null(_NOT_SHOWN),
        "L3CacheSize": column(
            from_hardware(lambda h: h.l3_size), "/sys/devices/system/cpu/cpu*/cache: all of a package", HARDWARE
        ),
        "L3CacheSpeed": always_null(_NOT_SHOWN),
        "Architecture": column(_architecture, "uname(2): machine", PLATFORM),
        "Level": _cpuinfo_column("cpu_family", "cpu family"),
        "Revision": column(from_hardware(_revision), f"{_CPUINFO}: model, stepping", HARDWARE),
        "CpuStatus": always_null(_NOT_SHOWN),
        "CurrentVoltage": always_null(_NOT_SHOWN),
        "ExtClock": always_null(_NOT_SHOWN),
        "ProcessorId": always_null("only SMBIOS has it, which only root can read"),
        "ProcessorType": constant(CENTRAL_PROCESSOR),
        "NumberOfLogicalProcessors": _THREADS,
        "NumberOfCores": _CORES,
        "SocketDesignation": always_null("only SMBIOS has it, which only root can read"),
        "VoltageCaps": always_null(_NOT_SHOWN),
        "VMMonitorModeExtensions": _cpuinfo_column("virtualization", "flags, vmx or svm"),
        "SecondLevelAddressTranslationExtensions": _cpuinfo_column("nested_paging", "flags, ept or npt"),
        "VirtualizationFirmwareEnabled": always_null(_NOT_SHOWN),
        "SerialNumber": always_null("only SMBIOS has it, which only root can read"),
        "AssetTag": always_null("only SMBIOS has it, which only root can read"),
        "PartNumber": always_null("only SMBIOS has it, which only root can read"),
        "NumberOfEnabledCore": _CORES,
        "ThreadCount": _THREADS,
        "Characteristics": always_null("only SMBIOS has it, which only root can read"),
    },
)  # fmt: skip
