"""Which path stands between the braces? There backslashes may stand alone, as people paste them."""

import re

_STRING = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_ESCAPE = re.compile(r"""\\[\\"']""")
_PASTED = re.compile(r"""\\(?!["'])""")


def undoubled(path: str) -> str:
    """Return a path whose strings have every backslash twice: those of which one has not had any so."""
    return _STRING.sub(_doubled, path)


def _doubled(match: re.Match[str]) -> str:
    quote, inner = match.groups()
    if "\\" not in _ESCAPE.sub("", inner):
        return match[0]
    return f"{quote}{_PASTED.sub(lambda _: chr(92) * 2, inner)}{quote}"
