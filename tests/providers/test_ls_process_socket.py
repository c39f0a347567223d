"""Tests of providers/ls_process_socket.py: the holders of sockets, with their logon sessions."""

from ipaddress import IPv4Address

import pytest

from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import NotFoundError
from logonscope.machine import Selection
from logonscope.providers.ls_process_socket import PROVIDER
from tests.hosts import HostFolder, user
from tests.providers.asked import SNAPSHOT, at, everything, fixed, one, pair, values, web1

COLUMNS = ("Antecedent", "Dependent", "LogonId", "Protocol", "LocalAddress", "LocalPort", "State")
ANY = str(IPv4Address(0))
PYTHON3, WEB = at('LS_Process.Handle="4312"'), at("LS_Socket.Inode=9001")


def test_who_holds_a_port_and_in_which_logon_session() -> None:
    assert everything(web1(), "LS_ProcessSocket", *COLUMNS) == [
        (PYTHON3, WEB, "41", "tcp", ANY, 8080, "LISTEN")
    ]  # fmt: skip


def test_a_socket_that_several_share_has_a_row_for_each(host: HostFolder) -> None:
    host.listener(443, 9001)
    host.process(10, ses=41, uid=1000, sockets=(9001,))
    host.process(11, sockets=(9001, 9009))
    assert sorted(everything(host.connect(), "LS_ProcessSocket", "Antecedent", "LogonId", "LocalPort")) == [
        (at('LS_Process.Handle="10"'), "41", 443),
        (at('LS_Process.Handle="11"'), "4294967295", 443),
    ]
    held = host.connect().associators("LS_Socket=9001", assoc_class="LS_ProcessSocket", namespace=LOGONSCOPE)
    assert sorted(values(held, "Handle")) == ["10", "11"]


def test_from_a_process_its_sockets_are_found_and_back() -> None:
    by = "LS_ProcessSocket"
    assert values(web1().associators("LS_Process=4312", assoc_class=by, namespace=LOGONSCOPE), "Inode") == [9001]
    holders = web1().associators("LS_Socket=9001", assoc_class=by, namespace=LOGONSCOPE)
    assert values(holders, "Handle", "Name") == [("4312", "python3")]
    assert list(web1().associators("LS_Process=4151", assoc_class=by, namespace=LOGONSCOPE)) == []


def test_a_pair_is_found_by_its_path_and_no_other_is() -> None:
    assert one(web1(), pair("LS_ProcessSocket", Antecedent=PYTHON3, Dependent=WEB), "LogonId") == "41"
    with pytest.raises(NotFoundError):
        web1().get(pair("LS_ProcessSocket", Antecedent="LS_Process=4151", Dependent=WEB), namespace=LOGONSCOPE)


def test_the_logon_session_is_null_where_it_is_not_the_callers_to_see() -> None:
    own = [found._replace(uids=(1001,) * 4) if found.pid == 4312 else found for found in SNAPSHOT.processes]
    host = web1(user(1001), processes=own)
    assert everything(host, "LS_ProcessSocket", "Antecedent", "LogonId") == [(PYTHON3, None)]
    assert everything(web1(user(1000)), "LS_ProcessSocket", "Antecedent") == []  # it runs as root


def test_a_fixed_process_and_a_fixed_port_narrow_the_reading() -> None:
    assert PROVIDER.selection(fixed(Antecedent=("LS_Process", "4312"), LocalPort=8080)) == Selection(
        pids=frozenset({4312}), ports=frozenset({8080})
    )
