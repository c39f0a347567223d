"""``python -m logonscope`` is the command ``logonscope``."""

import sys

from logonscope.app import main

sys.exit(main())
