"""Entry points of a script, such as ``WMI()``: a moniker or its parts lead to a namespace, a class or an object."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from logonscope import app, errors
from logonscope.cim.classes import CIMV2
from logonscope.client import Host
from logonscope.wmi.errors import not_supported, wmi_errors, x_wmi_authentication
from logonscope.wmi.namespace import _wmi_namespace

_MONIKER = re.compile(
    r"(?:winmgmts:)?(?:\{[^}]*\})?(?:\[[^]]*\])?!?"  # security settings and locale are accepted and ignored
    r"(?:[\\/]{2}(?P<computer>[^\\/:]+)(?:[\\/]|$))?"
    r"(?:(?P<namespace>root(?:[\\/]\w+)*)(?::|$))?"
    r"(?P<path>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LOCAL = frozenset({None, "", ".", "localhost"})
_NEEDLESS_USER = "a user can be given only for another machine, and not with privileges or suffix; remove the user"


class Moniker(NamedTuple):
    """The parts of ``winmgmts:{...}!//computer/namespace:path``; "" where one is missing."""

    computer: str
    namespace: str
    path: str


def parse_moniker(text: str) -> Moniker:
    """Parse a moniker. Every text is a valid moniker: at worst, all of it is the path."""
    return Moniker(*_MONIKER.findall(text)[0])


def connect(
    computer: str | None = "", impersonation_level: str = "", authentication_level: str = "", authority: str = "",
    privileges: Sequence[str] = "", moniker: str = "", wmi: _wmi_namespace | None = None, namespace: str = "",
    suffix: str = "", user: str = "", password: str = "", find_classes: bool = False, debug: bool = False, *,
    host: Host | None = None,
) -> Any:  # fmt: skip
    r"""Connect to a namespace, or get the class or object of a path.

    Args:
        computer: for this machine "", ".", "localhost" or its name; another machine is connected to by https.
        moniker: computer, namespace and suffix in one text, in place of these arguments:
            ``winmgmts:{impersonationLevel=impersonate}!\\.\root\cimv2:Class.Key="value"``.
        wmi: the result of ``connect_server``: it is returned unchanged, and all other arguments are ignored.
        namespace: "cimv2" or "root/logonscope"; "": root/cimv2.
        suffix: the path of a class or of an object.
        user, password: for another machine only; the defaults are those of ``logonscope.connect``.
        host: the host to use instead of this machine, such as ``logonscope.connect("web1.lsr")``.
        impersonation_level, authentication_level, authority, privileges, find_classes, debug: ignored.

    Raises:
        x_wmi_authentication: a user was given for this machine; or a user was given with privileges or a suffix, and no
            moniker.
        x_wmi: another machine does not answer or rejects the user; the namespace, class or object does not exist; or
            ``host`` has another name than ``computer``.
    """
    if wmi is not None:
        return wmi
    if moniker:
        computer, namespace, suffix = parse_moniker(moniker)
    elif user and (privileges or suffix or computer in _LOCAL):
        # As the module ``wmi`` behaves: a user needs another machine, and excludes privileges and suffix.
        raise x_wmi_authentication(_NEEDLESS_USER)
    words = re.split(r"[\\/]", namespace or CIMV2)
    name = "\\".join(words if words[0].lower() == "root" else ["root", *words])
    with wmi_errors():
        selected_host = _select_host(host, computer or ".", user or None, password or None)
        # Called only for its error: an unknown namespace is rejected here, not by the first query.
        selected_host.classes(namespace=name)
    wmi_namespace = _wmi_namespace(selected_host, name)
    return wmi_namespace.get(suffix) if suffix else wmi_namespace


WMI = connect


def connect_server(
    server: str, namespace: str = "", user: str = "", password: str = "", *args: object, **kwargs: object
) -> Any:
    """Connect to a namespace, for ``WMI(wmi=...)``; see ``connect``. Further arguments are ignored."""
    return connect(server, namespace=namespace, user=user, password=password)


def Registry(*args: object, **kwargs: object) -> NoReturn:
    """Raise x_wmi: Linux has no registry."""
    not_supported("the registry does not exist on Linux", "read the files in /etc")


def _select_host(host: Host | None, computer: str, user: str | None, password: str | None) -> Host:
    """Return the host that has a computer's name: ``host`` if it is given, this machine, or another machine by https.

    Raises:
        InvalidNamespaceError: ``host`` has another name.
        x_wmi_authentication: a user was given, and the computer is this machine.
    """
    candidate = app.connect() if host is None else host
    # A host accepts only paths with its own names, so a path shows whether ``computer`` is a name of the host.
    try:
        candidate.classes(namespace=f"\\\\{computer}\\root")
    except errors.InvalidNamespaceError:
        if host is not None:
            raise
        return app.connect(f"https://{computer}", user=user, password=password)
    if user is not None and host is None:
        raise x_wmi_authentication(_NEEDLESS_USER)
    return candidate
