"""The command that installs an extra of this distribution, from where this interpreter has it.

Logonscope is mostly installed from a checkout, so its name alone tells pip nothing. What it was installed from is in
``direct_url.json`` (PEP 610); an installation without one came from an index.
"""

import json
import os
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

DISTRIBUTION = "logonscope"


def install_command(extra: str) -> str:
    """Return a line for a shell that adds an extra to the environment of this interpreter."""
    privilege = [] if os.access(sys.prefix, os.W_OK) else ["sudo"]
    pip = [sys.executable, "-m", "pip", "install"]
    if find_spec("pip") is None:
        pip = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*privilege, *pip, *requirement(extra, _read_direct_url())])


def requirement(extra: str, direct_url: str | None) -> list[str]:
    """Return pip's arguments for this distribution with an extra.

    Args:
        extra: the extra's name.
        direct_url: the text of ``direct_url.json``; None: there is none.
    """
    source = json.loads(direct_url) if direct_url else {}
    url = source.get("url", "")
    if not url:
        return [f"{DISTRIBUTION}[{extra}]"]
    if url.startswith("file://") and "vcs_info" not in source:
        editable = source.get("dir_info", {}).get("editable", False)
        return [*(["--editable"] if editable else []), f"{_path_of_url(url)}[{extra}]"]
    vcs = source.get("vcs_info", {})
    where = f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url
    return [f"{DISTRIBUTION}[{extra}] @ {where}"]


def _path_of_url(url: str) -> str:
    return unquote(urlsplit(url).path)


def _read_direct_url() -> str | None:
    """Return what the installer wrote; of sources that are merely on the path, the checkout they are in."""
    try:
        return distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        checkout = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        return json.dumps({"url": f"file://{checkout}"})
