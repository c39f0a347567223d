"""The check whether a caller may still get the rest of a long answer, such as a watch or a delivery of events.

Such an answer can last for hours. The user may be removed or lose rights meanwhile, or get another password.
"""

import time
from collections.abc import Callable

from logonscope.broker import Caller
from logonscope.server.auth.user_line import User

CHECK_SECONDS = 60.0
"""Seconds after which an account is looked up again; the user file is read at each check if it has changed."""


class CallerValidity:
    """The check of one caller, who has just authenticated. One thread uses it at a time."""

    def __init__(
        self,
        caller: Caller,
        find_user: Callable[[str], User | None],
        find_account: Callable[[str], Caller | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the present password hash of the caller.

        Args:
            caller: the caller.
            find_user: returns the user of a name in the user file; None: there is no such user.
            find_account: returns the caller of an account; None: the account may not log in, or does not exist.
            clock: returns seconds that never decrease, whatever the system time does.
        """
        self._caller, self._find_user, self._find_account, self._clock = caller, find_user, find_account, clock
        user = find_user(caller.name)
        # None: the caller is not in the user file, but an account
        self._password_hash = user.password_hash if user is not None and user.caller == caller else None
        self._next_check = clock() + CHECK_SECONDS

    def __repr__(self) -> str:
        return f"<CallerValidity of {self._caller.name}>"

    def is_valid(self) -> bool:
        """Return whether the caller still exists, with the same rights, and with the same password in the user file.

        A caller who is an account stays valid with another password.
        """
        caller = self._caller
        if self._password_hash is not None:
            user = self._find_user(caller.name)
            return user is not None and (user.caller, user.password_hash) == (caller, self._password_hash)
        # An account is not looked up at each check: name services and PAM can be slow.
        if self._clock() < self._next_check:
            return True
        self._next_check = self._clock() + CHECK_SECONDS
        return self._find_account(caller.name) == caller
