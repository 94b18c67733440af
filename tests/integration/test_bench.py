"""`python -m benchmarks --quick`: every bench still measures what it says, at a scale too small to judge.

Belongs here: that benches work and that their verdicts can fail. Does not belong here: how fast anything is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli import REPOSITORY, environment
from small_desk import takes_minutes

from benchmarks.desk import bare, desk_settings, run_bare, settled_at, window_of
from benchmarks.measure import Asked, Cost, Figure, compared
from benchmarks.run import BENCHES
from benchmarks.second_walk import differing_cases


def bench(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], env=environment(home), cwd=REPOSITORY, capture_output=True, text=True, timeout=1_800, check=False
    )


@pytest.mark.parametrize("name", BENCHES)
@takes_minutes
def test_a_bench_measures_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    finished = bench("--quick", name, home=tmp_path)

    assert finished.returncode == 0, finished.stderr
    written = json.loads((tmp_path / "reports" / "bench.json").read_text(encoding="utf-8"))
    assert list(written) == [name]
    assert written[name]["quick"]
    figures: list[dict[str, Any]] = written[name]["figures"]
    assert any(figure["asked"] for figure in figures)
    for figure in figures:
        assert figure["what"].strip() in finished.stdout
        assert figure["is_met"] is not False, figure["what"]
        if figure["unit"] == "s":
            assert figure["figure"] > 0
            assert figure["is_met"] is None, "too small a scale to judge"
        if figure["unit"] in ("cases", "errors"):
            assert figure["is_met"], figure["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_a_bench_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    finished = bench("warp_drive", home=tmp_path)

    assert finished.returncode == 1
    assert "no such bench: warp_drive" in finished.stderr
    assert all(name in finished.stderr for name in BENCHES)


@takes_minutes
def test_the_walk_over_every_second_finds_one_case_that_is_one_second_off(tmp_path: Path) -> None:
    settings = desk_settings(tmp_path, 9_000)
    window = window_of(settings, 2)
    run_bare(settings, window, settled_at(window))
    with bare(settings, window, settled_at(window)) as scope:
        differing, walked = differing_cases(scope.connection, settings.calendars, 40)
        scope.connection.execute("""
            update staging.case_sla_metrics
            set resolution_paused_business_minutes = resolution_paused_business_minutes + 1 / 60
            where case_id = (select min(case_id) from walked where resolution_paused_business_minutes is not null)
        """).fetchall()
        differing_then, _ = differing_cases(scope.connection, settings.calendars, 40)

    assert (differing, walked) == (0, 40)
    assert differing_then == 1


def test_verdicts() -> None:
    slow = compared("slow", Cost(5.0, 8.0), "fast", Cost(2.0, 2.0), Asked(at_most=2.5))
    assert (slow.ratio, slow.cpu_ratio) == (2.5, 4.0)
    assert slow.is_met(quick=False) is True
    assert slow.is_met(quick=True) is None
    assert compared("x", Cost(5.1, 1), "y", Cost(2.0, 1), Asked(at_most=2.5)).is_met(quick=False) is False
    assert compared("x", Cost(3.9, 1), "y", Cost(2.0, 1), Asked(at_least=2)).is_met(quick=False) is False
    assert Figure("wrong cases", 1, "cases", asked=Asked(at_most=0, at_any_scale=True)).is_met(quick=True) is False
    assert Figure("just a figure", 1, "s").is_met(quick=False) is None
