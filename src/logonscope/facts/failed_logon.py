"""Failed logons: what a program such as sshd or sudo reported about an attempt that it refused."""

from typing import NamedTuple


class FailedLogon(NamedTuple):
    """A refused attempt to log in, or to become another user. None: the value was not reported.

    Attributes:
        service: sshd, login, su, sudo, or the PAM service of another program.
        pid: of the process that reported the attempt; 0: not known.
        user: the name that was tried, as the client sent it. It need not be the name of an account.
        is_known_user: whether the machine has an account of that name.
        address: of the client.
        port: of the client.
        remote_host: the name of the client, if the program reported a name in place of an address.
        method: password, keyboard-interactive/pam, publickey, ...
        tty: the terminal.
        by_user: with su and sudo, the account that tried to become ``user``.
        command: the command that sudo did not run.
        reason: why the attempt was refused, in the words of the program.
        attempts: how many attempts are reported together.
        source: journal (systemd's), or btmp.
        line: what the program logged.
    """

    service: str
    pid: int
    user: str | None = None
    is_known_user: bool | None = None
    address: str | None = None
    port: int | None = None
    remote_host: str | None = None
    method: str | None = None
    tty: str | None = None
    by_user: str | None = None
    command: str | None = None
    reason: str | None = None
    attempts: int = 1
    source: str = ""
    line: str | None = None
