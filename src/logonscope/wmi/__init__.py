"""Drop-in replacement for the PyPI module ``wmi``: ``from logonscope import wmi``.

Values are as COM automation passes them: 64-bit numbers are decimal text, datetimes are DMTF text, arrays are
tuples. The parameters of a method are in alphabetical order. An unknown class, property or method that is written as an
attribute raises AttributeError. All other errors are an x_wmi, whose cause is an error of logonscope.errors; only
x_wmi_authentication has no cause.
``WMI(host=...)`` uses any logonscope Host. All names are those of the module ``wmi``, also those with an underscore.
"""

from logonscope.wmi.connection import WMI, Registry, connect, connect_server
from logonscope.wmi.errors import (
    com_error,
    signed_to_unsigned,
    x_access_denied,
    x_wmi,
    x_wmi_authentication,
    x_wmi_invalid_query,
    x_wmi_no_namespace,
    x_wmi_timed_out,
    x_wmi_uninitialised_thread,
)
from logonscope.wmi.members import _wmi_method as _wmi_method
from logonscope.wmi.members import _wmi_path as _wmi_path
from logonscope.wmi.members import _wmi_property as _wmi_property
from logonscope.wmi.namespace import _wmi_namespace as _wmi_namespace
from logonscope.wmi.objects import _wmi_class as _wmi_class
from logonscope.wmi.objects import _wmi_event as _wmi_event
from logonscope.wmi.objects import _wmi_object as _wmi_object
from logonscope.wmi.times import from_1601, from_time, to_time

__all__ = [
    "WMI",
    "Registry",
    "com_error",
    "connect",
    "connect_server",
    "from_1601",
    "from_time",
    "signed_to_unsigned",
    "to_time",
    "x_access_denied",
    "x_wmi",
    "x_wmi_authentication",
    "x_wmi_invalid_query",
    "x_wmi_no_namespace",
    "x_wmi_timed_out",
    "x_wmi_uninitialised_thread",
]
