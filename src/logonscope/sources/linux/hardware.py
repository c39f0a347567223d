"""Reader of hardware: processor packages, firmware and time zone, from /proc, /sys and /etc."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from logonscope.facts import Hardware

MAX_PROCESSORS = 8192
"""Maximum number of processors whose files are read; the kernel's limit on x86."""

MAX_BYTES = 1 << 16
_CPUS, _DMI, _ZONES = "sys/devices/system/cpu", "sys/class/dmi/id", "/zoneinfo/"
_CPU = re.compile(r"cpu([0-9]{1,5})")
_LINE = re.compile(r"^([^\n:]*?)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_SIZE = re.compile(r"([0-9]{1,9})K")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")


def read_hardware(root: str) -> Hardware:
    """Return the hardware; a fact that cannot be read is None, or an empty tuple."""
    packages = _read_topology(root)
    core_counts = {package: len(set(cores.values())) for package, cores in sorted(packages.items())}
    first_package = next(iter(packages.values()), {})
    # reversed: if a name occurs twice, its first value is used
    cpu_fields = dict(reversed(_LINE.findall(_read_first_processor(root))))
    # ARM and RISC-V have no "flags", but "Features" and "isa", with other names, which are not interpreted here
    flags = set(cpu_fields["flags"].split()) if "flags" in cpu_fields else None
    cache_sizes = _read_cache_sizes(root, first_package)
    zone, rule = _read_zone(root)
    return Hardware(
        package_cores=tuple(core_counts.values()),
        package_threads=tuple(len(packages[package]) for package in core_counts),
        cpu_name=cpu_fields.get("model name") or None,
        cpu_vendor=cpu_fields.get("vendor_id") or None,
        cpu_family=_number(cpu_fields.get("cpu family")),
        cpu_model=_number(cpu_fields.get("model")),
        cpu_stepping=_number(cpu_fields.get("stepping")),
        cpu_mhz=_number((cpu_fields.get("cpu MHz") or "").partition(".")[0]),
        virtualization=None if flags is None else not flags.isdisjoint({"vmx", "svm"}),
        nested_paging=None if flags is None else not flags.isdisjoint({"ept", "npt"}),
        max_mhz=_megahertz(_read_word(root, f"{_CPUS}/cpu{min(first_package, default=0)}/cpufreq/cpuinfo_max_freq")),
        l2_size=cache_sizes.get("2"),
        l3_size=cache_sizes.get("3"),
        bios_vendor=_read_word(root, f"{_DMI}/bios_vendor"),
        bios_version=_read_word(root, f"{_DMI}/bios_version"),
        bios_date=_read_word(root, f"{_DMI}/bios_date"),
        bios_release=_read_word(root, f"{_DMI}/bios_release"),
        serial=_read_word(root, f"{_DMI}/product_serial"),
        zone=zone,
        zone_rule=rule,
    )


def _read_topology(root: str) -> dict[int, dict[int, str]]:
    """Return package -> online processor -> its core, as the list of the core's threads."""
    packages: dict[int, dict[int, str]] = defaultdict(dict)
    try:
        names = os.listdir(os.path.join(root, _CPUS))
    except OSError:
        return {}
    numbers = sorted(int(match[1]) for match in map(_CPU.fullmatch, names) if match)
    for number in numbers[:MAX_PROCESSORS]:
        folder = f"{_CPUS}/cpu{number}/topology"
        package = _read_word(root, f"{folder}/physical_package_id")
        # the numbers of cores repeat in each die, but the list of a core's threads is unique
        core = _read_word(root, f"{folder}/core_cpus_list") or _read_word(root, f"{folder}/thread_siblings_list")
        if package is not None and core is not None:
            packages[max(_number(package) or 0, 0)][number] = core
    return packages


def _read_cache_sizes(root: str, numbers: Iterable[int]) -> dict[str, int]:
    """Return level -> total KiB of the caches of these processors, for levels 2 and 3; a shared cache counts once."""
    sizes: dict[tuple[str, str], int] = {}  # (level, processors that share the cache) -> KiB
    for number in numbers:
        for index in range(5):
            folder = f"{_CPUS}/cpu{number}/cache/index{index}"
            level = _read_word(root, f"{folder}/level")
            if level in {"2", "3"}:
                size = _SIZE.fullmatch(_read_word(root, f"{folder}/size") or "")
                sharers = _read_word(root, f"{folder}/shared_cpu_list")
                if size and sharers:
                    sizes[level, sharers] = int(size[1])
    totals: Counter[str] = Counter()
    for (level_of_cache, _), kib in sizes.items():
        totals[level_of_cache] += kib
    return {level: total for level, total in totals.items() if total}


def _read_first_processor(root: str) -> str:
    return _read_text(root, "proc/cpuinfo").partition("\n\n")[0]


def _read_zone(root: str) -> tuple[str | None, str | None]:
    """Return the name of the local time zone and its rule; without /etc/localtime, those of UTC (localtime(5))."""
    path = os.path.join(root, "etc/localtime")
    try:
        target = os.readlink(path)
    except FileNotFoundError:
        return "UTC", "UTC0"
    except OSError:
        name = None
    else:
        # below a copied root, an absolute target starts at that root
        path = os.path.join(root, target.lstrip("/")) if target.startswith("/") else os.path.join(root, "etc", target)
        name = target.rpartition(_ZONES)[2] if _ZONES in target else None
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        data = b""
    # the rule is the last line of a file of version 2 and later (RFC 8536)
    rule = data.rstrip(b"\n").rpartition(b"\n")[2] if data[:4] == b"TZif" and data.endswith(b"\n") else b""
    return name if name and _ZONE_NAME.fullmatch(name) else None, rule.decode("ascii", "replace") or None


def _read_text(root: str, path: str) -> str:
    try:
        with open(os.path.join(root, path), "rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _read_word(root: str, path: str) -> str | None:
    return _read_text(root, path).strip() or None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _megahertz(kilohertz: str | None) -> int | None:
    number = _number(kilohertz)
    return None if number is None else number // 1000
