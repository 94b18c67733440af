"""The built wheel, installed beside nothing of a clone, in an empty directory.

Belongs here: what only an installed opsla can show. Does not belong here: what a command does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from small_desk import REPOSITORY, rows, takes_minutes

from opsla_dagster import __version__

#: What a build looks at.
BUILT_FROM = ["pyproject.toml", "README.md", "LICENSE", "workspace.yaml", "sql", "config", "opsla_dagster"]
LOG = """Ticket,State,Changed at,Level
T-1,Open,03/07/2025 17:00,L1
T-1,Working,07/07/2025 09:00,L1
T-1,Solved,07/07/2025 16:00,L1
T-2,Open,07/07/2025 10:00,L2
T-2,Working,07/07/2025 12:00,L2
T-2,Waiting,07/07/2025 13:00,L2
T-2,Working,10/07/2025 09:00,L2
T-2,Solved,10/07/2025 11:30,L2
T-3,Open,08/07/2025 09:30,L1
T-3,Parked,08/07/2025 09:40,L1
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build/ that an earlier one left would put deleted modules into it."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        part = REPOSITORY / name
        if part.is_dir():
            shutil.copytree(part, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, source)
    build = "from setuptools import build_meta; import sys; print(build_meta.build_wheel(sys.argv[1]))"
    built = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-c", build, str(built)], cwd=source, check=True, capture_output=True)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a fresh environment with the wheel; its dependencies are those of the environment of the tests, found by a path file."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment), "platbase": str(environment)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "locked.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    program = environment / "bin" / "opsla"
    program.write_text(f"#!{environment / 'bin' / 'python'}\nfrom opsla_dagster.cli import program\nprogram()\n", encoding="utf-8")
    program.chmod(0o755)
    return environment / "bin"


def run(command: list[str], directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSLA_", "DAGSTER_", "PYTHON"))}
    return subprocess.run(command, cwd=directory, env={**kept, **variables}, capture_output=True, text=True, timeout=300, check=False)


def test_the_wheel_has_every_file_of_sql_and_config(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name.removeprefix("opsla_dagster/shipped/") for name in archive.namelist() if name.startswith("opsla_dagster/shipped/")}
        assert "License-Expression: Apache-2.0" in archive.read(f"opsla-{__version__}.dist-info/METADATA").decode()
    expected = {str(path.relative_to(REPOSITORY)) for part in ("sql", "config") for path in (REPOSITORY / part).rglob("*") if path.is_file()}
    assert held == {*expected, "__init__.py", "workspace.yaml"}


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("opsla_dagster/")}
    package = REPOSITORY / "opsla_dagster"
    expected = {str(path.relative_to(REPOSITORY)) for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in expected if "/shipped/" not in name} <= held


@takes_minutes
def test_a_log_becomes_figures_in_an_empty_directory_for_its_owner_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    where = run([str(installed / "python"), "-c", "import opsla_dagster; print(opsla_dagster.__file__)"], tmp_path)
    assert where.stdout.startswith(str(installed.parent)), where.stderr

    done = run(
        [str(installed / "opsla"), "init", "log.csv", "--timezone", "America/New_York", "--time-format", "%d/%m/%Y %H:%M"], tmp_path
    )
    assert done.returncode == 0, done.stderr
    warehouse = tmp_path / "my_desk" / ".opsla" / "ops_warehouse.duckdb"
    assert rows(warehouse, "select count(distinct case_id) from staging.sla_clocks") == [(3,)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["log.csv", "my_desk"]

    home = warehouse.parent
    made = [home, *home.rglob("*")]
    assert len(made) > 20
    assert not [path for path in made if path.name.endswith(("-wal", "-shm", ".wal"))], "a database was left open: a copy of its file alone lacks what is beside it"
    assert {f"{path.stat().st_mode & 0o777:o} {'d' if path.is_dir() else 'f'}" for path in made} == {"700 d", "600 f"}


def test_without_a_config_it_says_how_to_come_by_one(installed: Path, tmp_path: Path) -> None:
    done = run([str(installed / "opsla"), "run"], tmp_path)
    assert done.returncode == 1
    said = done.stderr.replace(f"{os.path.relpath(installed / 'opsla', tmp_path)} init", "opsla init")
    assert said.startswith(f"opsla: config: there is no such config directory in {tmp_path}; OPSLA_CONFIG names one, `opsla init LOG` writes one")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_is_not_written_over(installed: Path, tmp_path: Path) -> None:
    demo = [str(installed / "opsla"), "init", "--demo", "--to", "demo"]
    assert run(demo, tmp_path).returncode == 0
    (tmp_path / "demo" / "alerts.yml").write_text("mine", encoding="utf-8")
    done = run(demo, tmp_path)
    assert done.returncode == 1
    assert "demo: already exists" in done.stderr
    assert (tmp_path / "demo" / "alerts.yml").read_text(encoding="utf-8") == "mine"


def test_version_and_completion(installed: Path, tmp_path: Path) -> None:
    assert run([str(installed / "opsla"), "--version"], tmp_path).stdout == f"opsla {__version__}\n"
    words = {"_OPSLA_COMPLETE": "complete_bash", "COMP_WORDS": "opsla export --table mart.sla_d", "COMP_CWORD": "3"}
    assert run([str(installed / "opsla")], tmp_path, **words).stdout.split() == ["mart.sla_daily"]
    script = run([str(installed / "opsla"), "--show-completion", "bash"], tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_opsla_completion" in script.stdout


@takes_minutes
def test_dg_finds_the_definitions(tmp_path: Path) -> None:
    """`dg list defs` and `dg check defs` of a clone (dg is for developers: not part of the wheel)."""
    dg = Path(sys.executable).with_name("dg")
    listed = run([str(dg), "list", "defs", "--json"], REPOSITORY, OPSLA_HOME=str(tmp_path / "home"))
    assert listed.returncode == 0, listed.stderr
    assert '"mart/sla_daily"' in listed.stdout
    assert '"daily_refresh"' in listed.stdout
    checked = run([str(dg), "check", "defs"], REPOSITORY, OPSLA_HOME=str(tmp_path / "home"))
    assert "All definitions loaded successfully." in checked.stdout + checked.stderr, checked.stderr
