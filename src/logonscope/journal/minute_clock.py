"""Wall times of many times since a boot."""

from logonscope.journal.moments import Moments


class MinuteClock:
    """Wall times of times since a boot, by the clock of their minute, which is read once."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._walls: dict[tuple[int, int], int] = {}  # boot and minute -> wall time of the beginning of the minute

    def wall(self, boot: int, ms: int) -> int:
        """Return a wall time in microseconds."""
        key = boot, ms // 60_000
        base = self._walls.get(key)
        if base is None:
            base = self._walls[key] = (self._moments.wall(boot, ms) or 0) - ms % 60_000 * 1000
        return base + ms % 60_000 * 1000
