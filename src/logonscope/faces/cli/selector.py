"""Which logon sessions does a person mean: one by its LogonId, or all of a user's?"""

import argparse


def add_selector(parser: argparse.ArgumentParser) -> None:
    """Add the argument [LOGONID|USER]."""
    parser.add_argument(
        "which", nargs="?", metavar="LOGONID|USER",
        help='one logon session, by its number or logind\'s own id ("c1"); or a user\'s, by the account\'s name',
    )  # fmt: skip


def nothing(which: str | None) -> str:
    """Say that the selection is empty."""
    if which is None:
        return "no logon session can be seen here; run `logonscope doctor`"
    return f"no logon session {which}, nor any of a user of that name; see `logonscope sessions`"
