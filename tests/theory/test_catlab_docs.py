"""docs/catlab.md: its sessions print what it says; its programs, which need Julia, run where there is one."""

import ast
import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "catlab.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
SESSIONS = [block for block in BLOCKS if block.startswith(">>>")]
PROGRAMS = [block for block in BLOCKS if not block.startswith(">>>")]


def test_sessions_print_what_the_page_says():
    result = doctest.testfile(
        str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.attempted >= 15 and result.failed == 0


def test_programs_import_what_is_there():
    """What can be told without Julia: each program parses, and the names that it imports exist."""
    assert len(PROGRAMS) == 5
    for program in PROGRAMS:
        tree = ast.parse(program)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        exec(compile(ast.Module(list(imports), []), str(PAGE), "exec"), {})


@pytest.mark.julia
@pytest.mark.filterwarnings("default")
def test_programs_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for session in SESSIONS:
        for example in doctest.DocTestParser().get_examples(session):
            if example.exc_msg is None:
                exec(compile(example.source, str(PAGE), "single"), names)
    for program in PROGRAMS:
        exec(compile(program, str(PAGE), "exec"), names)
    assert {file.name for file in tmp_path.iterdir()} == {"retract.dot", "path.dot"}
    assert len(names["glued"].opinion.apex.sets["E"]) == 2
