"""opsla policy-diff: the loaded cases under two sets of promises, held against plain arithmetic on the warehouse's own clocks."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cli import REPOSITORY, Said, opsla_here
from small_desk import desk_settings, july, make, up_to

from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.connection import reading

SHIPPED = (REPOSITORY / "config" / "sla_policies.yml").read_text(encoding="utf-8")
Opsla = Callable[..., Said]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = desk_settings(tmp_path_factory.mktemp("desk"), cases=3_000, gates=False)
    settings.home.remember_cases(3_000)
    make(settings, [july(1, 10)], datetime(2025, 7, 11, 6), up_to(settings, "mart.sla_attainment"))
    return settings


@pytest.fixture
def home(desk: Settings) -> Path:
    return desk.home.root


@pytest.fixture
def config(desk: Settings) -> Path:
    return desk.config_directory


@pytest.fixture
def opsla(home: Path, monkeypatch: pytest.MonkeyPatch) -> Opsla:
    """`opsla <arguments>`, on that home unless another one is named."""

    def run(*arguments: str, home: Path = home) -> Said:
        monkeypatch.setenv("OPSLA_HOME", str(home))
        return opsla_here(*arguments, monkeypatch=monkeypatch)

    return run


def test_the_same_promises_change_nothing(opsla: Opsla, config: Path) -> None:
    diff = opsla("policy-diff", str(config), str(config / "sla_policies.yml"))
    assert diff.code == 0, diff.err
    assert "Nothing changes" in diff.out


def test_a_stricter_target_breaks_what_took_longer(opsla: Opsla, config: Path, home: Path, tmp_path: Path) -> None:
    """first_touch in 1 h instead of 2 h, open clocks included; nothing else moves, and the warehouse stays as it is."""
    stricter, to = tmp_path / "stricter.yml", tmp_path / "cases.csv"
    stricter.write_text(SHIPPED.replace("first_touch: 2h", "first_touch: 1h"), encoding="utf-8")
    with reading(home / "ops_warehouse.duckdb") as warehouse:
        wanted = {
            case_id for (case_id,) in warehouse.execute(
                "select case_id from mart.sla_attainment where metric = 'first_touch' and outcome in ('met', 'running') "
                "and elapsed_seconds > 3600"
            ).fetchall()
        }  # fmt: skip
        before = warehouse.execute("select count(*), sum(elapsed_seconds) from staging.sla_clocks").fetchall()
    diff = opsla("policy-diff", str(config), str(stricter), "--to", str(to))
    assert diff.code == 0, diff.err
    with to.open(encoding="utf-8") as file:
        broken = {row["case_id"] for row in csv.DictReader(file) if row["outcome_a"] in ("met", "running") and row["outcome_b"] == "breached"}
    with to.open(encoding="utf-8") as file:
        assert {row["metric"] for row in csv.DictReader(file)} == {"first_touch"}
    # A case that ended untouched was unknown, and is breached where it took longer than the new target.
    assert broken == wanted
    assert broken
    with reading(home / "ops_warehouse.duckdb") as warehouse:
        assert warehouse.execute("select count(*), sum(elapsed_seconds) from staging.sla_clocks").fetchall() == before


def test_what_is_not_there_is_said_in_one_line(opsla: Opsla, config: Path, tmp_path: Path) -> None:
    missing = opsla("policy-diff", str(config), str(tmp_path / "none.yml"))
    assert missing.code == 1
    assert "none.yml: no such file, or directory with a sla_policies.yml" in missing.err
    empty = opsla("policy-diff", str(config), str(config), home=tmp_path)
    assert empty.code == 1
    assert "there is no warehouse here yet" in empty.err
    assert "Traceback" not in missing.err + empty.err
