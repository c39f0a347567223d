"""How does the reference come about? ``python -m docs.reference`` writes a page a class from the MOF and the providers.

The MOF says what a property means, the provider's table what it is made of; a test holds the pages against both.
"""

from collections.abc import Iterator
from pathlib import Path

from docs.command_reference import command_page
from logonscope.broker.invoke import METHODS
from logonscope.cim.binding import example
from logonscope.cim.classes import Class, Parameter, Property, Qualifier, find, has
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.dispatch.operations import OPERATIONS
from logonscope.providers.helpers.provider import NOWHERE, Provider
from logonscope.providers.helpers.registry import provider_for, provider_of
from logonscope.server.configuration import reference as settings
from logonscope.server.wsman import REQUESTS
from logonscope.wire.wsman.requests import ACTIONS, Invoke

FOLDER = Path(__file__).parent / "reference"
WINDOWS = "https://learn.microsoft.com/windows/win32/cimwin32prov/"

INDEX = """\
# The classes

Made from the schema's MOF files and the providers by `python -m docs.reference`; not to be edited.
[What differs from Windows](../windows.md), [how to add a class](../adding-a-class.md).
`logonscope class NAME` prints the MOF of any class, `logonscope classes` lists them.
"""


SETTINGS = """\
# Settings of the server

Made from the table in `server/configuration.py` by `python -m docs.reference`; not to be edited. Each is a key of
`/etc/logonscope/logonscope.toml` and a flag of `logonscope serve`, which wins: `max_envelope = 512000` is
`--max-envelope 512000`. [Serve this host](../serve.md).

"""


WSMAN = """\
# The operations of WS-Management

Made from the tables in `wire/wsman/requests.py` and `server/wsman.py` by `python -m docs.reference`; not to be edited.
Identify has no action, and is for everybody. [Serve this host](../serve.md).

"""


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    served = [cls for namespace in (CIMV2, LOGONSCOPE) for cls in schema().classes(namespace) if _is_served(cls)]
    written = {"README.md": _index(), "settings.md": SETTINGS + settings(), "wsman.md": _doors()}
    written["commands.md"] = command_page()
    return written | {f"{cls.name}.md": _page(cls) for cls in served}


def _doors() -> str:
    told = [(f"`{action}`", known.operation) for action, known in ACTIONS.items()]
    told.append(("RESOURCE/METHOD, as `.../Win32_Process/GetOwner`", Invoke))
    rows = (f"| {action} | {REQUESTS[operation].about} | {_who(operation)} |" for action, operation in told)
    return WSMAN + "\n".join(["| action | what it is for | who may |", "|---|---|---|", *rows]) + "\n"


def _who(operation: type) -> str:
    operations = REQUESTS[operation].operations
    if "invoke" in operations:
        reading = " and ".join(f"`{name.partition('.')[2]}`" for name, method in METHODS.items() if not method.acts)
        return f"whoever comes in: {reading}; others where `allow_methods` is set"
    acts = any(OPERATIONS[name].acts for name in operations)
    return "whoever comes in, where `allow_methods` is set" if acts else "whoever comes in"


def write() -> None:
    """Write every page, and remove those of classes that are no longer there."""
    found = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in found:
            path.unlink()
    for name, text in found.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _is_served(cls: Class) -> bool:
    return provider_of(cls) is not None


def _index() -> str:
    return "\n".join([INDEX, *_namespace(CIMV2), *_namespace(LOGONSCOPE)])


def _namespace(namespace: str) -> Iterator[str]:
    classes = [cls for cls in schema().classes(namespace) if cls.declaration.namespace or _is_served(cls)]
    yield f"## {namespace}\n"
    yield "| class | what it is |\n|---|---|"
    for cls in sorted((cls for cls in classes if _is_served(cls)), key=lambda cls: cls.name):
        yield f"| [{cls.name}]({cls.name}.md) | {_text(cls.qualifiers, 'Description')} |"
    others = sorted(cls.name for cls in classes if not _is_served(cls))
    if others:
        yield f"\nDefined, without instances here: {', '.join(others)}.\n"
    else:
        yield ""


def _page(cls: Class) -> str:
    provider = provider_for(cls)
    lines = [f"# {cls.name}\n", f"{_text(cls.qualifiers, 'Description')}\n", *_facts(cls), ""]
    lines += ["| property | type | meaning | from |", "|---|---|---|---|"]
    lines += [_row(known, provider) for known in cls.properties.values()]
    if cls.methods:
        lines += ["", "| method | what it does | takes | returns | on Linux |", "|---|---|---|---|---|", *_methods(cls)]
    return "\n".join([*lines, ""])


def _facts(cls: Class) -> Iterator[str]:
    yield f"- Namespace `{cls.namespace}`, path `{example(cls)}`"
    yield f"- Derived from {', '.join(cls.derivation)}" if cls.derivation else "- Derived from no class"
    if not cls.name.startswith(("LS_", "__")):
        yield f"- [On Windows]({WINDOWS}{cls.name.lower().replace('_', '-')})"


def _row(known: Property, provider: Provider) -> str:
    column = provider.columns.get(known.name)
    source = column.source if column else f"{NOWHERE}not read here"
    key = " (key)" if has(known.qualifiers, "Key") else ""
    return _cells(f"`{known.name}`{key}", _type(known), _meaning(known.qualifiers), source)


def _meaning(qualifiers: tuple[Qualifier, ...]) -> str:
    units = _text(qualifiers, "Units")
    return " ".join(
        filter(None, [_text(qualifiers, "Description"), f"In {units}." if units else "", _values(qualifiers)])
    )


def _values(qualifiers: tuple[Qualifier, ...]) -> str:
    """Return what the values mean, where the schema names them."""
    numbers, names = find(qualifiers, "ValueMap"), find(qualifiers, "Values")
    if names is None or not isinstance(names.value, tuple) or len(names.value) > MOST_VALUES:
        return ""
    keys = numbers.value if numbers and isinstance(numbers.value, tuple) else range(len(names.value))
    pairs = [f"{key!s} {name!s}" for key, name in zip(keys, names.value, strict=False) if str(key) != str(name)]
    return f"{', '.join(pairs)}." if pairs else ""


MOST_VALUES = 16
"""Values that a page lists; a longer list stands in the MOF."""


def _methods(cls: Class) -> Iterator[str]:
    for method in cls.methods.values():
        takes = [_parameter(of) for of in method.parameters if of.is_in]
        gives = [method.type, *(_parameter(of) for of in method.parameters if of.is_out)]
        said = _text(method.qualifiers, "Description")
        offered = "yes" if f"{method.origin}.{method.name}" in METHODS else "not offered"
        yield _cells(f"`{method.name}`", said, ", ".join(takes), ", ".join(gives), offered)


def _parameter(of: Parameter) -> str:
    return f"`{of.name}` {_type(of)}"


def _type(of: Property | Parameter) -> str:
    if of.type == "reference":
        return f"{of.reference} ref"
    return f"{of.type}[]" if of.array else of.type


def _text(qualifiers: tuple[Qualifier, ...], name: str) -> str:
    found = find(qualifiers, name)
    return str(found.value) if found else ""


def _cells(*texts: str) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |"


if __name__ == "__main__":
    write()
