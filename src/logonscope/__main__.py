"""The command ``logonscope``: the console script, and ``python -m logonscope``."""

import errno
import gc
import os
import signal
import sys

# imported modules are never garbage: to search them takes a tenth of the time of a short command
gc.disable()
# Ctrl-C while modules are imported ends the process without a traceback
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

OUT_OF_RESOURCES = 70
"""EX_SOFTWARE of sysexits.h(3head): see faces/cli/exit_codes.py."""

OUT_OF_MEMORY = b"logonscope: cannot answer: out of memory; raise the limit (ulimit -v), or ask for less\n"
"""Bytes, because text would have to be encoded, which needs memory."""


def main() -> int:
    """Run the command; return its exit code, or end the process with a message when memory runs out."""
    try:
        from logonscope.app import main as run  # noqa: PLC0415 -- the import may need more memory than there is

        return run()
    except MemoryError:
        pass
    # C code that does not check each allocation returns without an exception set
    except SystemError as error:
        if "exception set" not in str(error) and "setting an exception" not in str(error):
            raise
    # the dynamic linker cannot map a library
    except ImportError as error:
        if "map segment" not in str(error) and "allocate memory" not in str(error):
            raise
    # the kernel has no memory for the import system or for the command
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
    os.write(2, OUT_OF_MEMORY)
    # a normal exit would need memory
    os._exit(OUT_OF_RESOURCES)


if __name__ == "__main__":
    sys.exit(main())
