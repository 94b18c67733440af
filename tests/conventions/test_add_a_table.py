"""docs/add_a_table.md works: its steps are carried out on a copy of the repository, and the house rules hold there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from effort import IS_HOLD
from house import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "add_a_table.md"
STEP = re.compile(
    r'<!-- (?:new file (?P<new>\S+)|in (?P<file>\S+) before "(?P<before>[^"\n]+)") -->\n```\w+\n(?P<text>.*?)```\n', re.DOTALL
)
#: What the copy needs to keep the house rules.
PARTS = ["opsla_dagster", "sql", "config", "docs", "tests/conventions", "tests/sql"]
#: What a person types in step 6, in one process: the derived files (lineage and Spark SQL of every table, which take longest, in `make hold`), the house rules (those of Python, of
#: which a table has next to none, in `make hold`) and the golden test.
STEP_6 = f"""
import runpy, sys; sys.path.insert(0, "tests/conventions")
import pytest
from opsla_dagster.catalog import dictionary
from opsla_dagster.warehouse import lineage, portability

dictionary.main()
if {IS_HOLD}:
    lineage.main()
    portability.main()
runpy.run_path("tests/conventions/test_asset_graph.py", run_name="__main__")
rules = ["sql_files", "tables", "columns", "asset_graph", *(["rooms", "python_files"] if {IS_HOLD} else [])]
golden = "tests/sql/test_golden.py::test_golden[mart/reopens_daily/a_case_counts_once_however_often_it_came_back]"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *(f"tests/conventions/test_{{rule}}.py" for rule in rules), golden]))
"""


def carry_out(step: re.Match[str], directory: Path) -> Path:
    """One step: a new file, or lines put before the last line that is `before`."""
    if step["new"]:
        path = directory / step["new"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step["text"], encoding="utf-8")
        return path
    path = directory / step["file"]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (*_, place) = [number for number, line in enumerate(lines) if line.rstrip("\n") == step["before"]]
    lines.insert(place, step["text"])
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("repository")
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, directory / part, symlinks=True)  # with what is compiled: files keep their times
    shutil.copy(REPOSITORY / "pyproject.toml", directory)
    return directory


def test_the_steps_of_the_document_add_a_table(copy: Path) -> None:
    steps = list(STEP.finditer(DOCUMENT.read_text(encoding="utf-8")))
    for step in steps:
        carry_out(step, copy)
    assert len(steps) == DOCUMENT.read_text(encoding="utf-8").count("<!-- "), "a step's comment is not followed by its block"
    done = subprocess.run(
        [sys.executable, "-c", STEP_6],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    written = [step["new"] for step in steps if (step["new"] or "").endswith(".sql")]
    linted = subprocess.run([sys.executable, "-m", "sqlfluff", "lint", *written], cwd=copy, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout
    assert "### mart.reopens_daily" in (copy / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert "mart/reopens_daily" in (copy / "tests" / "conventions" / "asset_graph.txt").read_text(encoding="utf-8")
