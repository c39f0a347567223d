"""Exceptions with the names of the PyPI module ``wmi``, and the table that maps errors of Logonscope to them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from logonscope import errors

DISP_E_EXCEPTION = 0x80020009 - (1 << 32)


class com_error(Exception):
    """An error of WMI with the attributes of pywintypes.com_error.

    strerror is the name of the error, such as WBEM_E_NOT_FOUND. excepinfo is (0, "logonscope", description, None, 0,
    number), with the number as signed 32 bits. hresult is always DISP_E_EXCEPTION, which refers to excepinfo.
    """

    def __init__(self, hresult: int, strerror: str, excepinfo: tuple[Any, ...], argerror: int | None = None) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult, self.strerror, self.excepinfo, self.argerror = hresult, strerror, excepinfo, argerror


class x_wmi(Exception):
    """Base class of the errors that scripts get.

    ``info`` is the message with the hint. ``com_error`` has the number, or is None.
    """

    def __init__(self, info: str = "", com_error: com_error | None = None) -> None:
        super().__init__(info, com_error)
        self.info, self.com_error = info, com_error

    def __str__(self) -> str:
        error = self.com_error
        number = f" ({error.strerror} 0x{signed_to_unsigned(error.excepinfo[5]):08X})" if error else ""
        return f"<x_wmi: {self.info}{number}>"


class x_wmi_invalid_query(x_wmi):
    """A query is not valid WQL, or names a property that the class does not have."""


class x_wmi_timed_out(x_wmi):
    """A response or the next event did not arrive before the timeout."""


class x_wmi_no_namespace(x_wmi):
    """A class without a namespace; never raised here."""


class x_access_denied(x_wmi):
    """The caller has no permission for the operation."""


class x_wmi_authentication(x_wmi):
    """A user name was given for this machine or, without a moniker, together with privileges or a suffix."""


class x_wmi_uninitialised_thread(x_wmi):
    """A thread without CoInitialize; never raised here."""


EXCEPTIONS: Mapping[type[errors.LogonscopeError], type[x_wmi]] = {
    errors.AccessDeniedError: x_access_denied,
    errors.InvalidQueryError: x_wmi_invalid_query,
    errors.TimedOutError: x_wmi_timed_out,
}
"""The subclass of x_wmi by class of error; all other errors become an x_wmi itself."""


@contextmanager
def wmi_errors() -> Iterator[None]:
    """Raise errors of Logonscope as the matching x_wmi."""
    try:
        yield
    except errors.LogonscopeError as error:
        # Scripts compare the number with signed constants: pywin32 reads HRESULTs as signed integers.
        excepinfo = (0, "logonscope", str(error), None, 0, error.number - (1 << 32))
        cause = com_error(DISP_E_EXCEPTION, error.name, excepinfo)
        raise EXCEPTIONS.get(type(error), x_wmi)(str(error), cause) from error


def not_supported(message: str, hint: str) -> NoReturn:
    """Raise x_wmi with the number of WBEM_E_NOT_SUPPORTED."""
    with wmi_errors():
        raise errors.NotSupportedError(message, hint)


def read_only(*_: object, **__: object) -> NoReturn:
    """Raise x_wmi: instances cannot be written."""
    not_supported("instances are read-only and cannot be created", "call a method, Terminate or SetPriority")


def signed_to_unsigned(signed: int) -> int:
    """Return the unsigned form of an error's number, for ``"%08X" % number``."""
    return signed & 0xFFFFFFFF
