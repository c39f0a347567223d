"""Tests of server/handshake_turns.py: the number of handshakes is limited, and no address can block others."""

import asyncio
import socket

import pytest

from logonscope.server.handshake_turns import FirstBytes, Handshakes

MOST = 3


class Scene:
    """Connections from addresses, in the order in which their handshakes began and were ended."""

    def __init__(self, young: float) -> None:
        self.handshakes = Handshakes(MOST, young)
        self.begun: list[str] = []
        self.aborted: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._over = asyncio.Event()

    def connect(self, name: str) -> None:
        """Let a connection, ``ADDRESS/NUMBER``, want a handshake that never ends by itself."""
        self.tasks[name] = asyncio.ensure_future(self._hold(name))

    async def end(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await asyncio.sleep(0.01)

    async def _hold(self, name: str) -> None:
        async with self.handshakes.turn(name.partition("/")[0], lambda: self._abort(name)):
            self.begun.append(name)
            await self._over.wait()

    def _abort(self, name: str) -> None:
        self.aborted.append(name)
        self.tasks[name].cancel()


def test_there_are_only_so_many_and_addresses_take_turns() -> None:
    async def run() -> None:
        scene = Scene(young=60)
        for name in ("a/1", "a/2", "a/3", "a/4", "a/5", "b/1", "c/1"):
            scene.connect(name)
        await asyncio.sleep(0.01)
        assert scene.begun == ["a/1", "a/2", "a/3"]
        assert repr(scene.handshakes) == "<Handshakes: 3 running, 4 waiting>"
        await scene.end("a/1", "b/1")
        assert scene.begun[3:] == ["a/4"]
        await scene.end("a/2", "a/3")
        assert scene.begun[4:] == ["c/1", "a/5"]
        assert scene.aborted == []
        await scene.end("a/4", "a/5", "c/1")
        assert repr(scene.handshakes) == "<Handshakes: 0 running, 0 waiting>"

    asyncio.run(run())


def test_one_that_was_ended_while_it_waited_gets_no_turn() -> None:
    async def run() -> None:
        scene = Scene(young=60)
        for name in ("a/1", "a/2", "a/3", "b/1", "c/1"):
            scene.connect(name)
        await asyncio.sleep(0.01)
        await scene.end("a/1", "b/1")  # b/1 is the next when a/1 leaves, and has not left the queue
        assert scene.begun[3:] == ["c/1"]
        await scene.end(*scene.tasks)
        assert all(task.cancelled() for task in scene.tasks.values())
        assert repr(scene.handshakes) == "<Handshakes: 0 running, 0 waiting>"

    asyncio.run(run())


def test_the_oldest_ends_where_another_waits_but_not_before_it_had_its_time() -> None:
    async def run() -> None:
        scene = Scene(young=0.2)
        for name in ("a/1", "b/1", "c/1", "d/1", "e/1"):
            scene.connect(name)
        await asyncio.sleep(0.05)
        assert (scene.begun, scene.aborted) == (["a/1", "b/1", "c/1"], [])
        await asyncio.sleep(0.3)
        assert (scene.begun[3:], scene.aborted) == (["d/1", "e/1"], ["a/1", "b/1"])
        await scene.end(*scene.tasks)

    asyncio.run(run())


def test_a_handshake_without_others_that_wait_is_left_alone() -> None:
    async def run() -> None:
        scene = Scene(young=0.01)
        for name in ("a/1", "a/2", "a/3"):
            scene.connect(name)
        await asyncio.sleep(0.1)
        assert (scene.begun, scene.aborted) == (["a/1", "a/2", "a/3"], [])
        await scene.end(*scene.tasks)

    asyncio.run(run())


def test_first_bytes_are_waited_for_and_stay_where_they_are() -> None:
    async def run() -> None:
        first_bytes, (ours, theirs) = FirstBytes(), socket.socketpair()
        waiting = asyncio.ensure_future(first_bytes.wait_for_data(ours))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert repr(first_bytes) == "<FirstBytes of 1 sockets>"
        theirs.send(b"hello")
        await asyncio.wait_for(waiting, 5)
        assert ours.recv(99) == b"hello"
        theirs.close()
        with pytest.raises(ConnectionAbortedError):
            await asyncio.wait_for(first_bytes.wait_for_data(ours), 5)
        assert repr(first_bytes) == "<FirstBytes of 0 sockets>"
        ours.close()
        with pytest.raises(ConnectionAbortedError):
            await first_bytes.wait_for_data(ours)
        first_bytes.close()

    asyncio.run(run())
