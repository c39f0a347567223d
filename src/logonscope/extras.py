"""The shell command that installs an extra of this distribution, from the place that the distribution came from.

Logonscope is mostly installed from a checkout, so pip does not find it by its name alone. The path of the checkout is
in ``direct_url.json`` (PEP 610); an installation without this file came from an index.
"""

import json
import os
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from urllib.parse import quote, unquote, urlsplit

DISTRIBUTION = "logonscope"


def install_command(extra: str) -> str:
    """Return the shell command that adds an extra to the environment of this interpreter."""
    privilege = [] if os.access(sys.prefix, os.W_OK) else ["sudo"]
    pip = [sys.executable, "-m", "pip", "install"]
    if find_spec("pip") is None:
        pip = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*privilege, *pip, *requirement(extra, _read_direct_url())])


def requirement(extra: str, direct_url: str | None) -> list[str]:
    """Return pip's arguments for this distribution with an extra.

    Args:
        extra: the extra's name.
        direct_url: the text of ``direct_url.json``; None: the file is missing.
    """
    source = json.loads(direct_url) if direct_url else {}
    url = source.get("url", "")
    if not url:
        return [f"{DISTRIBUTION}[{extra}]"]
    if url.startswith("file://") and "vcs_info" not in source:
        editable = source.get("dir_info", {}).get("editable", False)
        return [*(["--editable"] if editable else []), f"{_path_of_url(url)}[{extra}]"]
    vcs = source.get("vcs_info", {})
    location = f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url
    return [f"{DISTRIBUTION}[{extra}] @ {location}"]


def _path_of_url(url: str) -> str:
    return unquote(urlsplit(url).path)


def _read_direct_url() -> str | None:
    """Return the text of ``direct_url.json``; None: the distribution was installed without this file.

    If the distribution is not installed, return such a text for the checkout that this module is in.
    """
    try:
        return distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        # this file is CHECKOUT/src/logonscope/extras.py
        checkout = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        return json.dumps({"url": f"file://{quote(checkout)}"})
