"""Tests of sources/linux/process_files.py: the file of each fact, whole lists, and the plan by which files are read."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import ALL_FACTS
from logonscope.machine import LogonHint, Look, ProcessQuery
from logonscope.sources.linux.process_files import FILES, QueryShape, plan_of, plan_reading
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


FACTS = sorted({fact for file in FILES for fact in file.facts} | {"name"})
SETS = st.frozensets(st.sampled_from(FACTS), max_size=6)
SHAPES = st.builds(
    QueryShape, SETS, st.none() | SETS, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)

NEEDED = {
    "may_have_name": {"comm"}, "complete_name": {"comm"}, "may_run_as_user": {"uids"}, "may_match_hint": {"ses"},
    "passes_early_filter": set(),
}  # fmt: skip
"""What the test of a stage looks at."""


@given(SHAPES)
def test_each_file_is_read_once_and_before_a_test_needs_it(shape: QueryShape) -> None:
    stages = plan_reading(shape).stages
    paths = [(file.name, file.facts) for stage in stages for file in stage.files]
    assert len(paths) == len(set(paths))
    read = set[str]()
    for stage in stages:
        read.update(fact for file in stage.files for fact in file.facts)
        needed = set(NEEDED.get(stage.predicate_name or "", ()))
        if stage.predicate_name == "passes_early_filter":
            needed |= (shape.early_facts or frozenset()) - {"name"}
        assert needed <= read
    assert shape.facts - {"name"} <= read
    if "name" in shape.facts:
        assert any(stage.predicate_name == "complete_name" for stage in stages)


@given(SHAPES)
def test_an_early_filter_is_no_reason_to_read_less(shape: QueryShape) -> None:
    plan, without = plan_reading(shape), plan_reading(shape._replace(early_facts=None))
    facts = {fact for stage in plan.stages for file in stage.files for fact in file.facts}
    assert facts >= {fact for stage in without.stages for file in stage.files for fact in file.facts}
    assert plan.reads_memory >= without.reads_memory
    assert plan.may_hang >= plan.reads_memory


def test_what_narrows_a_query_is_read_first() -> None:
    query = ProcessQuery(frozenset({"cmdline", "uids"}), names=frozenset({"sshd"}))
    plan = plan_of(query._replace(logon_hint=LogonHint(kernel_ids=frozenset({41}))))
    assert [stage.predicate_name for stage in plan.stages] == ["may_have_name", "may_match_hint", "complete_name"]
    assert [[file.name for file in stage.files] for stage in plan.stages] == [
        ["stat"], ["sessionid"], ["status", "cmdline"],
    ]  # fmt: skip
    assert (plan.reads_memory, plan.may_hang) == (True, True)
    assert not plan_of(ProcessQuery(frozenset({"ses", "cgroup"}))).may_hang
