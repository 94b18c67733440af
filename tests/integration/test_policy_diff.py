"""opsla policy-diff: the loaded cases under two sets of promises, held against plain arithmetic on the warehouse's own clocks."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from cli import REPOSITORY, opsla
from small_desk import desk_settings, july, make

from opsla_dagster.warehouse.connection import reading

CONFIG = REPOSITORY / "config"
SHIPPED = (CONFIG / "sla_policies.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = desk_settings(tmp_path_factory.mktemp("desk"), cases=6_000, config=CONFIG)
    settings.home.remember_cases(6_000)
    make(settings, [july(1, 10)], datetime(2025, 7, 11, 6))
    return settings.home.root


def test_the_same_promises_change_nothing(home: Path) -> None:
    diff = opsla("policy-diff", str(CONFIG), str(CONFIG / "sla_policies.yml"), home=home)
    assert diff.returncode == 0, diff.stderr
    assert "Nothing changes" in diff.stdout


def test_a_stricter_target_breaks_what_took_longer(home: Path, tmp_path: Path) -> None:
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
    diff = opsla("policy-diff", str(CONFIG), str(stricter), "--to", str(to), home=home)
    assert diff.returncode == 0, diff.stderr
    with to.open(encoding="utf-8") as file:
        broken = {row["case_id"] for row in csv.DictReader(file) if row["outcome_a"] in ("met", "running") and row["outcome_b"] == "breached"}
    with to.open(encoding="utf-8") as file:
        assert {row["metric"] for row in csv.DictReader(file)} == {"first_touch"}
    # A case that ended untouched was unknown, and is breached where it took longer than the new target.
    assert broken == wanted
    assert broken
    with reading(home / "ops_warehouse.duckdb") as warehouse:
        assert warehouse.execute("select count(*), sum(elapsed_seconds) from staging.sla_clocks").fetchall() == before


def test_what_is_not_there_is_said_in_one_line(home: Path, tmp_path: Path) -> None:
    missing = opsla("policy-diff", str(CONFIG), str(tmp_path / "none.yml"), home=home)
    assert missing.returncode == 1
    assert "none.yml: no such file, or directory with a sla_policies.yml" in missing.stderr
    empty = opsla("policy-diff", str(CONFIG), str(CONFIG), home=tmp_path)
    assert empty.returncode == 1
    assert "there is no warehouse here yet" in empty.stderr
    assert "Traceback" not in missing.stderr + empty.stderr
