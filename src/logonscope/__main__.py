"""The command ``logonscope``: the console script, and ``python -m logonscope``."""

import gc
import sys

gc.disable()  # what is imported stays: to look through it for garbage takes a tenth of a short command's time

from logonscope.app import main  # noqa: E402 -- after the line above

if __name__ == "__main__":
    sys.exit(main())
