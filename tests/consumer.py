"""A program of a user who uses the package and checks types strictly: tests/test_types.py runs the checkers on it."""

import asyncio
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, assert_type

import logonscope
from logonscope import Class, Host, Instance, InvalidPropertyError, LogonSession, SessionProcess


def handles(host: Host) -> list[str]:
    """Return the handles of all processes."""
    return [str(p.Handle) for p in host.query("SELECT * FROM Win32_Process")]


def main() -> None:
    """Use what is offered."""
    with logonscope.connect() as host:
        for p in host.query("SELECT * FROM Win32_Process"):
            print(p.Handle, p["Name"], p.get("CommandLine", ""), p.path)
        assert_type(host.query("SELECT * FROM Win32_Process"), Generator[Instance, None, None])
        assert_type(host.query_classes("SELECT * FROM meta_class"), Generator[Class, None, None])
        assert_type(host.query_any("SELECT * FROM meta_class"), Generator[Instance | Class, None, None])
        with closing(host.query("SELECT Handle FROM Win32_Process")) as rows:
            first: Instance | None = next(rows, None)
        if first is not None:
            mapping: Mapping[str, Any] = first
            print(dict(mapping), len(first), "Handle" in first, list(first.items()), len({first}))
        sessions: list[LogonSession] = host.sessions()
        by_session: dict[LogonSession, list[SessionProcess]] = {session: [] for session in sessions}
        processes: Iterator[SessionProcess] = host.processes()
        host.enumerate("Win32_Process").close()
        print(by_session, [process.leftover for process in processes], logonscope.jsonable(sessions))
        leftovers: logonscope.Leftovers = host.leftovers()
        print(leftovers.known, asyncio.run(asyncio.to_thread(host.whose, 4312))[0].session.user, handles(host))
        try:
            print(host.get("Win32_Process=1", ["Name"])["CommandLine"])
        except KeyError as error:
            if isinstance(error, InvalidPropertyError):
                print(error.message, error.hint)


if __name__ == "__main__":
    main()
