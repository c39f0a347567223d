"""The page, as built from the sources in page/: its program and its styles, which the server sends to browsers."""

import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
