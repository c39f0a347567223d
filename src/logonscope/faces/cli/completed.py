"""What shells complete: marks on arguments, which the completion script turns into words, files or names."""

import argparse

_BUILT_IN = {
    "files": {"bash": "_shtab_compgen_files", "zsh": "_files"},
    "users": {"bash": "_logonscope_users", "zsh": "_users"},
    "hosts": {"bash": "_logonscope_hosts", "zsh": "_hosts"},
}
"""What a shell completes by itself."""


def completes(action: argparse.Action, what: str) -> None:
    """Let shells complete an argument: files, users, hosts, or words for which the script defines a function."""
    name = f"_logonscope_{what}"
    marks = _BUILT_IN.get(what, {"bash": name, "zsh": name})
    action.complete = marks  # type: ignore[attr-defined]  # shtab looks for this attribute
