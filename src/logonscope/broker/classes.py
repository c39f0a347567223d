"""Class operations: definitions of classes, the same for every authenticated caller."""

import fnmatch
import re
from collections.abc import Iterator

from logonscope.broker.request import Request
from logonscope.broker.resolve import class_of, namespace_of
from logonscope.cim.classes import Class
from logonscope.errors import InvalidParameterError

MAX_PATTERN_LENGTH = 256
"""Maximum characters of a pattern."""

MAX_WILDCARDS = 8
"""Maximum number of ``*`` and ``%`` in a pattern."""


def get_class(request: Request, name: str, namespace: str | None = None) -> Class:
    """Return the definition of a class.

    Raises:
        InvalidClassError, InvalidNamespaceError: there is no such class or namespace.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    return class_of(request, name, namespace)


def classes(request: Request, pattern: str | None = None, namespace: str | None = None) -> Iterator[Class]:
    """Return the classes of a namespace whose names match a pattern, case-insensitively.

    In the pattern, ``*`` or ``%`` matches any number of characters, ``?`` one character and ``[ab]`` an a or a b.

    Raises:
        InvalidNamespaceError: there is no such namespace.
        InvalidParameterError: the pattern is too long, or has too many wildcards.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    namespace_classes = request.schema.classes(namespace_of(request, namespace))
    if pattern is None:
        return namespace_classes
    if len(pattern) > MAX_PATTERN_LENGTH or pattern.count("*") + pattern.count("%") > MAX_WILDCARDS:
        raise InvalidParameterError(
            "the pattern is too long", f"give at most {MAX_PATTERN_LENGTH} characters and {MAX_WILDCARDS} wildcards"
        )
    expression = re.compile(fnmatch.translate(pattern.replace("%", "*")), re.IGNORECASE)
    return (cls for cls in namespace_classes if expression.match(cls.name))
