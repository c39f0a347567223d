"""Tests of cim/schema/build.py: the compiled schema equals the MOF files, and an invalid file is rejected."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.classes import Class
from logonscope.cim.mof.read import MofError, read_mof
from logonscope.cim.schema import CIMV2, Schema, schema
from logonscope.cim.schema.build import FOLDER, build, generate_module, read_declarations

STALE = "the MOF files changed since it was made: run `python -m logonscope.cim.schema.build`"


def written(folder: Path, **files: str) -> Path:
    """Write MOF files into a folder and return it."""
    for stem, text in files.items():
        (folder / f"{stem}.mof").write_text(text, encoding="utf-8")
    return folder


def rows_of(text: str) -> list[Any]:
    """Return the rows that the text of compiled.py holds."""
    (assignment,) = (node for node in ast.parse(text).body if isinstance(node, ast.AnnAssign))
    assert assignment.value is not None
    return list(ast.literal_eval(assignment.value))


def test_the_compiled_schema_is_the_one_that_would_be_written_now() -> None:
    assert (FOLDER / "compiled.py").read_text(encoding="utf-8") == generate_module(read_declarations()), STALE


def test_the_compiled_text_says_what_the_mof_files_declare() -> None:
    declared = read_declarations()
    loaded = Schema(rows_of(generate_module(declared)))
    for known in declared:
        found = loaded.find(known.name, known.namespace or CIMV2)
        assert found is not None
        assert found.declaration == known


def test_the_schema_that_is_loaded_is_that_of_the_mof_files() -> None:
    declared = {known.name: known for known in read_declarations()}
    found: dict[str, Class] = {}
    for namespace in schema().namespaces:
        found |= {known.name: known for known in schema().classes(namespace)}
    assert {name: known.declaration for name, known in found.items()} == declared


def test_every_file_is_one_class_and_none_is_left_out() -> None:
    assert sorted(known.name for known in read_declarations()) == sorted(path.stem for path in FOLDER.glob("*.mof"))


def test_parents_come_before_their_children_whatever_the_names(tmp_path: Path) -> None:
    written(tmp_path, A="class A : M {};", M="class M : Z {};", Z="class Z {};", B="class B : Z {};")
    assert [known.name for known in read_declarations(tmp_path)] == ["Z", "M", "A", "B"]


def test_a_folder_without_classes_is_an_empty_schema(tmp_path: Path) -> None:
    assert read_declarations(tmp_path) == []
    assert rows_of(generate_module([])) == []


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"A": "class A : B {};"}, "A: its ancestor B is not declared, or inherits from itself"),
        ({"A": "class A : A {};"}, "A: its ancestor A is not declared, or inherits from itself"),
        (
            {"A": "class A : B {};", "B": "class B : C {};", "C": "class C : A {};"},
            "A: its ancestor A is not declared, or inherits from itself",
        ),
        ({"A": "class B {};"}, "A.mof: must declare the class A and no other"),
        ({"A": "class a {};"}, "A.mof: must declare the class A and no other"),
        ({"A": "class A {}; class B {};"}, "A.mof: must declare the class A and no other"),
        ({"A": ""}, "A.mof: must declare the class A and no other"),
        ({"A": "class A {}"}, "A.mof:1:10: Unexpected token "),
        ({"A": "class A\n{\n  sting X;\n};"}, "A.mof: line 3: unknown type sting"),
        ({"A": "class A {};", "B": "%PDF-1.7"}, "B.mof:1:1: No terminal matches '%' "),
    ],
)
def test_a_wrong_file_is_refused_and_named(tmp_path: Path, files: dict[str, str], text: str) -> None:
    with pytest.raises(MofError) as refused:
        read_declarations(written(tmp_path, **files))
    assert str(refused.value).startswith(text)


def test_nothing_is_written_where_a_file_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(MofError):
        build(written(tmp_path, A="class A : Nobody {};"))
    assert [path.name for path in tmp_path.iterdir()] == ["A.mof"]


def test_what_is_written_is_a_module_and_stays_untouched_while_nothing_changes(tmp_path: Path) -> None:
    target = build(written(tmp_path, A='[Schema("x"), Values{"a", "é\\"\\n"}] class A { uint8 B[]; };'))
    assert target == tmp_path / "compiled.py"
    text, before = target.read_text(encoding="utf-8"), target.stat().st_mtime_ns
    assert ast.get_docstring(ast.parse(text)) is not None
    assert text == generate_module(read_declarations(tmp_path))
    assert (build(tmp_path), target.stat().st_mtime_ns) == (target, before)
    written(tmp_path, A="class A {};")
    assert build(tmp_path).read_text(encoding="utf-8") == generate_module(read_declarations(tmp_path)) != text


@given(st.lists(st.text(max_size=20), max_size=4), st.integers(-(2**63), 2**64))
def test_any_text_and_number_of_a_qualifier_is_python_again(texts: list[str], number: int) -> None:
    (plain,) = read_mof("[A, B, C] class X {};")
    values: tuple[Any, ...] = (tuple(texts), "".join(texts), number)
    qualifiers = tuple(q._replace(value=value) for q, value in zip(plain.qualifiers, values, strict=True))
    declared = plain._replace(qualifiers=qualifiers)
    (row,) = rows_of(generate_module([declared]))
    found = Schema([row]).get("X", "root")
    assert found.declaration == declared


def test_a_reference_cannot_leave_its_namespace(tmp_path: Path) -> None:
    pragma = r'#pragma namespace("\\\\.\\root\\{}")'
    written(
        tmp_path,
        A=pragma.format("cimv2") + " class A {};",
        B=pragma.format("logonscope") + " class B { A ref Near; };",
    )
    with pytest.raises(
        MofError, match=r"B.mof: the reference Near names A, which is in root\\cimv2: a reference cannot"
    ):
        read_declarations(tmp_path)
