"""How much is measured? The sizes and rounds of a run, whole or quick."""

from typing import NamedTuple


class Plan(NamedTuple):
    """What one run does."""

    size: int  # processes of a crowd
    sizes: tuple[int, ...]  # crowds whose cost a process is compared
    few: int  # processes of a small host
    rounds: int  # of contests that read every process
    whole_rounds: int  # of contests of whole commands
    cache: str | None = None  # folder that keeps the installed command for the next run


WHOLE = Plan(size=5000, sizes=(500, 5000, 20000), few=50, rounds=15, whole_rounds=40)
QUICK = Plan(size=1000, sizes=(200, 1000, 2000), few=50, rounds=3, whole_rounds=5)
