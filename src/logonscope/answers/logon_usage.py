"""Result type of the resource usage of a logon session: sums over its processes."""

from typing import NamedTuple


class LogonUsage(NamedTuple):
    """The resources that the running processes of a logon session use, as far as the caller may see them.

    A sum has the processes whose value could be read; None: there is none. Ended processes are not in the sums.
    """

    processes: int  # number of processes that the caller may see
    unread: int  # number of processes of which a value is missing in a sum
    user_time: float | None = None  # seconds of processor time outside the kernel
    kernel_time: float | None = None  # seconds of processor time in the kernel
    resident: int | None = None  # bytes in RAM; memory that several processes share counts for each of them
    private: int | None = None  # bytes in RAM and in swap that belong to no file (RssAnon + VmSwap)
    read: int | None = None  # bytes that read(2) and the like returned
    written: int | None = None  # bytes that were passed to write(2) and the like

    @property
    def processor_time(self) -> float | None:
        """Return the seconds of processor time, in and outside the kernel."""
        if self.user_time is None or self.kernel_time is None:
            return None
        return round(self.user_time + self.kernel_time, 6)
