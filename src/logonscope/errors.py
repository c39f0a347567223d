"""What went wrong, in every code system that a caller may speak: one class for each meaning that one can act on.

Each leaf carries its WMI name and number (MS-WMI 2.2.11, WBEMSTATUS) and its DMTF status (DSP0200, 5.2.3.1);
the message says what was wrong, the hint what to do about it.
"""

from typing import ClassVar


class LogonscopeError(Exception):
    """Any refusal or failure that Logonscope reports; str() is "what was wrong; what to do"."""

    name: ClassVar[str] = "WBEM_E_FAILED"
    number: ClassVar[int] = 0x80041001
    cim_status: ClassVar[int] = 1  # CIM_ERR_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class NotFoundError(LogonscopeError):
    """What was asked for is not there, or not for this caller to see."""

    name = "WBEM_E_NOT_FOUND"
    number = 0x80041002
    cim_status = 6  # CIM_ERR_NOT_FOUND


class AccessDeniedError(LogonscopeError):
    """The caller, or this process, has no right to do that."""

    name = "WBEM_E_ACCESS_DENIED"
    number = 0x80041003
    cim_status = 2  # CIM_ERR_ACCESS_DENIED


class InvalidParameterError(LogonscopeError):
    """An argument has no meaning here: a target, a LogonId, an output file."""

    name = "WBEM_E_INVALID_PARAMETER"
    number = 0x80041008
    cim_status = 4  # CIM_ERR_INVALID_PARAMETER


class NotSupportedError(LogonscopeError):
    """This host, or this platform, cannot answer that kind of question."""

    name = "WBEM_E_NOT_SUPPORTED"
    number = 0x8004100C
    cim_status = 7  # CIM_ERR_NOT_SUPPORTED


class RecordingError(LogonscopeError):
    """A recorded host cannot be read: no recording, damaged, cut short, or of a newer version."""

    name = "WBEM_E_PROVIDER_LOAD_FAILURE"
    number = 0x80041013
