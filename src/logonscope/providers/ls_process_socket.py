"""LS_ProcessSocket: which process holds which network socket, and in which logon session?"""

from logonscope.machine import OWNER
from logonscope.providers.helpers.process_keys import process_meant, process_reference
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.socket_keys import SOCKET, ports_meant, socket_meant

PROVIDER = Provider(
    subject="socket",
    columns={
        "Antecedent": column(
            lambda _, process, *__: process_reference(process, "LS_Process"), "whose fd holds socket:[INODE]"
        ),
        "Dependent": column(lambda socket, *_: ("LS_Socket", socket.inode), "fd: socket:[INODE]"),
        "LogonId": column(lambda _, __, owner, ___: owner.logon, "see LS_SessionProcess", OWNER),
        **SOCKET,
    },
    ends={"Antecedent": End("process", slice(1, 3)), "Dependent": End("socket", slice(0, 3))},
    fixes={"Antecedent": process_meant, "Dependent": socket_meant, "LocalPort": ports_meant},
)
