"""Result type of the resource usage of a logon session: sums over its processes."""

from typing import NamedTuple


class LogonUsage(NamedTuple):
    """The resources that the running processes of a logon session use, as far as the caller may see them.

    Each sum is over the processes whose value could be read; the sum is None if there is no such process. A kernel
    thread or a zombie has no memory, and counts as 0 bytes. Ended processes are not included.

    Attributes:
        processes: number of processes that the caller may see.
        unread_count: number of processes that are missing in at least one sum, because a value could not be read.
        user_time: seconds of processor time outside the kernel.
        kernel_time: seconds of processor time in the kernel.
        resident: bytes in RAM; memory that several processes share counts for each of them.
        private: bytes in RAM and in swap that belong to no file (RssAnon + VmSwap).
        read: bytes that read(2) and the like returned.
        written: bytes that were passed to write(2) and the like.
    """

    processes: int
    unread_count: int
    user_time: float | None = None
    kernel_time: float | None = None
    resident: int | None = None
    private: int | None = None
    read: int | None = None
    written: int | None = None

    @property
    def processor_time(self) -> float | None:
        """Return the seconds of processor time, in and outside the kernel."""
        if self.user_time is None or self.kernel_time is None:
            return None
        return round(self.user_time + self.kernel_time, 6)
