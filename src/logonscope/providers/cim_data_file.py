"""CIM_DataFile: the files mapped as code by processes that the caller may see. No other files are instances."""

from logonscope.providers.helpers.file_keys import split_path
from logonscope.providers.helpers.host import computer_name
from logonscope.providers.helpers.provider import Provider, always_null, column, constant, host_column
from logonscope.providers.helpers.text import clean

_NOT_READ = "the file is not read: it can be on a file system that does not answer"
_NOT_ON_LINUX = "Linux has no such attribute"
_PATH = "/proc/PID/maps, the path as the kernel shows it"

PROVIDER = Provider(
    subject="mapped file",
    distinct_key=lambda path, *_: clean(path),
    columns={
        "Caption": column(lambda path, *_: clean(path), "as Name"),
        "Description": column(lambda path, *_: clean(path), "as Name"),
        "InstallDate": always_null(_NOT_READ),
        "Name": column(lambda path, *_: clean(path), f'{_PATH}; " (deleted)" at its end: the file was removed'),
        "Status": always_null(_NOT_READ),
        "InUseCount": always_null("the memory of every process would have to be read"),
        "Archive": always_null(_NOT_ON_LINUX),
        "CSCreationClassName": constant("Win32_ComputerSystem"),
        "CSName": host_column(lambda context: computer_name(context.machine), "the kernel's hostname"),
        "Compressed": always_null(_NOT_READ),
        "CreationClassName": constant("CIM_DataFile"),
        "CreationDate": always_null(_NOT_READ),
        "Encrypted": always_null(_NOT_READ),
        "FSCreationClassName": always_null(_NOT_READ),
        "FSName": always_null(_NOT_READ),
        "LastAccessed": always_null(_NOT_READ),
        "LastModified": always_null(_NOT_READ),
        "Readable": always_null(_NOT_READ),
        "FileSize": always_null(_NOT_READ),
        "Writeable": always_null(_NOT_READ),
        "Hidden": always_null(_NOT_ON_LINUX),
        "System": always_null(_NOT_ON_LINUX),
        "FileType": always_null(_NOT_READ),
        "EightDotThreeFileName": always_null(_NOT_ON_LINUX),
        "CompressionMethod": always_null(_NOT_READ),
        "EncryptionMethod": always_null(_NOT_READ),
        "Drive": always_null("Linux has no drives"),
        "Path": column(lambda path, *_: clean(split_path(path).folder), "the part of Name up to its last slash"),
        "FileName": column(
            lambda path, *_: clean(split_path(path).name), "the part of Name after the last slash, without extension"
        ),
        "Extension": column(lambda path, *_: clean(split_path(path).extension), "what follows the last dot"),
        "AccessMask": always_null(_NOT_ON_LINUX),
        "Version": always_null("files of Linux have no such resource"),
        "Manufacturer": always_null("files of Linux have no such resource"),
    },
)  # fmt: skip
