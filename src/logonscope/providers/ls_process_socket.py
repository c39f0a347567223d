"""LS_ProcessSocket: the network sockets that each process holds, and the logon session of the process."""

from logonscope.machine import OWNER_FACT
from logonscope.providers.helpers.process_keys import process_reference, select_process
from logonscope.providers.helpers.provider import End, Provider, column
from logonscope.providers.helpers.socket_keys import SOCKET_COLUMNS, select_port, select_socket

PROVIDER = Provider(
    subject="socket",
    columns={
        "Antecedent": column(
            lambda _, process, *__: process_reference(process, "LS_Process"), "the process whose fd has socket:[INODE]"
        ),
        "Dependent": column(lambda socket, *_: ("LS_Socket", socket.inode), "fd: socket:[INODE]"),
        "LogonId": column(lambda _, __, owner, ___: owner.logon_id, "see LS_SessionProcess", OWNER_FACT),
        **SOCKET_COLUMNS,
    },
    ends={"Antecedent": End("process", slice(1, 3)), "Dependent": End("socket", slice(0, 3))},
    selections={"Antecedent": select_process, "Dependent": select_socket, "LocalPort": select_port},
)
