"""A process that writes a journal as fast as it can, until a user kills it: it prints what is committed.

python -m tests.journal.victim FOLDER SEED [BATCHES]: with BATCHES, it ends after so many, without closing anything
"""

import os
import sys
from itertools import count
from pathlib import Path

from tests.journal.kept import Kept
from tests.journal.story import Story


def main() -> None:
    """Write for ever, or so many batches."""
    folder, seed, *batches = sys.argv[1:]
    kept = Kept(Path(folder), story=Story(int(seed)))
    kept.feed(kept.story.start_logons())
    for _ in range(int(batches[0])) if batches else count():
        kept.live(170)
        os.write(1, b"%d\n" % kept.keeper.state.last_event)
    os._exit(0)


if __name__ == "__main__":
    main()
