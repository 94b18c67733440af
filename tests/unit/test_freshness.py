"""Freshness goes by the newest complete intake date, and a missed night is told once, by whoever looks first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._utils.schedules import cron_string_iterator

from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.alerts import alert_sensors
from opsla_dagster.automation.failures import FRESHNESS_CHECK, Graph, alerts_of_run
from opsla_dagster.automation.freshness import (
    build_freshness_check,
    freshness_now,
    last_night,
    newest_complete_date,
    record_missed_night,
)
from opsla_dagster.automation.ledger import Ledger
from opsla_dagster.automation.schedule import build_daily_refresh
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE

REPOSITORY = Path(__file__).parents[2]
UI = "http://127.0.0.1:3000"
#: 09:00 on Friday, 4 July, in New York: the night had to make the third.
MORNING = datetime(2025, 7, 4, 13, tzinfo=UTC)
ON_TIME = datetime(2025, 7, 4, 5)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def desk(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return load_settings(REPOSITORY / "config", tmp_path / "home")


def publish(desk: Settings, dates: dict[date, datetime], source: str = "simulation") -> None:
    with duckdb.connect(str(desk.home.marts_database)) as marts:
        marts.execute("create schema if not exists ops")
        marts.execute(f"create or replace table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, 'this one' as opsla_version")
        marts.execute("create table if not exists ops.refreshed_partitions (source varchar, intake_date date, as_of_at timestamp)")
        for day, as_of_at in dates.items():
            marts.execute("delete from ops.refreshed_partitions where source = ? and intake_date = ?", [source, day])
            marts.execute("insert into ops.refreshed_partitions values (?, ?, ?)", [source, day, as_of_at])


def watch(desk: Settings, since: datetime) -> None:
    Ledger(desk.home.root / "alerts").watching_since(since.timestamp())


def look(
    instance: dg.DagsterInstance, desk: Settings, now: datetime = MORNING, last_looked_at: datetime | None = None
) -> list[dict[str, Any]]:
    """The alerts that wait after a look at `now`."""
    record_missed_night(instance, desk, ["chat"], UI, now, (last_looked_at or now - timedelta(seconds=15)).timestamp())
    return [waiting.alert.to_record() for waiting in Ledger(desk.home.root / "alerts").due("chat", 1e12)]


# --- which date is the newest


def test_date_is_complete_when_every_source_was_made_after_it_was_over(desk: Settings, instance: dg.DagsterInstance) -> None:
    assert newest_complete_date(desk, instance) is None
    publish(desk, {date(2025, 7, 1): ON_TIME, date(2025, 7, 2): ON_TIME})
    # By hand, at noon of the third: a date of which the afternoon is missing.
    publish(desk, {date(2025, 7, 3): datetime(2025, 7, 3, 16)})
    assert newest_complete_date(desk, instance) == date(2025, 7, 2)
    publish(desk, {date(2025, 7, 3): ON_TIME})
    assert newest_complete_date(desk, instance) == date(2025, 7, 3)
    publish(desk, {date(2025, 7, 3): datetime(2025, 7, 3, 16)}, source="another")
    assert newest_complete_date(desk, instance) == date(2025, 7, 2)


def test_old_date_made_again_does_not_turn_it_fresh(desk: Settings, instance: dg.DagsterInstance) -> None:
    publish(desk, {date(2025, 7, 1): ON_TIME, date(2025, 7, 2): ON_TIME})
    watch(desk, MORNING - timedelta(days=3))
    publish(desk, {date(2025, 7, 1): datetime(2025, 7, 4, 12, 55)})
    found = freshness_now(desk, instance, MORNING)
    assert (found.is_kept, found.sentence()) == (False, "The newest complete intake date is 2025-07-02; 2025-07-03 was due.")
    publish(desk, {date(2025, 7, 3): ON_TIME})
    assert freshness_now(desk, instance, MORNING).is_kept


def test_check_in_the_ui_shows_it_and_the_run_of_it_is_no_second_alert(
    desk: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    publish(desk, {date(2025, 7, 2): ON_TIME})
    watch(desk, MORNING)
    marts = dg.AssetSpec(FRESHNESS_CHECK.asset_key)
    definitions = dg.Definitions(assets=[marts], asset_checks=[build_freshness_check(desk)])
    selection = dg.AssetSelection.checks(FRESHNESS_CHECK)
    job = dg.Definitions(
        assets=[marts], asset_checks=[build_freshness_check(desk)], jobs=[dg.define_asset_job("alone", selection)]
    ).resolve_job_def("alone")
    result = job.execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "The newest complete intake date is 2025-07-02" in (evaluation.description or "")
    assert alerts_of_run(instance, result.run_id, lambda: Graph.of(definitions.get_repository_def()), UI) == []


# --- when it is due


@pytest.mark.parametrize(
    ("zone", "now", "due", "starts", "deadline"),
    [
        ("America/New_York", "2025-07-04T06:59", "2025-07-02", "2025-07-03T05:00", "2025-07-03T07:00"),
        ("America/New_York", "2025-07-04T07:00", "2025-07-03", "2025-07-04T05:00", "2025-07-04T07:00"),
        # Clocks go back at 02:00: 01:00 comes twice, the night is an hour longer.
        ("America/New_York", "2025-11-02T12:00", "2025-11-01", "2025-11-02T05:00", "2025-11-02T08:00"),
        # And forward at 02:00: an hour less.
        ("America/New_York", "2025-03-09T12:00", "2025-03-08", "2025-03-09T06:00", "2025-03-09T07:00"),
        # London leaves 01:00 out in spring, and has it twice in autumn.
        ("Europe/London", "2025-03-30T12:00", "2025-03-29", "2025-03-30T01:00", "2025-03-30T02:00"),
        ("Europe/London", "2025-10-26T12:00", "2025-10-25", "2025-10-26T00:00", "2025-10-26T03:00"),
    ],
)  # fmt: skip
def test_the_night_is_that_of_the_desks_wall_clock(zone: str, now: str, due: str, starts: str, deadline: str) -> None:
    night = last_night(datetime.fromisoformat(now).replace(tzinfo=UTC), zone)
    assert night.due == date.fromisoformat(due)
    assert [f"{each:%Y-%m-%dT%H:%M}" for each in (night.starts_at, night.deadline_at)] == [starts, deadline]


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/New_York", "2025-11-02"), ("America/New_York", "2025-03-09"), ("Europe/London", "2025-03-30"), ("Europe/London", "2025-10-26")],
)  # fmt: skip
def test_the_schedule_ticks_once_in_a_night_that_changes_the_clocks(zone: str, day: str, desk: Settings) -> None:
    schedule = build_daily_refresh(desk)
    before = (datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=12)).timestamp()
    ticks = cron_string_iterator(before, str(schedule.cron_schedule), zone)
    first, second = next(ticks), next(ticks)
    night = last_night(second, zone)
    assert str(first.date()) == day
    assert (first.timestamp() - night.starts_at.timestamp()) in (0, 3600), "in the first or the second hour of that name"
    assert first < night.deadline_at
    assert second.date() - first.date() == timedelta(days=1)


# --- who is told, and once


def test_missed_night_is_told_once_with_what_is_known(desk: Settings, instance: dg.DagsterInstance) -> None:
    publish(desk, {date(2025, 7, 1): ON_TIME})
    watch(desk, MORNING - timedelta(days=2))
    (alert,) = look(instance, desk, last_looked_at=MORNING - timedelta(hours=14))
    assert alert["title"] == (
        "opsla ERROR: refresh: 2025-07-03 was not refreshed by 2025-07-04 07:00Z: nothing was running at 05:00Z; opsla was last seen at "
        "2025-07-03T23:00:00+00:00"
    )
    assert alert["effect"] == "people read figures that end with 2025-07-01"
    assert alert["figures"] == {"newest_complete_date": "2025-07-01", "date_due": "2025-07-03", "days_behind": 2}
    assert alert["as_of"] == "2025-07-04T05:00:00+00:00"
    assert look(instance, desk, MORNING + timedelta(hours=8)) == [alert]
    # The next night is another one.
    assert len(look(instance, desk, MORNING + timedelta(days=1))) == 2


def test_night_that_was_kept_or_is_not_over_yet_is_no_news(desk: Settings, instance: dg.DagsterInstance) -> None:
    publish(desk, {date(2025, 7, 2): ON_TIME})
    watch(desk, MORNING - timedelta(days=3))
    assert look(instance, desk, datetime(2025, 7, 4, 6, 59, tzinfo=UTC)) == []
    publish(desk, {date(2025, 7, 3): ON_TIME})
    assert look(instance, desk) == []


def test_nights_before_anybody_watched_are_nobodys_failure(desk: Settings, instance: dg.DagsterInstance) -> None:
    publish(desk, {date(2024, 1, 1): ON_TIME})
    assert look(instance, desk) == []
    assert freshness_now(desk, instance, MORNING).sentence() == "The newest complete intake date is 2024-01-01; no refresh was due yet."
    assert len(look(instance, desk, MORNING + timedelta(days=1))) == 1


@pytest.mark.parametrize(("job", "told"), [("refresh", 0), ("configuration", 0), ("load_acme", 1), ("backfill", 1)])
def test_night_whose_failure_was_told_is_not_told_again(
    job: str, told: int, desk: Settings, instance: dg.DagsterInstance
) -> None:
    watch(desk, MORNING - timedelta(days=3))
    failed = Alert("id", "title", "ERROR", job, "2025-07-04T05:00:04+00:00", "the log is gone")
    Ledger(desk.home.root / "alerts").record("tick 1", [failed], [])
    assert len(look(instance, desk)) == told


def test_warning_of_the_night_does_not_hide_that_nothing_was_refreshed(desk: Settings, instance: dg.DagsterInstance) -> None:
    watch(desk, MORNING - timedelta(days=3))
    Ledger(desk.home.root / "alerts").record("r", [Alert("id", "t", "WARN", "refresh", "2025-07-04T05:01:00+00:00", "few cases")], [])
    assert len(look(instance, desk)) == 1


def test_schedule_that_is_turned_off_is_told_once_however_many_nights(desk: Settings, tmp_path: Path) -> None:
    publish(desk, {date(2025, 7, 1): ON_TIME})
    watch(desk, MORNING - timedelta(days=3))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        origin = _origin("daily_refresh")
        instance.add_instigator_state(
            InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("0 1 * * *"))
        )
        (alert,) = look(instance, desk)
        assert alert["title"].endswith("the schedule daily_refresh is turned off")
        for day in range(1, 4):
            assert look(instance, desk, MORNING + timedelta(days=day)) == [alert]


def test_refresh_that_still_runs_at_the_deadline_is_told_by_its_run(desk: Settings, instance: dg.DagsterInstance) -> None:
    watch(desk, MORNING - timedelta(days=3))
    job = dg.Definitions(assets=[dg.asset(name="one")(lambda: None)]).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, tags={"opsla/refresh_dates": "3"}, status=dg.DagsterRunStatus.STARTED)
    (alert,) = look(instance, desk)
    assert alert["statement"].endswith(f"its run {run.run_id[:8]} has not ended (started)")


def test_dates_after_the_last_load_of_an_account_are_not_complete(
    desk: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(desk, {date(2025, 7, day): ON_TIME for day in (1, 2, 3)})
    key = dg.AssetKey(["bronze", "acme", "tickets"])
    monkeypatch.setattr("opsla_dagster.automation.freshness.bronze_keys", lambda _settings: [key])
    assert newest_complete_date(desk, instance) is None, "never loaded"
    instance.report_runless_asset_event(dg.AssetMaterialization(key))
    assert newest_complete_date(desk, instance) == date(2025, 7, 3), "loaded today"
    monkeypatch.setattr(
        "opsla_dagster.automation.freshness.datetime", _LoadedOn.on(date(2025, 7, 3))
    )
    assert newest_complete_date(desk, instance) == date(2025, 7, 2), "what came on the third after its load is missing"


class _LoadedOn(datetime):
    """Reads every event's instant as noon of one day."""

    day = date(2025, 7, 3)

    @classmethod
    def on(cls, day: date) -> type[datetime]:
        cls.day = day
        return cls

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: Any = None) -> datetime:
        return datetime(cls.day.year, cls.day.month, cls.day.day, 12, tzinfo=tz)


def _origin(name: str) -> Any:
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="opsla_dagster.definitions"), "opsla")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)




def test_sensor_reports_it_to_the_ui_when_it_changes(desk: Settings, tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        watch(desk, datetime.now(UTC) - timedelta(days=3))
        (sensor,) = [each for each in alert_sensors(desk.alerts, desk.home.root, desk=desk) if each.name == "alerts_delivery"]
        cursor, reported = None, []
        for published in (None, None, datetime.now(UTC).date()):
            if published:
                publish(desk, {published - timedelta(days=1): datetime.now(UTC).replace(tzinfo=None)})
                publish(desk, {published: datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)})
            data = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
            cursor = data.cursor
            reported.append([event.passed for event in data.asset_events if isinstance(event, dg.AssetCheckEvaluation)])
        assert reported == [[False], [], [True]]
        (line,) = (desk.home.root / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
        assert "was not refreshed by" in json.loads(line)["statement"]
