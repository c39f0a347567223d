"""Names of capabilities, by their bit numbers (capabilities(7), linux/capability.h)."""

NAMES = (
    "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid",
    "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin",
    "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot",
    "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
    "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control",
    "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend",
    "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
)  # fmt: skip
"""The capabilities of Linux 5.9 and newer."""


def capability_names(mask: int | None) -> tuple[str, ...] | None:
    """Return the names of the capabilities in a set, by bit number; a capability without a name here is "cap_N"."""
    if mask is None:
        return None
    bits = (bit for bit in range(mask.bit_length()) if mask >> bit & 1)
    return tuple(NAMES[bit] if bit < len(NAMES) else f"cap_{bit}" for bit in bits)


def capability_mask(mask: int | None) -> str | None:
    """Return a set of capabilities as /proc/PID/status and capsh(1) show it: 16 hexadecimal digits."""
    return None if mask is None else f"{mask:016x}"
