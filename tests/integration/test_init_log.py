"""`opsla init` as a person runs it: a log of their own becomes a desk with figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from cli import Said, opsla_here

from opsla_dagster.assets.scope import TRIAL_TAG
from opsla_dagster.instance.instance import open_instance

LOG = """\
Ticket,State,Changed at,Level
T-1,Open,07/03/2025 15:00,L1
T-1,Working,07/04/2025 09:30,L1
T-1,Solved,07/04/2025 16:00,L1
T-2,Open,07/14/2025 10:00,L2
T-2,Working,07/14/2025 12:30,L2
T-2,Waiting for customer,07/14/2025 13:00,L2
T-2,Working,07/15/2025 09:00,L2
T-2,Solved,07/15/2025 11:30,L2
T-3,Parked,07/15/2025 09:40,?
T-3,Open,07/15/2025 09:30,L1
T-4,Open,07/15/2026 09:30,L1
"""


@pytest.fixture
def init(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """`opsla init <arguments>` in this process, beside a home and a configuration of somebody else's."""

    def run(*arguments: str, home: Path) -> Said:
        monkeypatch.setenv("OPSLA_HOME", str(home))
        monkeypatch.setenv("OPSLA_CONFIG", "nowhere")
        return opsla_here("init", *arguments, monkeypatch=monkeypatch)

    return run


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    directory = tmp_path_factory.mktemp("init")
    (directory / "log.csv").write_text(LOG, encoding="utf-8")
    config = directory / "desk"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("OPSLA_HOME", str(directory / "not_mine"))
        monkeypatch.setenv("OPSLA_CONFIG", "nowhere")
        said = opsla_here("init", str(directory / "log.csv"), "--to", str(config), "--timezone", "America/New_York", monkeypatch=monkeypatch)
    return config, said


def test_it_runs_and_says_how_to_go_on(desk: tuple[Path, Said]) -> None:
    config, finished = desk
    assert finished.code == 0, finished.out + finished.err
    for said in ("%m/%d/%Y %H:%M", "Waiting for customer", "not mapped", "Three cases", "comes in (Open)", "1 case came in 365 days and more after all others", "First run", "First touch", "run", "explain T-2"):
        assert said in finished.out
    assert f"OPSLA_HOME={config}/.opsla OPSLA_CONFIG={config}" in finished.out
    assert not (config.parent / "not_mine").exists()


def test_the_marts_hold_the_figures(desk: tuple[Path, Said]) -> None:
    config, _ = desk
    with duckdb.connect(str(config / ".opsla" / "marts.duckdb"), read_only=True) as marts:
        days = marts.execute(
            "select intake_date::varchar, opened_cases, sla_cases, sla_b_breached_cases from mart.sla_daily where opened_cases > 0 order by 1"
        ).fetchall()
    assert days == [("2025-07-03", 1, 1, 1), ("2025-07-14", 1, 1, 1), ("2025-07-15", 1, 0, 0)]
    with duckdb.connect(str(config / ".opsla" / "ops_warehouse.duckdb"), read_only=True) as warehouse:
        clocks = warehouse.execute("select case_id, metric, elapsed_seconds / 60, outcome from staging.sla_clocks").fetchall()
        rejected = warehouse.execute("select case_id, reason from raw.rejected_rows").fetchall()
    found = {(case, metric): (minutes, outcome) for case, metric, minutes, outcome in clocks}
    # Thursday from 15:00 to the end at 17:00, and half an hour of Friday: the proposed calendar has no holidays.
    assert found["T-1", "first_touch"] == (150, "breached")
    assert found["T-2", "first_touch"] == (150, "breached")
    assert found["T-2", "first_resolution"] == (570, "met")
    assert found["T-2", "first_resolution_paused"] == (330, "met")
    assert found["T-3", "first_resolution"][1] == "running"
    assert [(case, "Parked" in reason) for case, reason in rejected] == [("T-3", True)]


def test_its_run_is_a_trial_whose_lists_nobody_follows_and_heads_are_not_advised_without_an_objective(desk: tuple[Path, Said]) -> None:
    config, said = desk
    with open_instance(config / ".opsla") as instance:
        assert [TRIAL_TAG in run.tags for run in instance.get_runs()] == [True]
    with duckdb.connect(str(config / ".opsla" / "ops_warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select distinct is_of_the_present from ops.next_best_shown").fetchall() == [(False,)]
    assert "Look next" in said.out
    assert "opsla staffing" not in said.out


def test_the_home_is_its_owner_s_alone(desk: tuple[Path, Said]) -> None:
    home = desk[0] / ".opsla"
    made = [home, *home.rglob("*")]
    assert len(made) > 20
    assert {f"{path.stat().st_mode & 0o777:o} {'d' if path.is_dir() else 'f'}" for path in made} == {"700 d", "600 f"}


def test_it_does_not_write_over_a_desk(init: Callable[..., Said], desk: tuple[Path, Said]) -> None:
    config, _ = desk
    before = (config / "sources.yml").read_text(encoding="utf-8")
    again = init(str(config.parent / "log.csv"), "--to", str(config), home=config.parent)
    assert again.code == 1
    assert "already exists" in again.err
    assert (config / "sources.yml").read_text(encoding="utf-8") == before


def test_what_is_advised_is_of_the_home_and_the_configuration_that_were_written(init: Callable[..., Said], tmp_path: Path) -> None:
    """Not every word can be placed: written, not run, and the command that goes on can be pasted as it stands."""
    (tmp_path / "log.csv").write_text("Ticket,State,Changed at\n" + "\n".join(f"{n},{word},2025-07-07 1{m}:00" for n in range(4) for m, word in enumerate(("Open", "", "Solved"))))
    finished = init(str(tmp_path / "log.csv"), "--to", str(tmp_path / "desk"), "--timezone", "UTC", "--yes", home=tmp_path / "not_mine")
    assert finished.code == 1
    assert f"then `OPSLA_HOME={tmp_path}/desk/.opsla OPSLA_CONFIG={tmp_path}/desk " in finished.err, finished.err


def test_a_time_format_is_given_once(init: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    finished = init(str(tmp_path / "log.csv"), "--time-format", "iso", "--time-format", "%d/%m/%Y", "--yes", home=tmp_path / "home")
    assert finished.code == 1
    assert "--time-format is given 2 times (iso, %d/%m/%Y): give one." in finished.err


def test_without_a_source_the_flags_are_named(init: Callable[..., Said], tmp_path: Path) -> None:
    finished = init("--to", str(tmp_path / "desk"), home=tmp_path)
    assert finished.code == 1
    assert "--zendesk SUBDOMAIN or --intercom" in finished.err
    assert "Traceback" not in finished.err
