"""The command ``logonscope``: the console script, and ``python -m logonscope``."""

import errno
import gc
import os
import signal
import sys

gc.disable()  # what is imported stays: to look through it for garbage takes a tenth of a short command's time
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported ends it without a traceback

NO_ROOM = 70
"""EX_SOFTWARE of sysexits.h(3head): see faces/cli/exit_codes.py."""

OUT_OF_MEMORY = b"logonscope: cannot answer: out of memory; raise the limit (ulimit -v), or ask for less\n"


def main() -> int:
    """Run the command; without memory, say so."""
    try:
        from logonscope.app import main as run  # noqa: PLC0415 -- there may be no memory for it

        return run()
    except MemoryError:
        pass
    except SystemError as error:  # what C code makes of it that does not look after each allocation
        if "exception set" not in str(error) and "setting an exception" not in str(error):
            raise
    except ImportError as error:  # the dynamic linker's words for the same
        if "map segment" not in str(error) and "allocate memory" not in str(error):
            raise
    except OSError as error:  # the kernel's words for the same, to the import system or to the command
        if error.errno != errno.ENOMEM:
            raise
    os.write(2, OUT_OF_MEMORY)
    os._exit(NO_ROOM)  # whatever else is done needs memory


if __name__ == "__main__":
    sys.exit(main())
