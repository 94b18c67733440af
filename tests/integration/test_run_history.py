"""What Dagster's catalog says of a home's tables and checks after a real run, and how it is made to say it again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from cli import environment, opsla_here
from small_desk import desk_settings, july, log_of, make, narrow_runs, takes_minutes, up_to, write_config

from opsla_dagster.assets.log_files import log_file_key
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.build import build_definitions
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.figures import rounded
from opsla_dagster.instance.instance import mark_interrupted_runs, open_instance
from opsla_dagster.reporting.headline import headline, promises_kept
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.record import write_reports
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.running import run_windows
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.filled import active_tables

LOG = "number,state,at\nA,New,2025-07-01 14:00\nA,Seen,2025-07-01 15:00\nA,Done,2025-07-01 16:00\nB,New,2025-07-03 14:00\n"
DESK = {"timezone": "America/New_York", "start_date": "2025-07-01"}
SOURCES = SourcesSettings.model_validate({"desk": DESK | {"start_date": date(2025, 7, 1)}, "sources": [log_of(Path("log.csv"))]})
MADE = [TABLES[table.name] for table in active_tables(SOURCES)]
DATED = [dg.AssetKey(table.asset_key) for table in MADE if table.kind is Kind.PARTITIONED]
UNDATED = [dg.AssetKey(table.asset_key) for table in MADE if table.kind is not Kind.PARTITIONED]
#: What was answered while the run of `made` was at work: how many tables there were by then, and what they told.
ANSWER = "answered.txt"
THREE_DATES = {"2025-07-01", "2025-07-02", "2025-07-03"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with config/ and the home/ of a desk with two cases, made in one run over three dates."""
    directory = tmp_path_factory.mktemp("desk")
    log = directory / "log.csv"
    log.write_text(LOG, encoding="utf-8")
    config = write_config(directory / "config", {"desk": DESK, "sources": [log_of(log)]})
    (config / "quality_gates.yml").write_text("gates: {raw.cases: {cases_per_day: {warn_below: 5}}}\n", encoding="utf-8")
    settings = desk_settings(directory, cases=2, config=config)
    tables: list[str] = []

    def answer(connection: duckdb.DuckDBPyConnection) -> None:
        (directory / ANSWER).write_text(f"{len(tables)} {promises_kept(connection, settings).model_dump_json()}", encoding="utf-8")

    with open_instance(settings.home.root) as instance:
        finished = run_windows(settings, instance, [july(1, 3)], datetime(2025, 7, 5), lambda table, _: tables.append(table), is_refresh=False, answer=answer)
    assert finished.error == ""
    return directory


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    """A copy of that home to work on."""
    shutil.copytree(made / "home", tmp_path / "home")
    with open_instance(tmp_path / "home") as instance:
        yield load_settings(made / "config", tmp_path / "home"), instance


def opsla(settings: Settings, command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command said, on one line."""
    monkeypatch.setenv("OPSLA_CONFIG", str(settings.config_directory))
    monkeypatch.setenv("OPSLA_HOME", str(settings.home.root))
    said = opsla_here(*command.split(), monkeypatch=monkeypatch)
    assert not said.code
    return " ".join(said.out.split())


def test_which_promises_were_kept_is_answered_before_the_rest_is_made(made: Path) -> None:
    tables, kept = (made / ANSWER).read_text(encoding="utf-8").split(" ", 1)
    assert int(tables) < 0.6 * len(MADE)
    settings = load_settings(made / "config", made / "home")
    with published(settings.home.marts_database) as connection:
        assert Headline.model_validate_json(kept) == promises_kept(connection, settings)
        assert Headline.model_validate_json(kept).promises == headline(connection, settings).promises


@pytest.fixture(scope="module")
def killed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of a copy of it in which a run of raw.cases for 2 July was killed as it was about to tell its verdicts."""
    home = Path(shutil.copytree(made / "home", tmp_path_factory.mktemp("killed") / "home"))
    kill_run(load_settings(made / "config", home), "raw.cases", "2025-07-02")
    return home


@pytest.fixture
def killed_desk(made: Path, killed: Path, tmp_path: Path) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    """A copy of that home to work on."""
    shutil.copytree(killed, tmp_path / "home")
    with open_instance(tmp_path / "home") as instance:
        yield load_settings(made / "config", tmp_path / "home"), instance


def known_dates(instance: dg.DagsterInstance) -> dict[str, set[str]]:
    return {key.to_user_string(): instance.get_materialized_partitions(key) for key in DATED}


def verdicts(instance: dg.DagsterInstance, settings: Settings) -> dict[str, dict[str, object]]:
    """By check, what the UI shows of it: of each date, or of the table, the status of the latest run about it."""
    graph = build_definitions(settings).resolve_asset_graph()
    keys = [(key, graph.get(key).partitions_def) for key in graph.asset_check_keys if key.asset_key != PUBLISHED_MARTS]
    states = instance.event_log_storage.get_asset_check_state(keys)
    return {
        str(key): {
            status.value: sorted(subset.value.get_partition_keys()) if definition else bool(subset.size)
            for status, subset in states[key].subsets.items()
            if subset.size
        }
        for key, definition in keys
    }


def verdicts_of(made: Path) -> dict[str, dict[str, object]]:
    """Those of the home that tests work on copies of."""
    with open_instance(made / "home") as instance:
        return verdicts(instance, load_settings(made / "config", made / "home"))


#: A run of some tables in the UI, whose process is killed as a step is about to tell its verdicts: argv is the step, the table and date to make, and whose run it is.
KILLED_RUN = """
import os, signal, sys
import dagster as dg
from opsla_dagster.build import build_definitions
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.lease import process_tags
from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage as Storage
from opsla_dagster.settings import load_settings

step, table, day, whose = sys.argv[1:]
write = Storage._write_held

def dying(self, run_id, closing=()):
    if any(event.dagster_event_type is dg.DagsterEventType.STEP_SUCCESS and event.step_key == step for event in closing):
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, run_id, closing)

Storage._write_held = dying
settings = load_settings()
job = build_definitions(settings).resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(table.split("."))})
with open_instance(settings.home.root) as instance:
    tags = {**(process_tags(instance) if whose == "opsla" else {}), "opsla/as_of": "2025-07-05T00:00:00", **({"dagster/partition": day} if day else {})}
    job.execute_in_process(instance=instance, tags=tags, partition_key=day or None)
"""


@pytest.mark.parametrize(("table", "day"), [("raw.cases", "2025-07-02"), pytest.param("mart.sla_by_tier_case_type", "", marks=takes_minutes)])
def test_verdicts_that_a_killed_run_could_not_tell_are_found_again(
    request: pytest.FixtureRequest, made: Path, table: str, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, instance = request.getfixturevalue("killed_desk" if day else "desk")
    before = verdicts_of(made)
    if not day:
        kill_run(settings, table, day)
    assert len(mark_interrupted_runs(instance)) == 1
    lost = {check for check, found in verdicts(instance, settings).items() if found != before[check]}
    assert lost
    assert all(table.split(".")[1] in check for check in lost)

    said = opsla(settings, "sync", monkeypatch)

    assert verdicts(instance, settings) == before, "of the same rows"
    assert said.startswith(f"Told to Dagster: 0 materialisations; the rest it knew. Judged again, because Dagster's history had no verdict: {len(lost)} checks,")
    assert ("failed: raw.cases, 2025-07-02: gate_cases_per_day: cases_per_day is 0 in the rows of 2025-07-02" in said) == bool(day)


def kill_run(settings: Settings, table: str, day: str, whose: str = "opsla") -> None:
    """A run of one table and date whose process dies as it is about to tell the verdicts; `whose`: of a command of opsla, or of the UI."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, table.replace(".", "__"), table, day, whose],
        env=environment(settings.home.root, settings.config_directory), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def late_alerts(settings: Settings) -> list[dict[str, Any]]:
    """Those about the rows of the killed run, of everything that was sent."""
    sent = [json.loads(line) for line in (settings.home.root / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    return [alert for alert in sent if "stopped before it could tell" in (alert["effect"] or "")]


def with_own_config(settings: Settings, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a copy of the config that the test may change; `opsla` in this process goes by it too."""
    found = load_settings(shutil.copytree(settings.config_directory, directory), settings.home.root)
    monkeypatch.setenv("OPSLA_CONFIG", str(found.config_directory))
    monkeypatch.setenv("OPSLA_HOME", str(found.home.root))
    return found


def test_the_next_run_finds_them_also_when_it_fails_and_whoever_had_ended_the_killed_one(
    made: Path, killed_desk: tuple[Settings, dg.DagsterInstance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, instance = killed_desk
    settings = with_own_config(settings, tmp_path / "config", monkeypatch)
    narrow_runs(monkeypatch, "raw.events_log")
    before = verdicts_of(made)
    assert len(mark_interrupted_runs(instance)) == 1, "by the daemon, say: the next command finds nothing to end"
    assert verdicts(instance, settings) != before
    (settings.config_directory / "quality_gates.yml").write_text("gates: {raw.events_log: {events_per_case: {error_above: 0}}, raw.cases: {cases_per_day: {warn_below: 5}}}\n", encoding="utf-8")

    said = opsla_here("run", "--start", "2025-07-03", "--end", "2025-07-04", "--as-of", "2025-07-05", monkeypatch=monkeypatch)

    assert said.code == 1
    assert "raw.events_log" in said.err, said.err
    assert "failed: raw.cases, 2025-07-02: gate_cases_per_day: cases_per_day is 0 in the rows of 2025-07-02" in " ".join(said.err.split())
    cases = {check: found for check, found in before.items() if "'cases'" in check}
    now = verdicts(instance, settings)
    assert {check: found.get("FAILED", []) for check, found in cases.items()} == {check: now[check].get("FAILED", []) for check in cases}
    (alert,) = late_alerts(settings)
    assert (alert["severity"], alert["partitions"], alert["check"]) == ("WARN", "2025-07-02", "gate_cases_per_day")


def test_the_service_finds_those_of_a_run_of_the_ui_once_it_has_ended(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, instance = desk
    before = verdicts(instance, settings)
    kill_run(settings, "raw.cases", "2025-07-02", "ui")
    assert mark_interrupted_runs(instance) == []
    repository = build_definitions(settings).get_repository_def()

    def tick() -> None:
        context = dg.build_sensor_context(instance=instance, repository_def=repository)
        repository.get_sensor_def("alerts_delivery").evaluate_tick(context)

    tick()
    lost = verdicts(instance, settings)
    assert lost != before, "it may be at work"
    (run,) = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    instance.report_run_failed(run, "the process that carried out the run is gone")
    tick()
    tick()
    assert verdicts(instance, settings) == before
    (alert,) = late_alerts(settings)
    assert (alert["severity"], alert["run_id"], alert["partitions"]) == ("WARN", run.run_id, "2025-07-02")


def test_rows_of_a_killed_run_that_their_checks_forbid_are_alerted_once_and_end_the_next_run_with_an_error(
    killed_desk: tuple[Settings, dg.DagsterInstance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = killed_desk
    settings = with_own_config(settings, tmp_path / "config", monkeypatch)
    narrow_runs(monkeypatch, "raw.events_log")
    (settings.config_directory / "quality_gates.yml").write_text("gates: {raw.cases: {cases_per_day: {error_below: 0.5}}}\n", encoding="utf-8")

    said = opsla_here("run", "--start", "2025-07-03", "--end", "2025-07-04", "--as-of", "2025-07-05", monkeypatch=monkeypatch)

    assert said.code == 1
    assert "tables hold rows that their checks forbid" in said.err
    assert "failed: raw.cases, 2025-07-02: gate_cases_per_day: cases_per_day is 0" in " ".join(said.out.split())
    (alert,) = late_alerts(settings)
    assert (alert["severity"], alert["job"], alert["partitions"]) == ("ERROR", "run", "2025-07-02")
    assert opsla(settings, "sync", monkeypatch) == "Told to Dagster: 0 materialisations; the rest it knew."
    assert late_alerts(settings) == [alert]


def test_dates_kept_by_the_desk_s_days_are_judged_until_they_are_published(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, _ = desk

    def judged() -> str:
        """Which rows a run of this table alone, which publishes nothing, looks at."""
        (found,) = [outcome for _, outcome in make(settings, [july(3, 3)], datetime(2025, 7, 5), only=["mart.backlog_daily"]) if outcome.check == "schema"]
        return found.description

    def execute(statement: str) -> None:
        with duckdb.connect(str(settings.home.warehouse)) as connection:
            connection.execute(statement)

    assert "the rows of 2025-07-03" in judged(), "nothing has changed: a run judges at least the latest date"
    execute("delete from ops.made_dates where table_name = 'mart.backlog_daily' and made_date < '2025-07-03'")
    assert "the rows of 2025-07-01..2025-07-03" in judged()
    assert "the rows of 2025-07-01..2025-07-03" in judged(), "whoever made them may have been killed before it could tell"
    execute("drop table ops.unpublished_dates")
    assert "the rows of 2025-07-03" in judged()


def test_checks_of_a_run_with_gaps_are_about_its_dates_and_those_of_other_tables_about_none(
    desk: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, instance = desk
    tables = ("raw.calendar_dim", "staging.case_milestones")
    narrow_runs(monkeypatch, *tables)
    finished = run_windows(settings, instance, [july(1, 1), july(3, 3)], datetime(2025, 7, 5), lambda table, rows: None, is_refresh=False)
    assert finished.error == ""
    graph = build_definitions(settings).resolve_asset_graph()
    told = {
        key: [record.partition for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=2)]
        for key in graph.asset_check_keys
        if ".".join(key.asset_key.path) in up_to(settings, *tables)
    }
    dated = {key for key in told if key.asset_key in DATED}
    assert dated
    assert set(told) - dated
    assert {tuple(told[key]) for key in dated} == {("2025-07-01, 2025-07-03", "2025-07-01...2025-07-03")}
    assert {tuple(told[key]) for key in set(told) - dated} == {(None, None)}


def test_rows_of_a_date_stand_beside_rows_of_the_table(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    _, instance = desk
    found = {}
    for record in instance.fetch_materializations(dg.AssetKey(["raw", "events_log"]), limit=9).records:
        counts = {name: value.value for name, value in record.asset_materialization.metadata.items()}  # type: ignore[union-attr]
        found[record.partition_key] = counts["dagster/partition_row_count"], counts["dagster/row_count"], counts["rows_written"]
    assert found == {"2025-07-01": (3, 4, 4), "2025-07-02": (0, 4, 4), "2025-07-03": (1, 4, 4)}


def test_a_few_rows_and_the_files_they_came_from_are_shown(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, instance = desk

    def shown(*key: str) -> dict[str | None, str]:
        found = [(record.partition_key, record.asset_materialization) for record in instance.fetch_materializations(dg.AssetKey(key), limit=9).records]
        return {day: str(made.metadata["preview"].value) for day, made in found if made and "preview" in made.metadata}

    assert list(shown("raw", "events_log")) == ["2025-07-03"], "a range has one: it is kept once a date"
    assert shown("raw", "events_log")["2025-07-03"].splitlines()[2].startswith("desk_log  B#0001    B")
    assert shown("staging", "sla_policies")[None].startswith("```\n")
    assert shown("mart", "case_facts") == {}, "a view would be computed for it"
    (pattern,) = settings.sources.sources[0].files
    observed = instance.fetch_observations(log_file_key("desk_log", pattern), limit=9).records
    (observation,) = [record.asset_observation for record in observed if record.asset_observation]
    assert observation.metadata["records"].value == 4


def test_the_reports_of_a_run_are_shown_with_the_published_marts(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, instance = desk
    (run,) = instance.get_runs()
    written = write_reports(instance, [run.run_id], settings, command="opsla run")
    (record,) = instance.fetch_observations(PUBLISHED_MARTS, limit=9).records
    told = record.asset_observation
    assert told is not None
    assert told.metadata["report"].value == str(written.report)
    assert told.metadata["run"].value == run.run_id
    assert "opsla run: done  intake 2025-07-01 to 2025-07-03" in str(told.metadata["headline"].value)


def test_every_result_says_what_was_found_and_a_failure_where_to_look(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    _, instance = desk
    (run,) = instance.get_runs()
    found = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    told = {each.asset_check_key.name: each for record in found if (each := record.event_log_entry.asset_check_evaluation)}
    assert len(found) > 100
    assert [name for name, each in told.items() if not each.description or len(each.description) < 40] == []
    assert told["gate_cases_per_day"].description == (
        "cases_per_day is 0.6667 in the rows of 2025-07-01..2025-07-03; warns below 5. "
        "Look first at the latest rows of raw.cases; the bounds are in quality_gates.yml."
    )
    assert (told["schema"].description or "").startswith("All ")


def test_a_lost_history_is_told_again_by_the_warehouse(
    desk: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, instance = desk
    before, verdicts_before = known_dates(instance), verdicts(instance, settings)
    assert set(map(frozenset, before.values())) == {frozenset(THREE_DATES)}
    instance.dispose()
    shutil.rmtree(settings.home.root / "dagster" / "history")

    told = len(DATED) * 3 + len(UNDATED) + 1  # the last are the published marts
    said = opsla(settings, "sync", monkeypatch)
    assert said.startswith(f"Told to Dagster: {told:,} materialisations; the rest it knew. Judged again, because Dagster's history had no verdict: ")
    assert "failed: raw.cases, 2025-07-01...2025-07-03: gate_cases_per_day: cases_per_day is 0.6667 in the rows of 2025-07-01..2025-07-03; warns below 5." in said

    with open_instance(settings.home.root) as fresh:
        assert known_dates(fresh) == before
        assert all(fresh.get_latest_materialization_event(key) for key in UNDATED)
        assert verdicts(fresh, settings) == verdicts_before
        event = fresh.get_latest_materialization_event(dg.AssetKey(["raw", "cases"]))
        assert event is not None
        assert event.timestamp == datetime.fromisoformat("2025-07-05T00:00:00+00:00").timestamp()
    assert opsla(settings, "sync", monkeypatch) == "Told to Dagster: 0 materialisations; the rest it knew."


def test_what_the_warehouse_lacks_is_forgotten_and_half_made_dates_are_named(
    desk: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, instance = desk
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("delete from ops.refreshed_partitions where intake_date = '2025-07-02'")
    cases = dg.AssetKey(["raw", "cases"])
    definition = build_definitions(settings).resolve_asset_graph().get(cases).partitions_def

    def others() -> object:
        """What is known of the other two dates: the events that told of them, and the verdicts."""
        told = {record.partition_key: record.storage_id for record in instance.fetch_materializations(cases, limit=9).records}
        check = dg.AssetCheckKey(cases, "schema")
        subsets = instance.event_log_storage.get_asset_check_state([(check, definition)])[check].subsets
        judged = {status: sorted(subset.subset_value.get_partition_keys()) for status, subset in subsets.items() if subset.size}  # type: ignore[union-attr]
        return {day: told.get(day) for day in sorted(THREE_DATES - {"2025-07-02"})}, {status: [day for day in days if day != "2025-07-02"] for status, days in judged.items()}

    before = others()
    assert "Incomplete, loaded but not fully built: the intake date 2025-07-02. `opsla refresh` makes it." in opsla(settings, "status", monkeypatch)
    said = opsla(settings, "sync", monkeypatch)

    assert said.startswith("Forgotten of these dates, because the warehouse lacks them: raw.")
    assert "Left as missing, because incomplete: the intake date 2025-07-02." in said
    assert set(map(frozenset, known_dates(instance).values())) == {frozenset(THREE_DATES - {"2025-07-02"})}
    assert others() == before
    assert "SUCCEEDED" in str(before)
    assert opsla(settings, "sync", monkeypatch).startswith("Told to Dagster: 0 materialisations; the rest it knew.")


def test_sync_makes_no_home_where_the_name_is_mistyped(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_CONFIG", str(made / "config"))
    monkeypatch.setenv("OPSLA_HOME", str(tmp_path / "hoem"))
    said = opsla_here("sync", monkeypatch=monkeypatch)
    assert f"{tmp_path / 'hoem' / 'ops_warehouse.duckdb'}: there is no warehouse here" in said.err
    assert not (tmp_path / "hoem").exists()


def test_status_tells_what_each_part_takes_on_disk(
    desk: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = opsla(desk[0], "status", monkeypatch)
    for part in ("warehouse", "published marts", "run history: catalog of tables and dates", "run history: runs, schedules and their logs", "bronze"):
        assert f" {part} " in said
    warehouse = desk[0].home.warehouse.stat().st_size / 1e6
    assert f" warehouse {rounded(warehouse, 1)} " in said
    assert "Incomplete, loaded" not in said


def test_status_lists_the_published_tables_where_it_is_asked_to(desk: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch) -> None:
    said = opsla(desk[0], "status", monkeypatch)
    assert "mart.sla_daily" not in said
    assert "clocks clocks clocks" in said, "times of clocks, where the end of a run tells those of cases"
    assert re.search(r"\d+ published tables, [\d,]+ rows: `opsla status --tables` lists them\.$", said.strip())
    assert " mart.sla_daily " in opsla(desk[0], "status --tables", monkeypatch)


def test_a_check_of_a_table_without_dates_runs_alone_and_makes_nothing(desk: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, instance = desk
    table = dg.AssetKey(["mart", "sla_by_tier_case_type"])
    check = dg.AssetCheckKey(table, "assert_cells_add_up_to_days")
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()
    assert graph.get_execution_set_asset_and_check_keys(check) == {check}
    of_a_date = dg.AssetCheckKey(dg.AssetKey(["raw", "cases"]), "schema")
    assert dg.AssetKey(["raw", "cases"]) in graph.get_execution_set_asset_and_check_keys(of_a_date)
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=set(), asset_check_selection={check})

    good = job.execute_in_process(instance=instance, raise_on_error=False)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("delete from mart.sla_by_tier_case_type")
    bad = job.execute_in_process(instance=instance, raise_on_error=False)
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("drop table mart.sla_by_tier_case_type")
    none = job.execute_in_process(instance=instance, raise_on_error=False)

    assert [result.success for result in (good, bad, none)] == [True, False, False]
    assert [each.passed for result in (good, bad) for each in result.get_asset_check_evaluations()] == [True, False]
    assert not none.get_asset_check_evaluations()
    assert not [event for result in (good, bad) for event in result.get_asset_materialization_events()]
    (failed,) = [event for event in none.all_events if event.is_step_failure]
    assert "there is no such table yet" in (failed.step_failure_data.user_failure_data.description or "")  # type: ignore[union-attr]
