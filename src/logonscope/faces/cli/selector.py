"""Which logon sessions does a person mean: one by its LogonId, or all of a user's?"""

import argparse


def add_selector(parser: argparse.ArgumentParser) -> None:
    """Add the argument [LOGONID|USER]."""
    parser.add_argument(
        "which", nargs="?", metavar="LOGONID|USER",
        help='one logon session, by its number, logind\'s own id ("c1") or "system"; or a user\'s, by account name',
    )  # fmt: skip


def nothing(which: str | None) -> str:
    """Say that the selection is empty."""
    if which is None:
        return "no logon session can be seen here; run `logonscope doctor`"
    what = f"no logon session {which}" if which.isdecimal() else f"no logon session {which!r}, and none of such a user"
    ask = f", or `logonscope whose {which}` for a process" if which.isdecimal() else ""
    return f"{what}; see `logonscope sessions`{ask}"
