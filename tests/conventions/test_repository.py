"""What is committed: nothing large, nothing of the machine it was written on, and two files that must say the same."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from house import REPOSITORY, named

LARGEST_BYTES = 1_000_000
#: Homes, temporary directories and the like of somebody's machine. In pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/" + r"(?:work|root|Users|home|mnt|private)/[\w.-]+")


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    return [path for name in found.stdout.split("\0") if name and (path := REPOSITORY / name).is_file()]


def test_no_file_is_large(committed: list[Path]) -> None:
    large = [named(path) for path in committed if path.stat().st_size > LARGEST_BYTES]
    assert not large


def test_no_file_names_a_path_of_a_machine(committed: list[Path]) -> None:
    found = [
        f"{named(path)}:{number}: {match.group()}"
        for path in committed
        if path.suffix not in {".png", ".gz", ".lock"}
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if (match := MACHINE_PATH.search(line))
    ]
    assert not found, "\n".join(found)


def test_the_code_location_is_the_same_for_workspace_and_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dagster"]
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    assert location["python_module"] == {
        "module_name": project["module_name"],
        "location_name": project["code_location_name"],
    }


def test_tests_import_what_they_share_by_its_own_name() -> None:
    """Distributions that ship a package `tests` of their own (ciw does) hide ours, and one module under two names is two modules."""
    hidden = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "tests").rglob("*.py")
        if re.search(r"^\s*(from|import) tests\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not hidden, f"`from small_desk import ...`, not `from tests.integration.small_desk import ...`: {hidden}"


def test_what_is_left_to_hold_is_run_by_hold() -> None:
    """A test that `make test` skips, or tries less of, and that no other target names would never be run as a whole."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (run_by_hold,) = re.findall(r"OPSLA_HOLD=1 .* -m pytest (.*)", makefile)
    named_there = [word for word in run_by_hold.split() if word.startswith("tests/")]
    left = [
        named(path) for path in (REPOSITORY / "tests").rglob("test_*.py")
        if re.search(r"takes_minutes|IS_HOLD|one_in_three|examples\(", path.read_text(encoding="utf-8")) and path != Path(__file__)
    ]  # fmt: skip
    assert len(left) > 20
    assert [path for path in left if not path.startswith(tuple(named_there))] == []
