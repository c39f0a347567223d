"""The view of another user, for administrators: it shows what that user sees, and changes nothing on the host."""

from logonscope.broker.access import Caller
from logonscope.broker.request import Request
from logonscope.broker.whose_candidates import account_uids
from logonscope.errors import AccessDeniedError, Hint, HintCode, InvalidParameterError, NotFoundError

MAX_UID = (1 << 32) - 2
"""The greatest uid: 4294967295 means "no uid"."""


def view_as(request: Request, user: str) -> Caller:
    """Return a user of the host as a caller who may only read. The caller is an administrator only if the uid is 0.

    Args:
        request: the request of an administrator.
        user: the name of an account of the host, or a uid, with or without an account.

    Raises:
        AccessDeniedError: the caller of the request is no administrator, or only by the visibility "kernel".
        NotFoundError: the host has no account with this name.
        InvalidParameterError: several accounts have this name, or the uid is out of range.
    """
    # With the visibility "kernel", values that this process cannot read would be missing from the other user's view.
    if not request.caller.administrator or request.caller.limited_by_kernel:
        raise AccessDeniedError("only an administrator may see what another user sees", Hint(HintCode.RUN_AS_ROOT))
    if user.isascii() and user.isdecimal():
        if len(user) > len(str(MAX_UID)) or int(user) > MAX_UID:
            raise InvalidParameterError(f"invalid uid {user[:20]}: must be at most {MAX_UID}")
        uids = frozenset({int(user)})
    else:
        uids = account_uids(request, user)
    if not uids:
        raise NotFoundError(f"this host has no account {user!r}", "give the name of an account, or a uid")
    if len(uids) > 1:
        raise InvalidParameterError(f"several accounts have the name {user!r}", "give a uid")
    (uid,) = uids
    return Caller(user, uid, administrator=uid == 0, read_only=True)
