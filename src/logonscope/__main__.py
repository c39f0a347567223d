"""The command ``logonscope``: the console script, and ``python -m logonscope``."""

import errno
import gc
import os
import signal
import sys

# The garbage collector would search the imported modules, which are never garbage. The search takes a tenth of the time
# of a short command.
gc.disable()
# Ctrl-C while modules are imported ends the process without a traceback
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

OUT_OF_RESOURCES = 70
"""The code in faces/cli/exit_codes.py, which is not imported here: the import may need more memory than there is."""

OUT_OF_MEMORY = b"logonscope: cannot answer: out of memory; raise the limit (ulimit -v), or ask for less\n"
"""The message for OUT_OF_RESOURCES: bytes, because to encode text needs memory."""


def main() -> int:
    """Run the command and end the process; return the exit code only if the process needs a normal exit of Python."""
    try:
        from logonscope.command import main as run  # noqa: PLC0415 -- the import may need more memory than there is

        return _end_quickly(run())
    except MemoryError:
        pass
    # C code that does not check each allocation returns NULL without an exception, or a result with an exception set
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


def _end_quickly(code: int) -> int:
    """End the process without freeing the modules: to free them takes a tenth of the time of a short command.

    Return the code if a normal exit is needed: after ``serve``, or if the output cannot be written.
    """
    # the server has threads and processes to end
    if "logonscope.server.command" not in sys.modules:
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
        except OSError:
            return code  # Python reports the failed write when it exits
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
