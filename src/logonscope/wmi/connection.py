"""The entry points of a script, ``WMI()`` first: from a moniker or its parts to a namespace, a class or an object."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from logonscope import app, errors
from logonscope.cim.classes import CIMV2
from logonscope.client import Host
from logonscope.wmi.errors import not_supported, wmi_errors, x_wmi_authentication
from logonscope.wmi.namespace import _wmi_namespace

_MONIKER = re.compile(
    r"(?:winmgmts:)?(?:\{[^}]*\})?(?:\[[^]]*\])?!?"  # security settings and locale: they make no difference here
    r"(?:[\\/]{2}(?P<computer>[^\\/:]+)(?:[\\/]|$))?"
    r"(?:(?P<namespace>root(?:[\\/]\w+)*)(?::|$))?"
    r"(?P<path>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LOCAL = frozenset({None, "", ".", "localhost"})


class Moniker(NamedTuple):
    """The parts of ``winmgmts:{...}!//computer/namespace:path``; "" where one is missing."""

    computer: str
    namespace: str
    path: str


def parse_moniker(text: str) -> Moniker:
    """Take a moniker apart."""
    return Moniker(*_MONIKER.findall(text)[0])


def connect(
    computer: str | None = "", impersonation_level: str = "", authentication_level: str = "", authority: str = "",
    privileges: Sequence[str] = "", moniker: str = "", wmi: _wmi_namespace | None = None, namespace: str = "",
    suffix: str = "", user: str = "", password: str = "", find_classes: bool = False, debug: bool = False, *,
    host: Host | None = None,
) -> Any:  # fmt: skip
    r"""Return a namespace, or the class or the object that is named.

    Args:
        computer: "", ".", "localhost" or its own name for this machine; another one is asked by https.
        moniker: all in one: ``winmgmts:{impersonationLevel=impersonate}!\\.\root\cimv2:Class.Key="value"``.
        wmi: what ``connect_server`` returned; it is returned again.
        namespace: "cimv2" or "root/logonscope"; "": root/cimv2.
        suffix: the path of a class or of an object.
        user, password: for another machine only; by default as ``logonscope.connect`` finds them.
        host: whom to ask instead of this machine, such as ``logonscope.connect("web1.lsr")``.
        impersonation_level, authentication_level, authority, privileges, find_classes, debug: ignored.

    Raises:
        x_wmi_authentication: there is a user, and the computer is this machine.
        x_wmi: another machine does not answer or rejects the user, or there is no such namespace, class or object.
    """
    if wmi is not None:
        return wmi
    if moniker:
        computer, namespace, suffix = parse_moniker(moniker)
    elif user and (privileges or suffix or computer in _LOCAL):
        raise x_wmi_authentication("a user is for another machine, without privileges and suffix; leave it out")
    words = re.split(r"[\\/]", namespace or CIMV2)
    name = "\\".join(words if words[0].lower() == "root" else ["root", *words])
    with wmi_errors():
        connected = _connected(host, computer or ".", user or None, password or None)
        connected.classes(namespace=name)  # raises where there is no such namespace
    opened = _wmi_namespace(connected, name)
    return opened.get(suffix) if suffix else opened


WMI = connect


def connect_server(
    server: str, namespace: str = "", user: str = "", password: str = "", *args: object, **kwargs: object
) -> Any:
    """Return what ``WMI(wmi=...)`` takes; see ``connect``."""
    return connect(server, namespace=namespace, user=user, password=password)


def Registry(*args: object, **kwargs: object) -> NoReturn:
    """Raise x_wmi: Linux has no registry."""
    not_supported("there is no registry on Linux", "see the files below /etc")


def _connected(host: Host | None, computer: str, user: str | None, password: str | None) -> Host:
    """Return the host that a computer's name stands for: the one given, this machine, or another one by https.

    Raises:
        InvalidNamespaceError: the host that was given has another name.
    """
    local = app.connect() if host is None else host
    try:
        local.classes(namespace=f"\\\\{computer}\\root")
    except errors.InvalidNamespaceError:
        if host is not None:
            raise
        return app.connect(f"https://{computer}", user=user, password=password)
    return local
