"""What a check that fails stops, and what it leaves standing; what may not be mixed in one warehouse."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from cli import opsla_here
from dagster import DagsterEventType
from effort import IS_HOLD
from small_desk import (
    REPOSITORY,
    contents,
    core,
    desk_settings,
    july,
    load_states,
    log_of,
    make,
    narrow_runs,
    one_o_clock,
    plan,
    rows,
    with_sources,
    write_config,
)

from opsla_dagster.automation.chosen import with_remapped_dates
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import build_desk

AS_OF = "2025-07-05T05:00"


class Desk:
    """A home and its config directory, worked on by the command line in this process."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.config = directory / "home", write_config(directory / "config")
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("OPSLA_HOME", str(self.home))
        monkeypatch.setenv("OPSLA_CONFIG", str(self.config))

    def opsla(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was said on stderr."""
        said = opsla_here(*arguments, monkeypatch=self._monkeypatch)
        return said.code, said.err

    def bound(self, table: str, rate: str, **bounds: float) -> None:
        path = self.config / "quality_gates.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["gates"][table][rate] = bounds
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def sources(self, *sources: dict[str, object]) -> None:
        document = {"desk": {"timezone": "America/New_York", "start_date": date(2025, 7, 1)}, "sources": list(sources)}
        (self.config / "sources.yml").write_text(yaml.safe_dump(document), encoding="utf-8")

    @property
    def warehouse(self) -> Path:
        return self.home / "ops_warehouse.duckdb"

    def published(self) -> dict[str, str]:
        """Every published file and the hash of its bytes."""
        files = [self.home / "marts.duckdb", *sorted(path for path in (self.home / "marts").rglob("*") if path.is_file())]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def last_run(self) -> tuple[dg.DagsterRun, dg.DagsterInstance]:
        instance = open_instance(self.home)
        return instance.get_runs(limit=1)[0], instance


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def loaded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two dates of July of a simulation of 6,000 cases, made without a run."""
    settings = desk_settings(tmp_path_factory.mktemp("loaded"), cases=6_000)
    settings.home.remember_cases(6_000)
    make(settings, [july(1, 2)], datetime.fromisoformat(AS_OF))
    return settings.home.root


@pytest.fixture
def loaded(desk: Desk, loaded_home: Path) -> Desk:
    """A desk with a copy of that home."""
    shutil.copytree(loaded_home, desk.home)
    return desk


def failed_checks(run: dg.DagsterRun, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    evaluations = [entry.asset_check_evaluation for entry in entries]
    return {
        f"{found.asset_key.to_user_string()} {found.check_name}": found
        for found in evaluations
        if found is not None and not found.passed
    }


def materialised(run: dg.DagsterRun, instance: dg.DagsterInstance) -> set[str]:
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    return {str(entry.get_dagster_event().asset_key.to_user_string()).replace("/", ".") for entry in entries}  # type: ignore[union-attr]


def downstream_of(table: str) -> set[str]:
    from opsla_dagster.assets.graph import table_assets

    found, lines = {table}, table_assets(load_settings(REPOSITORY / "config"))
    while more := {line.name for line in lines if found & set(line.deps)} - found:
        found |= more
    return found


#: What publishing adds up, and what it looks for: a run of these and what they are made from publishes as one of every table does.
ADDED_UP = ("mart.sla_overall", "mart.sla_by_tier_case_type", "mart.open_clocks", "ops.refreshed_partitions")


def test_a_gate_beyond_error_stops_what_follows_and_one_beyond_warn_does_not(loaded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table in `make hold`."""
    if not IS_HOLD:
        narrow_runs(monkeypatch, *ADDED_UP, publishes=True)
    tables, published = contents(loaded.warehouse), loaded.published()
    loaded.bound("raw.events_log", "pct_missing_event_ts", error_above=0.01)

    code, said = loaded.opsla("run", "--cases", "6000", "--start", "2025-07-03", "--end", "2025-07-05", "--as-of", AS_OF)

    assert code == 1
    assert said == (
        "opsla: raw.events_log: gate_pct_missing_event_ts failed (rate 1.7482517482517483, sample_rows 286, error_above 0.01). The new rows were not kept "
        "and the table is as it was before; the check's sample in the Dagster UI (opsla dev) has more rows.\n"
    )
    stopped = downstream_of("raw.events_log")
    assert {"staging.sla_clocks", "mart.sla_daily", "mart.open_clocks", "ops.refreshed_partitions"} <= stopped
    after = contents(loaded.warehouse)
    assert {name for name in stopped if TABLES[name].kind is not Kind.VIEW and after[name] != tables[name]} == set()
    assert loaded.published() == published

    run, instance = loaded.last_run()
    assert run.status is dg.DagsterRunStatus.FAILURE
    (check,) = failed_checks(run, instance).items()
    name, evaluation = check
    assert name == "raw/events_log gate_pct_missing_event_ts"
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert evaluation.blocking
    figures = {key: value.value for key, value in evaluation.metadata.items()}
    assert figures["error_above"] == 0.01
    assert 1 < float(figures["rate"]) < 3
    made = materialised(run, instance)
    assert "raw.cases" in made
    assert made & (stopped | {"ops.published_marts"}) == set()
    alerts = [json.loads(line) for line in (loaded.home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [alert["check"] for alert in alerts if alert["severity"] == "ERROR" and alert["check"]] == ["gate_pct_missing_event_ts"]

    # Where it is only to be warned of, the same command goes through, and the warning is recorded.
    loaded.bound("raw.events_log", "pct_missing_event_ts", warn_above=0.01, error_above=20)
    loaded.bound("raw.events_log", "pct_ingestion_before_event", warn_above=50)
    (loaded.home / "alerts.jsonl").unlink()
    assert loaded.opsla("run", "--cases", "6000", "--start", "2025-07-03", "--end", "2025-07-05", "--as-of", AS_OF)[0] == 0
    assert rows(loaded.home / "marts.duckdb", "select max(intake_date) from mart.sla_daily") == [(date(2025, 7, 4),)]
    run, instance = loaded.last_run()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    failed = failed_checks(run, instance)
    assert set(failed) == {"raw/events_log gate_pct_missing_event_ts"}
    (evaluation,) = failed.values()
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.metadata["warn_above"].value == 0.01
    assert {"mart.open_clocks", "ops.published_marts"} <= materialised(run, instance)
    (alert,) = [json.loads(line) for line in (loaded.home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (alert["severity"], alert["check"]) == ("WARN", "gate_pct_missing_event_ts")


def test_event_ids_that_repeat_are_refused(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two logs number their records from 1, and sources.yml takes the numbers for event ids."""
    narrow_runs(monkeypatch, "mart.incomplete_cases", publishes=True)
    header, first = "number,state,at,id\n", "{0}1,New,2025-07-01 14:00:00,1\n"
    second = "{0}1,Seen,2025-07-01 15:00:00,{1}\n"
    logs = []
    for name, repeated in (("a", 2), ("b", 3)):
        path = tmp_path / f"{name}.csv"
        path.write_text(header + first.format(name) + second.format(name, repeated), encoding="utf-8")
        columns = {"case_id": "number", "status": "state", "event_ts": "at", "event_id": "id"}
        logs.append(log_of(path, name=f"log_{name}", columns=columns))
    desk.sources(*logs)
    (desk.config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")

    code, said = desk.opsla("run", "--as-of", AS_OF)

    assert code == 1
    assert said.startswith("opsla: raw.events_log: schema failed (rules_checked 10, rules_broken 1")
    run, instance = desk.last_run()
    failed = failed_checks(run, instance)
    assert failed.keys() == {"raw/events_log schema", "raw/events_log assert_event_ids_are_unique_in_the_warehouse"}
    assert failed["raw/events_log schema"].metadata["rows breaking unique (event_id)"].value == 1
    assert not (desk.home / "marts.duckdb").exists()


def test_two_simulations_do_not_mix(loaded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_runs(monkeypatch, "mart.incomplete_cases", publishes=True)
    tables, published = contents(loaded.warehouse), loaded.published()

    code, said = loaded.opsla("run", "--cases", "4000", "--start", "2025-07-03", "--end", "2025-07-05", "--as-of", AS_OF)

    assert code == 1
    assert said.count("\n") == 1
    assert "this warehouse already holds intake dates from 2025-07-01 on whose source 'simulation' was made with other" in said
    assert "go back to the configuration they were made with, or on in a fresh home (OPSLA_HOME=./another-home)." in said
    assert "or load a window that covers all of the old dates" in said
    assert contents(loaded.warehouse) == tables
    assert loaded.published() == published
    # The home goes on with the simulation it holds, in a run that does not name another one.
    simulations = "select distinct fingerprint from raw.source_partitions"
    (held,) = rows(loaded.warehouse, simulations)
    # (Which simulation is loaded stands before its cases are counted: these runs end there.)
    loaded.bound("raw.cases", "cases_per_day", error_below=100_000)
    assert "gate_cases_per_day failed" in loaded.opsla("run", "--start", "2025-07-02", "--end", "2025-07-05", "--as-of", AS_OF)[1]
    assert rows(loaded.warehouse, simulations) == [held]
    # And a window that covers all of the old dates replaces it.
    assert "gate_cases_per_day failed" in loaded.opsla("run", "--cases", "4000", "--end", "2025-07-05", "--as-of", AS_OF)[1]
    (other,) = rows(loaded.warehouse, simulations)
    assert other != held


def test_a_simulation_and_a_log_do_not_mix(loaded: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_runs(monkeypatch, "mart.incomplete_cases", publishes=True)
    tables, published = contents(loaded.warehouse), loaded.published()
    path = tmp_path / "log.csv"
    path.write_text("number,state,at\nA1,New,2025-07-03 14:00:00\n", encoding="utf-8")
    loaded.sources(log_of(path))

    for arguments in (["run", "--start", "2025-07-03", "--end", "2025-07-04"], ["refresh"])[not IS_HOLD :]:
        code, said = loaded.opsla(*arguments, "--as-of", AS_OF)
        assert code == 1
        assert "whose source 'simulation' is not enabled in sources.yml any more" in said
        assert "Go on in a fresh home" in said
        assert contents(loaded.warehouse) == tables
        assert loaded.published() == published


def test_no_table_made_alone_mixes_two_simulations(tmp_path: Path) -> None:
    """As somebody may do in the UI, who materialises a single asset after a change of simulation.yml."""
    settings = desk_settings(tmp_path, cases=700, gates=False)
    as_of_at = one_o_clock(date(2025, 7, 5))
    make(settings, [july(1, 4)], as_of_at, core(settings))
    settings.home.remember_cases(800)
    other = load_settings(settings.config_directory, settings.home.root)
    before = contents(settings.home.warehouse)
    for table in ("raw.source_partitions", "raw.cases", "raw.events_log"):
        with pytest.raises(OpslaError, match="'simulation' was made with other parameters than today's"):
            make(other, [july(2, 2)], as_of_at, only=[table])
    with pytest.raises(OpslaError, match=r"raw\.source_partitions does not have every date of 2025-07-05"):
        make(settings, [july(5, 5)], as_of_at, only=["raw.cases"])
    assert contents(settings.home.warehouse) == before

    # Announced for every date, but loaded for none: the tables still hold the first simulation.
    make(other, [july(1, 4)], as_of_at, only=["raw.source_partitions"])
    with pytest.raises(OpslaError, match="'simulation' was made with other parameters than today's"):
        make(other, [july(2, 2)], as_of_at, only=["raw.cases"])


def test_a_log_of_which_every_record_is_rejected_stops_the_run_whatever_the_gates(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("number,state,at\nA1,Neu,2025-07-01 14:00:00\nA1,Fertig,2025-07-01 16:00:00\n", encoding="utf-8")
    settings = with_sources(desk_settings(tmp_path, cases=1, gates=False), log_of(log))
    with pytest.raises(OpslaError, match="assert_a_source_has_usable_records failed") as told:
        make(settings, [july(1, 1)], one_o_clock(date(2025, 7, 4)))
    assert "desk_log updates 2 2" in str(told.value)
    assert rows(settings.home.warehouse, "select count(*) from raw.rejected_rows") == [(2,)], "they are what has to be looked at"
    log.write_text(f"{log.read_text(encoding='utf-8')}A2,New,2025-07-01 15:00:00\n", encoding="utf-8")
    make(settings, [july(1, 1)], one_o_clock(date(2025, 7, 4)), core(settings))


def test_records_from_before_the_start_date_are_no_mess(tmp_path: Path) -> None:
    """Somebody who begins a desk in July, of a log of years, has left them out on purpose; what else cannot be used is a share of the rest."""
    log = tmp_path / "log.csv"
    old = "".join(f"O{number},New,2025-06-0{number} 14:00:00\n" for number in range(1, 7))
    log.write_text(f"number,state,at\n{old}A1,New,2025-07-01 14:00:00\n", encoding="utf-8")
    settings = with_sources(desk_settings(tmp_path, cases=1), log_of(log))

    def gates() -> dict[str, float]:
        outcomes = make(settings, [july(1, 1)], one_o_clock(date(2025, 7, 4)), only=["raw.source_partitions", "raw.rejected_rows"])
        return {outcome.check: float(str(outcome.figures["rate"])) for _, outcome in outcomes if outcome.check.startswith("gate_")}

    assert gates() == {"gate_rejected_rows": 0.0, "gate_pct_rejected_rows": 0.0}
    assert rows(settings.home.warehouse, "select count(*) from raw.rejected_rows") == [(6,)], "but listed"
    log.write_text(f"{log.read_text(encoding='utf-8')}" + "".join(f"A{number},New,2025-07-01 15:00:00\n" for number in range(2, 8)) + "A8,Odd,2025-07-01 16:00:00\n", encoding="utf-8")
    assert gates() == {"gate_rejected_rows": 1.0, "gate_pct_rejected_rows": 12.5}


def test_after_a_change_of_the_mapping_a_refresh_and_a_run_of_everything_make_every_date_anew(tmp_path: Path) -> None:
    """Also those without cases, and those after the log's last record, which a run of the log's own window would leave as they were."""
    log = tmp_path / "log.csv"
    log.write_text("number,state,at\nA1,New,2025-07-01 14:00:00\nA1,Active,2025-07-01 16:00:00\n", encoding="utf-8")
    before = with_sources(desk_settings(tmp_path, cases=1, gates=False), log_of(log))
    loaded_at = one_o_clock(date(2025, 7, 4))
    load_states(before, [july(1, 3)], loaded_at)
    assert plan(before, loaded_at) == [july(3, 3)]
    after = with_sources(before, log_of(log, statuses={"New": "INTAKE", "Active": "ESCALATED"}))
    assert plan(after, loaded_at) == [july(1, 3)]
    windows, note = with_remapped_dates(after, build_desk(after), [build_desk(after).window()])
    assert windows == [july(1, 3)]
    assert "2025-07-02..2025-07-03, loaded with the old ones, are made anew too" in note
    load_states(after, windows, loaded_at)
    assert with_remapped_dates(after, build_desk(after), [july(1, 1)]) == ([july(1, 1)], "")
