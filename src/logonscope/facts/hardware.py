"""Facts that inventories request: processor packages, the firmware, and the time zone. Read only on request."""

from typing import NamedTuple


class Hardware(NamedTuple):
    """Processors, firmware and time zone of the machine; all processor packages are of one model."""

    package_cores: tuple[int, ...] = ()  # number of online cores of each processor package
    package_threads: tuple[int, ...] = ()  # number of online threads of each processor package
    cpu_name: str | None = None  # "model name" of /proc/cpuinfo, which also has the fields up to nested_paging
    cpu_vendor: str | None = None
    cpu_family: int | None = None
    cpu_model: int | None = None
    cpu_stepping: int | None = None
    cpu_mhz: int | None = None  # at the time of reading, of the first processor
    virtualization: bool | None = None  # the processor has the extensions for virtual machines: vmx or svm
    nested_paging: bool | None = None  # ept or npt
    max_mhz: int | None = None  # cpufreq: cpuinfo_max_freq
    l2_size: int | None = None  # KiB of all caches of this level in one package
    l3_size: int | None = None
    bios_vendor: str | None = None  # from DMI, like the following four
    bios_version: str | None = None
    bios_date: str | None = None  # month/day/year
    bios_release: str | None = None  # "2.17"
    serial: str | None = None  # of the product; only root can read it
    zone: str | None = None  # "Europe/Berlin"; None: /etc/localtime is no link
    zone_rule: str | None = None  # the rule for present years, as in TZ: tzset(3)
