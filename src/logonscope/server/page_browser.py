"""The browser that ``logonscope page`` opens: that of the user who runs the command, directly or by sudo.

Browsers refuse to run as root, and a user's own browser must be able to read the file that leads it to the page.
"""

import os
import pwd
import shutil
import subprocess
import sys
import threading
import webbrowser
from functools import partial

OPENERS = ("xdg-open", "sensible-browser")
"""Programs that open an address in the browser of the user who runs them (xdg-utils; Debian)."""


def find_sudo_user() -> pwd.struct_passwd | None:
    """Return the account of the user who runs this command as root by sudo (SUDO_UID); None: there is none."""
    uid = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not (uid.isascii() and uid.isdecimal() and len(uid) <= 10) or int(uid) == 0:
        return None
    try:
        return pwd.getpwuid(int(uid))
    except (KeyError, OverflowError):
        return None


def open_browser(url: str, user: pwd.struct_passwd | None) -> None:
    """Open a browser as ``user``, or if ``user`` is None as the user of this process.

    Does not wait for the browser, and raises no exception if none can be opened.
    """
    # in a thread: if the browser runs in the terminal, the call returns only when the browser has ended
    open_url = partial(webbrowser.open, url) if user is None else partial(_open_as, url, user)
    threading.Thread(target=open_url, daemon=True).start()


def _open_as(url: str, user: pwd.struct_passwd) -> None:
    # The module webbrowser is not used: this interpreter may be in root's home directory, where the user cannot run it.
    opener = next(filter(None, map(shutil.which, OPENERS)), None)
    if opener is None:
        return
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    environment |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    runtime_folder = f"/run/user/{user.pw_uid}"
    if os.path.isdir(runtime_folder):
        environment["XDG_RUNTIME_DIR"] = runtime_folder
    try:
        subprocess.run(  # noqa: S603 -- one of OPENERS, and an address of this program
            [opener, url], check=False, cwd="/", env=environment, start_new_session=True,
            user=user.pw_uid, group=user.pw_gid, extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        print(f"Cannot open a browser as {user.pw_name}: {error.strerror}.", file=sys.stderr)  # noqa: T201 -- the output of this command
