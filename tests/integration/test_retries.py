"""What fails for a cause that passes is tried again where nobody watches; what stays as it is fails at once (docs/decisions/0036-retries.md)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest
from cli import opsla_here
from dagster._core.errors import ScheduleExecutionError
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo
from small_desk import core, log_of, make, narrow_runs, rows, write_config
from sqlalchemy.exc import OperationalError

from opsla_dagster.assets import retrying
from opsla_dagster.assets.retrying import failing_plainly, passes
from opsla_dagster.assets.scope import AS_OF_TAG
from opsla_dagster.automation.failures import Graph, alerts_of_run
from opsla_dagster.automation.missed import failed_ticks
from opsla_dagster.automation.schedule import WAITING, build_daily_refresh, build_refresh_retry
from opsla_dagster.automation.unattended import refresh_without_a_run
from opsla_dagster.catalog import TABLES
from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.running import run_windows, trying_again
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sources import DeskSettings, EventLogSettings
from opsla_dagster.sources.bronze.http import NoAnswerError
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, UNATTENDED_PATIENCE_SECONDS
from opsla_dagster.warehouse.exhaustion import disk_error
from opsla_dagster.warehouse.write import replace_whole
from opsla_dagster.window import Window

LOG = "number,state,at\nA1,New,2025-07-01 14:00:00\nA1,Done,2025-07-01 16:00:00\n"
AS_OF = datetime(2025, 7, 3, 5)


class Desk:
    """A desk that has read its log once, and `opsla` as cron calls it."""

    window = Window(date(2025, 7, 1), date(2025, 7, 3))

    def __init__(self, directory: Path) -> None:
        self.home, self.log, self.away = directory / "home", directory / "log.csv", directory / "away.csv"
        self.log.write_text(LOG, encoding="utf-8")
        sources = {"desk": {"timezone": "America/New_York", "start_date": date(2025, 7, 1)}, "sources": [log_of(self.log)]}
        self.config = write_config(directory / "config", sources)
        self.home.mkdir()

    def settings(self) -> Settings:
        return load_settings(self.config, self.home)

    def run(self, patience_seconds: float = LOCK_PATIENCE_SECONDS, table_done: Callable[[str, int], None] = lambda *_: None) -> Any:
        with open_instance(self.home) as instance:
            return run_windows(self.settings(), instance, [self.window], AS_OF, table_done, is_refresh=False, patience_seconds=patience_seconds)

    def tries(self, run_id: str) -> int:
        with open_instance(self.home) as instance:
            again = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY).records
        return 1 + len(again)

    def alerts(self) -> list[dict[str, Any]]:
        path = self.home / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    make(desk.settings(), [Desk.window], AS_OF, core(desk.settings()))
    return desk


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsla_dagster.assets.factory.WAITS_SECONDS", (0.1, 0.1))
    monkeypatch.setattr(retrying, "WAITS_SECONDS", (0.1, 0.1))


# --- a run


def test_a_log_that_is_away_for_a_while_fails_no_run_that_nobody_watches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Waits(tuple[float, ...]):
        """The log comes back while the second wait goes on, however slow the machine is."""

        def __getitem__(self, number: object) -> float:  # type: ignore[override]
            if number == 1:
                desk.away.rename(desk.log)
            return 0.1

    narrow_runs(monkeypatch, "raw.events_log", "staging.case_milestones")
    monkeypatch.setattr("opsla_dagster.assets.factory.WAITS_SECONDS", Waits((0.1, 0.1, 0.1)))
    desk.log.rename(desk.away)
    finished = desk.run(UNATTENDED_PATIENCE_SECONDS)
    assert finished.succeeded, finished.error
    (run_id,) = finished.run_ids
    assert desk.tries(run_id) == 3
    with open_instance(desk.home) as instance:
        assert instance.get_run_by_id(run_id).tags[AS_OF_TAG] == "2025-07-03T05:00:00+00:00"
    assert rows(desk.home / "ops_warehouse.duckdb", "select distinct as_of_at from raw.source_partitions") == [(AS_OF,)]


def test_the_last_try_fails_with_the_cause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsla_dagster.assets.factory.WAITS_SECONDS", (0.1, 0.1))
    narrow_runs(monkeypatch, "raw.cases")
    desk.log.rename(desk.away)
    try:
        finished = desk.run(UNATTENDED_PATIENCE_SECONDS)
    finally:
        desk.away.rename(desk.log)
    assert finished.error.startswith(f"{desk.log}: no such file")
    assert desk.tries(finished.run_ids[0]) == 3
    with open_instance(desk.home) as instance:
        (alert,) = alerts_of_run(instance, finished.run_ids[0], Graph, "") or []
    assert alert.statement is not None
    assert alert.statement.endswith("no such file; check `files` in sources.yml"), "the cause, and not how often it was tried"


def test_who_watches_a_run_is_told_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_runs(monkeypatch, "raw.cases")
    desk.log.rename(desk.away)
    try:
        finished = desk.run()
    finally:
        desk.away.rename(desk.log)
    assert desk.tries(finished.run_ids[0]) == 1


def test_what_stays_as_it_is_is_not_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that lost records is bad input, however often it is read; a failed check and a configuration likewise raise no PassingError."""
    narrow_runs(monkeypatch, "raw.cases")
    whole = desk.log.read_text(encoding="utf-8")
    desk.log.write_text(LOG.rsplit("A1", 1)[0], encoding="utf-8")
    try:
        finished = desk.run(UNATTENDED_PATIENCE_SECONDS)
    finally:
        desk.log.write_text(whole, encoding="utf-8")
    assert "shrank from 2 records to 1" in finished.error
    assert desk.tries(finished.run_ids[0]) == 1


def test_cron_waits_for_a_log_before_its_run_too_and_alerts_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_HOME", str(desk.home))
    monkeypatch.setenv("OPSLA_CONFIG", str(desk.config))
    desk.log.rename(desk.away)
    said = opsla_here("refresh", "--wait", "--as-of", "2025-07-03T05:00", monkeypatch=monkeypatch).err
    assert said.count(f"{desk.log}: no such file") == 3, said
    assert said.count("Trying again in") == 2
    told = [alert for alert in desk.alerts() if alert["run_id"] is None]
    assert len(told) == 1, told
    assert told[0]["title"].startswith(f"opsla ERROR: refresh: {desk.log}: no such file")
    desk.away.rename(desk.log)


def test_what_a_command_does_before_its_run_goes_on_once_it_can() -> None:
    said: list[str] = []

    def work() -> int:
        if len(said) < 2:
            raise PassingError("log.csv: no such file")
        return 5

    assert trying_again(work, said.append, (0.0, 0.0, 0.0)) == 5
    assert said == ["log.csv: no such file. Trying again in 0 seconds."] * 2


# --- the nightly tick


class Night:
    """The two schedules of a desk, ticked as the daemon does it: what each says is kept as its tick."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings) -> None:
        self.instance = instance
        self._schedules = {each.name: each for each in (build_daily_refresh(settings), build_refresh_retry(settings))}
        self.states = {name: InstigatorState(_origin(name), InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, ScheduleInstigatorData("0 1 * * *")) for name in self._schedules}
        for state in self.states.values():
            instance.add_instigator_state(state)

    def fails(self, name: str, at: datetime) -> None:
        """Keeps a tick that failed."""
        state = self.states[name]
        error = SerializableErrorInfo("opsla_dagster.errors.OpslaError: log.csv: the file is gone\n", [], "OpslaError")
        self.instance.create_tick(TickData(state.instigator_origin_id, name, InstigatorType.SCHEDULE, TickStatus.FAILURE, at.timestamp(), selector_id=state.selector_id, error=error))

    def tick(self, name: str, at: datetime) -> dg.RunRequest | str | None:
        """The run that the tick asks for, or why it asks for none."""
        found = self._schedules[name].evaluate_tick(dg.build_schedule_context(self.instance, scheduled_execution_time=at))
        (request,) = found.run_requests or [None]
        status, state = TickStatus.SUCCESS if request else TickStatus.SKIPPED, self.states[name]
        kept = TickData(
            state.instigator_origin_id, name, InstigatorType.SCHEDULE, status, at.timestamp(), selector_id=state.selector_id,
            skip_reason=found.skip_message, run_ids=["a run"] if request else None,
        )  # fmt: skip
        self.instance.create_tick(kept)
        return request or found.skip_message


def _origin(name: str) -> RemoteInstigatorOrigin:
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="opsla_dagster.definitions"), "opsla")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


@pytest.fixture
def night(desk: Desk, tmp_path: Path) -> Iterator[Night]:
    if desk.away.exists():
        desk.away.rename(desk.log)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield Night(instance, desk.settings())
    if desk.away.exists():
        desk.away.rename(desk.log)


def test_a_night_whose_log_is_late_is_made_by_its_next_try_as_of_the_same_instant(desk: Desk, night: Night) -> None:
    begins_at = datetime.now(UTC).replace(microsecond=0)
    desk.log.rename(desk.away)
    waits = night.tick("daily_refresh", begins_at)
    assert isinstance(waits, str)
    assert waits.startswith(WAITING)
    assert f"{desk.log}: no such file" in waits
    assert list(failed_ticks(night.instance, 0)) == [], "nobody is told while there is a try to come"
    assert str(night.tick("daily_refresh_retry", begins_at + timedelta(minutes=5))).startswith(WAITING)
    desk.away.rename(desk.log)
    request = night.tick("daily_refresh_retry", begins_at + timedelta(minutes=20))
    assert isinstance(request, dg.RunRequest)
    assert request.tags[AS_OF_TAG] == begins_at.isoformat()
    # And that is all, also for who looks again.
    assert night.tick("daily_refresh_retry", begins_at + timedelta(minutes=21)) == "daily_refresh has not asked for another try"


def test_the_last_try_of_a_night_fails_and_so_does_one_that_comes_too_late(desk: Desk, night: Night) -> None:
    begins_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=19)
    desk.log.rename(desk.away)
    assert str(night.tick("daily_refresh", begins_at)).startswith(WAITING)
    with pytest.raises(ScheduleExecutionError) as told:  # the machine was off until morning
        night.tick("daily_refresh", begins_at - timedelta(hours=1))
    assert isinstance(told.value.__cause__, PassingError)


def test_a_night_that_went_well_or_failed_for_good_is_not_tried_again(desk: Desk, night: Night) -> None:
    begins_at = datetime.now(UTC).replace(microsecond=0)
    assert night.tick("daily_refresh_retry", begins_at) == "daily_refresh has not asked for another try"
    assert isinstance(night.tick("daily_refresh", begins_at), dg.RunRequest)
    assert night.tick("daily_refresh_retry", begins_at + timedelta(minutes=5)) == "daily_refresh has not asked for another try"


def test_a_night_with_nothing_to_make_takes_back_that_the_one_before_failed(night: Night) -> None:
    """Else `opsla health` would be red until there is something to make again."""
    night.fails("daily_refresh", datetime.now(UTC))
    failed = refresh_without_a_run(night.instance, 0.0)
    assert failed is not None
    assert failed[1] == "daily_refresh could not start its run: log.csv: the file is gone"
    before_the_desk_s_first_day = datetime(2025, 7, 1, 5, tzinfo=UTC)
    assert night.tick("daily_refresh", before_the_desk_s_first_day) == "no intake date has gone by that was not refreshed already"
    assert refresh_without_a_run(night.instance, 0.0) is None
    night.fails("daily_refresh_retry", datetime.now(UTC) + timedelta(seconds=1))
    assert refresh_without_a_run(night.instance, 0.0) is not None, "what failed later is told"


# --- which causes


@pytest.mark.parametrize("is_known", [True, False])
def test_a_log_that_is_not_there_is_late_only_if_it_was_ever_read(tmp_path: Path, is_known: bool) -> None:
    settings = EventLogSettings.model_validate(log_of(tmp_path / "log.csv"))
    if is_known:
        (tmp_path / "cache" / "desk_log").mkdir(parents=True)
        (tmp_path / "cache" / "desk_log" / "last_read.json").write_text("{}", encoding="utf-8")
    source = EventLogSource(settings, DeskSettings(start_date=date(2025, 7, 1)), tmp_path / "cache", tmp_path)
    with pytest.raises(OpslaError, match="no such file") as told:
        source.window()
    assert passes(told.value) is is_known


def test_causes_that_pass_and_those_that_stay() -> None:
    locked = sqlite3.OperationalError("database is locked")
    for error in (
        PassingError("x"), NoAnswerError("no answer", "503"), locked, OperationalError("insert", {}, locked),
        disk_error("could not be written: IO Error: No space left on device"),
    ):
        assert passes(error), error
    for error in (
        OpslaError("sources.yml: nonsense"), sqlite3.OperationalError("no such table: runs"), KeyError("mart"), disk_error("Permission denied"),
    ):
        assert not passes(error), error


# --- too little memory


def test_rows_made_in_python_that_do_not_fit_into_memory_fail_with_one_readable_message() -> None:
    def made_in_python(context) -> None:  # type: ignore[no-untyped-def]  # Dagster looks at the annotation itself, which is a text here
        with failing_plainly(context, ()), duckdb.connect(config={"memory_limit": "5MB", "max_temp_directory_size": "0KB"}) as connection:
            connection.execute("select range, random() from range(10000000) order by 2").to_arrow_table()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([dg.asset(made_in_python)], instance=instance, raise_on_error=False)
        (failed,) = result.get_step_failure_events()
    assert failed.step_failure_data.user_failure_data is not None, "as a failure of ours, without a stack trace"
    told = failed.step_failure_data.user_failure_data.description
    assert re.match(r"rows that the step needs do not fit into the memory that OPSLA_MEMORY_LIMIT allows, or .*; allow more, or free some space$", told)
    assert "\n" not in told


def test_what_aborts_the_write_of_rows_made_in_python_is_the_error_that_is_told() -> None:
    """Of a transaction that has failed DuckDB says of every further word that it is aborted, and not why."""
    table = TABLES["staging.team_calendars"]
    rows = pa.table({column.name: ["a"] * 1_000 for column in table.columns})
    broken = pa.RecordBatchReader.from_batches(rows.schema, _batches_until_memory_is_out(rows))
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        with pytest.raises(duckdb.Error, match="no more memory"):
            replace_whole(connection, table, broken)


def _batches_until_memory_is_out(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from rows.to_batches()
    raise MemoryError("no more memory")


def test_what_a_source_says_while_its_rows_are_read_is_told_in_its_own_words() -> None:
    table = TABLES["staging.team_calendars"]
    rows = pa.table({column.name: ["a"] * 1_000 for column in table.columns})

    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows.to_batches()
        raise OpslaError("source bench: its rows do not fit into the memory that OPSLA_MEMORY_LIMIT allows: 610.3 MiB used; allow more, or free some space")

    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        with pytest.raises(OpslaError) as told:
            replace_whole(connection, table, pa.RecordBatchReader.from_batches(rows.schema, batches()))
    assert str(told.value) == "source bench: its rows do not fit into the memory that OPSLA_MEMORY_LIMIT allows: 610.3 MiB used; allow more, or free some space"
