"""The parser of WQL's grammar: loaded from the table that the build saved, or computed where that is stale."""

from collections.abc import Callable
from pkgutil import get_data
from typing import Any

import lark

OPTIONS: dict[str, Any] = {"parser": "lalr", "maybe_placeholders": True}
"""Options of the parser."""


def read_grammar() -> str:
    """Return the text of grammar.lark."""
    return (get_data("logonscope.wql", "grammar.lark") or b"").decode()


def load_parser(transformer: lark.Transformer[lark.Token, Any]) -> lark.Lark:
    """Return the parser, which builds the result of a transformer while it parses."""
    grammar = read_grammar()
    try:
        from logonscope.wql import compiled  # noqa: PLC0415 -- a checkout that was not built does not have it
    except ImportError:
        return lark.Lark(grammar, **OPTIONS, transformer=transformer)
    # another version of lark may save other data
    if grammar != compiled.GRAMMAR or lark.__version__ != compiled.LARK_VERSION:
        return lark.Lark(grammar, **OPTIONS, transformer=transformer)
    # load() takes no transformer and reads pickle; the parsers that lark generates call this
    load: Callable[..., lark.Lark] = lark.Lark._load_from_dict  # noqa: SLF001
    return load(compiled.DATA, compiled.MEMO, transformer=transformer)
