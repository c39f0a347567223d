"""``python -m docs.reference``: writes the pages of the reference, one for each class, from the MOF and the providers.

The MOF has the meaning of a property, the provider's table has its origin; a test compares the pages with both.
"""

from collections.abc import Iterator
from pathlib import Path

from docs.command_reference import command_page
from logonscope.broker.invoke import SUPPORTED_METHODS
from logonscope.cim.binding import example_path
from logonscope.cim.classes import Class, Parameter, Property, Qualifier, find_qualifier, has_qualifier
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.dispatch.operations import OPERATIONS
from logonscope.providers.helpers.provider import ALWAYS_NULL_PREFIX, Provider
from logonscope.providers.helpers.registry import find_provider, get_provider
from logonscope.server.configuration import settings_reference as settings
from logonscope.server.json import JsonOperation, offered_operations
from logonscope.server.wsman import REQUESTS
from logonscope.wire.wsman.requests import ACTIONS, Invoke

ROOT = "root"
"""The namespace that contains the others."""

FOLDER = Path(__file__).parent / "reference"
WINDOWS = "https://learn.microsoft.com/windows/win32/cimwin32prov/"

INDEX = """\
# The classes

`python -m docs.reference` generates these pages from the schema and the providers; do not edit them. `logonscope
classes` also lists the classes that have no instances here. `logonscope class NAME` prints the MOF of a class. For the
classes of root\\logonscope, add `-n root/logonscope` to both commands. [What differs from Windows](../windows.md).
"""


SETTINGS = """\
# Settings of the server

`python -m docs.reference` generates this page from the table in `server/configuration.py`; do not edit it. Each setting
is a key of `/etc/logonscope/logonscope.toml` and a flag of `logonscope serve`; the flag has priority.
`max_envelope = 512000` is `--max-envelope 512000`. In the file, strings are in quotes; `live` accepts `true` and
`false` with and without quotes. [Serve this host](../serve.md).

"""


WSMAN = """\
# The operations of WS-Management

`python -m docs.reference` generates this page from the tables in `wire/wsman/requests.py` and `server/wsman.py`; do not
edit it. Identify has no action, and needs no authentication. [Serve this host](../serve.md).

"""


JSON = """\
# The operations of the JSON API

`python -m docs.reference` generates this page from the table in `server/json.py`; do not edit it. An operation is
`POST /v1/OPERATION` with its arguments as an object; required ones are in bold. `logonscope schema OPERATION` prints
its JSON Schema, `/v1/openapi.json` has all of them. [How to use it](../json.md). The form of the response is one JSON
object, lines of JSON (an object a line), or a stream of events, each with an object.

"""


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    served = [cls for namespace in (CIMV2, LOGONSCOPE, ROOT) for cls in schema().classes(namespace) if _is_served(cls)]
    written = {"README.md": _index(), "settings.md": SETTINGS + settings(), "wsman.md": _doors()}
    written["commands.md"], written["json.md"] = command_page(), _json_page()
    return written | {f"{cls.name}.md": _page(cls) for cls in served}


def _doors() -> str:
    actions = [(f"`{action}`", row.message) for action, row in ACTIONS.items()]
    actions.append(("RESOURCE/METHOD, such as `.../Win32_Process/GetOwner`", Invoke))
    rows = (f"| {action} | {_purpose(action, message)} | {_who(message)} |" for action, message in actions)
    return WSMAN + "\n".join(["| action | purpose | permitted for |", "|---|---|---|", *rows]) + "\n"


def _json_page() -> str:
    rows = (
        _cells(f"`{name}`", description, _arguments(row), _form(row), f"`{_answer(row)}`")
        for name, row, description in offered_operations()
    )
    head = ["| operation | answer | arguments | form | schema |", "|---|---|---|---|---|"]
    return JSON + "\n".join([*head, *rows]) + "\n"


def _form(row: JsonOperation) -> str:
    if row.is_watch:
        return "events"
    return "lines" if row.has_rows else "object"


def _answer(row: JsonOperation) -> str:
    return row.answer if isinstance(row.answer, str) else str(row.answer.__name__)


def _arguments(row: JsonOperation) -> str:
    names = (f"**`{name}`**" if known.is_required else f"`{name}`" for name, known in row.arguments.items())
    return ", ".join(names)


def _purpose(action: str, message: type) -> str:
    # GetStatus has the message type of Renew, in enumerations and in subscriptions
    if action.endswith("/GetStatus`"):
        return REQUESTS[message].description.replace("extend the lifetime", "the remaining lifetime")
    return REQUESTS[message].description


def _who(message: type) -> str:
    """Return who may send a message; the rejected ones are rejected for every caller."""
    operations = REQUESTS[message].operations
    if REQUESTS[message].description.startswith("rejected"):
        return "no one"
    if "invoke" in operations:
        reading = ", ".join(
            f"`{name.partition('.')[2]}`" for name, method in SUPPORTED_METHODS.items() if not method.acts
        )
        return f"every authenticated user: {reading}; other methods if `allow_methods` is set"
    acts = any(OPERATIONS[name].changes_host for name in operations)
    return "every authenticated user, if `allow_methods` is set" if acts else "every authenticated user"


def write() -> None:
    """Write every page, and remove pages of classes that no longer exist."""
    texts = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _is_served(cls: Class) -> bool:
    """Return whether a class has instances in its namespace; those of every namespace have some in root alone."""
    return find_provider(cls) is not None and (cls.declaration.namespace is not None or cls.namespace == ROOT)


def _index() -> str:
    return "\n".join([INDEX, *_namespace(CIMV2), *_namespace(LOGONSCOPE), *_namespace(ROOT)])


def _namespace(namespace: str) -> Iterator[str]:
    classes = filter(_is_served, schema().classes(namespace))
    yield f"## {namespace}\n"
    yield "| class | what it is |\n|---|---|"
    for cls in sorted(classes, key=lambda cls: cls.name):
        yield f"| [{cls.name}]({cls.name}.md) | {_description(cls).partition('. ')[0].removesuffix('.')} |"
    yield ""


def _page(cls: Class) -> str:
    provider = get_provider(cls)
    lines = [f"# {cls.name}\n", f"{_description(cls)}\n", *_facts(cls), ""]
    lines += ["| property | type | meaning | from |", "|---|---|---|---|"]
    lines += [_row(cls_property, provider) for cls_property in cls.properties.values()]
    if cls.methods:
        lines += ["", "| method | what it does | takes | returns | on Linux |", "|---|---|---|---|---|", *_methods(cls)]
    return "\n".join([*lines, ""])


def _description(cls: Class) -> str:
    description = _text(cls.qualifiers, "Description")
    if has_qualifier(cls.qualifiers, "Association"):
        return f"Association: {description[:1].lower()}{description[1:]}"
    return description


def _facts(cls: Class) -> Iterator[str]:
    yield f"- Namespace `{cls.namespace}`, path `{example_path(cls)}`"
    yield f"- Derived from {', '.join(cls.derivation)}" if cls.derivation else "- Derived from no class"
    if not cls.name.startswith(("LS_", "__")):
        yield f"- [On Windows]({WINDOWS}{cls.name.lower().replace('_', '-')})"


def _row(cls_property: Property, provider: Provider) -> str:
    column = provider.columns.get(cls_property.name)
    source = column.source if column else f"{ALWAYS_NULL_PREFIX}not read here"
    key = " (key)" if has_qualifier(cls_property.qualifiers, "Key") else ""
    return _cells(f"`{cls_property.name}`{key}", _type(cls_property), _meaning(cls_property), source)


def _meaning(cls_property: Property) -> str:
    qualifiers = cls_property.qualifiers
    units, values = _text(qualifiers, "Units"), _values(qualifiers, cls_property.type)
    unit = f"In {UNITS.get(units, units)}." if units else ""
    return " ".join(filter(None, [_text(qualifiers, "Description"), unit, values]))


UNITS = {"kilobytes": "kilobytes of 1,024 bytes"}
"""Units that the pages explain."""


def _values(qualifiers: tuple[Qualifier, ...], cim_type: str) -> str:
    """Return the meanings of values, if the schema has names for them; a text without a ValueMap is its own meaning."""
    numbers, names = find_qualifier(qualifiers, "ValueMap"), find_qualifier(qualifiers, "Values")
    if names is None or not isinstance(names.value, tuple) or len(names.value) > MAX_VALUES:
        return ""
    if numbers is None and cim_type == "string":
        return f"{', '.join(map(str, names.value))}."
    keys = numbers.value if numbers and isinstance(numbers.value, tuple) else range(len(names.value))
    pairs = [f"{key!s} {name!s}" for key, name in zip(keys, names.value, strict=False) if str(key) != str(name)]
    return f"{', '.join(pairs)}." if pairs else ""


MAX_VALUES = 16
"""The number of values that a page lists; a longer list is only in the MOF."""


def _methods(cls: Class) -> Iterator[str]:
    for method in cls.methods.values():
        inputs = [_parameter(parameter) for parameter in method.parameters if parameter.is_in]
        outputs = [method.type, *(_parameter(parameter) for parameter in method.parameters if parameter.is_out)]
        description = _text(method.qualifiers, "Description")
        offered = "yes" if f"{method.origin}.{method.name}" in SUPPORTED_METHODS else "not offered"
        yield _cells(f"`{method.name}`", description, ", ".join(inputs), ", ".join(outputs), offered)


def _parameter(parameter: Parameter) -> str:
    return f"`{parameter.name}` {_type(parameter)}"


def _type(element: Property | Parameter) -> str:
    if element.type == "reference":
        return f"{element.reference} ref"
    return f"{element.type}[]" if element.array else element.type


def _text(qualifiers: tuple[Qualifier, ...], name: str) -> str:
    qualifier = find_qualifier(qualifiers, name)
    return str(qualifier.value) if qualifier else ""


def _cells(*texts: str) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |"


if __name__ == "__main__":
    write()
