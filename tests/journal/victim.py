"""A process that writes a journal as fast as it can, until a user kills it: it prints what is committed.

python -m tests.journal.victim FOLDER SEED
"""

import os
import sys
from pathlib import Path

from tests.journal.kept import Kept
from tests.journal.story import Story


def main() -> None:
    """Write for ever."""
    folder, seed = sys.argv[1:]
    kept = Kept(Path(folder), story=Story(int(seed)))
    kept.feed(kept.story.start_logons())
    while True:
        kept.live(170)
        os.write(1, b"%d\n" % kept.keeper.state.last_event)


if __name__ == "__main__":
    main()
