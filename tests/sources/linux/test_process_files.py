"""Tests of sources/linux/process_files.py: each fact comes from one file, and long lists are read to their end."""

import subprocess
import sys

from logonscope.facts import ALL_FACTS
from logonscope.machine import Look, ProcessQuery
from logonscope.sources.linux.process_files import FILES
from logonscope.sources.linux.processes import read_processes


def test_every_fact_comes_from_one_file() -> None:
    facts = [fact for file in FILES for fact in file.facts]
    assert sorted([*facts, "name"]) == sorted(ALL_FACTS), "each field of Process needs a row of FILES"


WITH_CHILDREN = """
import os, signal, sys
children = []
for _ in range(1500):
    child = os.fork()
    if child == 0:
        signal.pause()
    children.append(child)
print(*children, flush=True)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
"""


def test_more_children_than_a_page_lists_are_all_read() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WITH_CHILDREN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        children = {int(word) for word in parent.stdout.readline().split()}
        query = ProcessQuery(frozenset({"children"}), frozenset({parent.pid}))
        (process,) = read_processes("/proc", Look(), query)
        parent.stdin.close()
    assert set(process.children or ()) == children
    assert len(children) == 1500
