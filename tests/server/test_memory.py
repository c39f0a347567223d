"""Tests of server/memory.py: memory is returned to the kernel after a flood."""

import subprocess
import sys

FLOOD = """
import asyncio
from logonscope.server.memory import limit_free_memory, resident_bytes, return_free_memory

async def main():
    returning = asyncio.ensure_future(return_free_memory(0.1))
    await asyncio.sleep(0)
    before = resident_bytes()
    blocks = [bytearray(40_000) for _ in range(2_000)]
    last = bytearray(40_000)  # what is free below it is no end that could be cut off
    full = resident_bytes()
    blocks.clear()
    kept = resident_bytes()
    await asyncio.sleep(0.5)
    returning.cancel()
    print(*(size - before >> 20 for size in (full, kept, resident_bytes())))

limit_free_memory()
asyncio.run(main())
"""

CYCLES = """
import asyncio
from logonscope.server.memory import limit_free_memory, resident_bytes, return_free_memory

class Handshake:
    def __init__(self):
        self.itself, self.buffer = self, bytearray(b"x" * 400_000)

async def main():
    returning = asyncio.ensure_future(return_free_memory(0.1))
    await asyncio.sleep(0)
    before = resident_bytes()
    for _ in range(200):  # too few for Python to look for garbage
        Handshake()
    full = resident_bytes()
    await asyncio.sleep(0.5)
    returning.cancel()
    print(*(size - before >> 20 for size in (full, resident_bytes())))

limit_free_memory()
asyncio.run(main())
"""


def test_memory_that_is_free_between_used_blocks_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)
    full, kept, after = map(int, done.stdout.split())
    assert full > 60
    assert kept > 60
    assert after < 10


def test_memory_of_garbage_in_cycles_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", CYCLES], capture_output=True, text=True, check=True)
    full, after = map(int, done.stdout.split())
    assert full > 60
    assert after < 10
