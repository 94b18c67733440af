"""The sensor of drop folders, as the daemon ticks it, the alerts, and what `opsla` says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from cli import opsla_here
from dropping import A1, A2, A2_DONE, HEAD, NOW, Drops
from small_desk import FIRST, desk_settings, july, load_states, log_of, write_config

from opsla_dagster.assets.drop_folders import drop_folder_key
from opsla_dagster.assets.log_files import log_file_specs
from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.drops import build_drop_sensor
from opsla_dagster.automation.freshness import newest_complete_date, record_missed_night
from opsla_dagster.automation.ledger import Ledger
from opsla_dagster.automation.receiving import receive_and_tell, record_missed_drops
from opsla_dagster.build import build_definitions
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.drops.receipts import Receipts
from opsla_dagster.sources.drops.receiving import DropRefusedError, receive
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE

LOADED_AT = datetime(2025, 7, 4, 5)


class Clock(datetime):
    """The desk's present is the summer of its log."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime(2025, 7, 4, 12, tzinfo=UTC)


class Watched(Drops):
    """A drop folder and its sensor as the daemon ticks it: cursor and run keys are kept, the process is not."""

    def __init__(self, base: Settings, directory: Path, instance: dg.DagsterInstance, warehouse: Path) -> None:
        super().__init__(base, directory)
        self.instance, self.cursor, self._warehouse = instance, None, warehouse
        self.restart()

    cursor: str | None

    def restart(self) -> None:
        (self._sensor,) = build_drop_sensor(self.settings)

    def evaluate(self) -> dg.SensorResult | Any:
        return self._sensor.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))

    def tick(self) -> str | dg.RunRequest:
        found = self.evaluate()
        self.cursor = found.cursor
        return found.run_requests[0] if found.run_requests else str(found.skip_message)

    def load(self) -> None:
        """The first drop is loaded: the intake dates of 1 to 3 July."""
        _drop_first(self)
        shutil.copy(self._warehouse, self.settings.home.warehouse)
        assert str(self.tick()) == "esc/1.ready received, and nothing changes that is not refreshed already"

    def alerts(self) -> list[Alert]:
        return Ledger.latest(self.settings.home.root / "alerts", 10)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return desk_settings(tmp_path_factory.mktemp("desk"), cases=100, gates=False)


def _drop_first(drops: Drops) -> None:
    drops.file("a.csv", HEAD + A1)
    drops.marker("1.ready", at=NOW - 550)
    receive(drops.settings)


@pytest.fixture(scope="module")
def warehouse(base: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One in which the first drop is loaded."""
    drops = Drops(base, tmp_path_factory.mktemp("loaded"))
    _drop_first(drops)
    load_states(drops.settings, [july(1, 3)], LOADED_AT)
    return drops.settings.home.warehouse


@pytest.fixture
def watched(base: Settings, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr("opsla_dagster.automation.drops.datetime", Clock)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Watched(base, tmp_path, instance, warehouse)


def dates_of(request: str | dg.RunRequest) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest), request
    return request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]


# --- once a marker, and exactly the dates it touches


def test_a_marker_asks_once_for_exactly_the_dates_that_it_touches(watched: Watched) -> None:
    watched.load()
    watched.file("b.csv", HEAD + A2, NOW - 400)
    assert watched.tick() == "no marker is new"
    watched.marker("2.ready", at=NOW - 300)
    before = watched.cursor
    request = watched.tick()
    assert dates_of(request) == ("2025-07-02", "2025-07-02")
    assert isinstance(request, dg.RunRequest)
    assert (request.tags["opsla/drops"], request.tags["opsla/as_of"]) == ("esc/2.ready", "2025-07-04T12:00:00+00:00")
    assert watched.tick() == "no marker is new", "whether or not the run went well"
    watched.restart()
    assert watched.tick() == "no marker is new", "nor after the daemon, or the code server, was restarted"

    watched.cursor = before  # it died before it remembered
    again = watched.tick()
    assert isinstance(again, dg.RunRequest)
    assert again.run_key == request.run_key, "Dagster starts no second run of one key"

    receipt = Receipts(watched.settings.home.drops).latest("esc")
    assert receipt is not None
    assert (receipt.marker, receipt.dates, receipt.asked_at) == ("2.ready", (date(2025, 7, 2),), NOW)


def test_a_receipt_is_told_as_a_materialisation_of_the_folder(watched: Watched) -> None:
    watched.load()
    watched.file("b.csv", HEAD + A2, NOW - 400)
    watched.marker("2.ready", at=NOW - 300)
    (event,) = watched.evaluate().asset_events
    assert event.asset_key == drop_folder_key("esc")
    told = {name: value.value for name, value in event.metadata.items()}
    assert (told["receipt"], told["marker"], told["files"], told["refreshed_intake_dates"]) == (2, "2.ready", 2, "2025-07-02..2025-07-02")
    (spec,) = log_file_specs(watched.settings)
    assert [dependency.asset_key for dependency in spec.deps] == [drop_folder_key("esc")]
    assert not build_definitions(watched.settings).resolve_asset_graph().get(drop_folder_key("esc")).is_executable


def test_a_cursor_that_was_reset_asks_for_nothing_that_is_done(watched: Watched) -> None:
    watched.load()
    watched.cursor = None
    assert watched.tick() == "esc/1.ready received, and nothing changes that is not refreshed already"


def test_the_first_drop_of_an_empty_home_loads_all_that_has_gone_by(watched: Watched) -> None:
    watched.file("a.csv", HEAD + A2 + A1 + "A4,New,2025-07-04 11:00:00\n")
    watched.marker()
    assert dates_of(watched.tick()) == ("2025-07-01", "2025-07-03")


def test_two_markers_at_one_tick_are_one_run_and_none_starts_while_one_goes_on(watched: Watched) -> None:
    watched.load()
    job = dg.Definitions(assets=[dg.asset(name="one")(lambda: None)]).resolve_implicit_global_asset_job_def()
    run = watched.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    watched.file("b.csv", HEAD + A2, NOW - 400)
    watched.marker("2.ready", at=NOW - 300)
    assert str(watched.tick()).startswith(f"esc/2.ready received; waiting for run {run.run_id[:8]}")
    watched.file("c.csv", HEAD + "A3,New,2025-07-03 14:00:00\n", NOW - 200)
    watched.marker("3.ready", at=NOW - 100)
    assert str(watched.tick()).startswith("esc/2.ready, esc/3.ready received; waiting")
    watched.instance.report_run_canceled(run)
    assert dates_of(watched.tick()) == ("2025-07-02", "2025-07-03")
    assert watched.tick() == "no marker is new"


def test_a_run_that_failed_is_not_asked_for_again_and_the_next_refresh_makes_its_dates(watched: Watched) -> None:
    watched.load()
    watched.file("b.csv", HEAD + A2, NOW - 400)
    watched.marker("2.ready", at=NOW - 300)
    watched.tick()  # its run fails: nothing is made
    watched.file("c.csv", HEAD + A2_DONE, NOW - 200)
    watched.marker("3.ready", at=NOW - 100)
    assert dates_of(watched.tick()) == ("2025-07-02", "2025-07-02"), "what the failed run left undone is made with it"


def test_dates_outside_the_desk_are_rejected_rows_and_refresh_nothing(watched: Watched) -> None:
    watched.load()
    watched.file("old.csv", HEAD + "A9,New,2024-01-01 14:00:00\nA8,New,2030-01-01 14:00:00\n", NOW - 400)
    watched.marker("2.ready", at=NOW - 300)
    assert watched.tick() == "esc/2.ready received, and nothing changes that is not refreshed already"


def test_the_nightly_refresh_and_the_sensor_read_the_same(watched: Watched) -> None:
    from opsla_dagster.automation.schedule import build_daily_refresh

    watched.load()
    watched.file("b.csv", HEAD + A2, NOW - 400)
    watched.file("half.csv", HEAD + "A3,New,2025-07-0", NOW + 400)
    schedule = build_daily_refresh(watched.settings)

    def night() -> dg.RunRequest | Any:
        context = dg.build_schedule_context(watched.instance, scheduled_execution_time=datetime(2025, 7, 4, 6, tzinfo=UTC))
        return schedule.evaluate_tick(context)

    assert dates_of(night().run_requests[0]) == ("2025-07-03", "2025-07-03"), "yesterday alone: no marker has released b.csv"
    watched.marker("2.ready", at=NOW - 300)
    assert dates_of(night().run_requests[0]) == ("2025-07-02", "2025-07-03"), "without the sensor a refresh takes in what is released"


def test_new_files_of_a_drop_folder_are_watched_by_markers_alone(watched: Watched) -> None:
    settings = watched.with_options(extra=[{**log_of(watched.folder / "other.csv"), "name": "other", "refresh_on_new_files": True}])
    with pytest.raises(OpslaError, match=r"other: refresh_on_new_files: .*other.csv lies in a drop folder"):
        build_definitions(settings)


# --- what is refused alerts


def test_a_marker_that_is_refused_alerts_once_and_holds_up_no_other(watched: Watched) -> None:
    watched.load()
    watched.marker("2.ready", {"files": ["b.csv"]}, NOW - 300)
    for _ in range(2):
        with pytest.raises(DropRefusedError, match=r"drop folder esc: marker 2.ready: releases 1 file, of which b.csv is missing"):
            watched.tick()
    (alert,) = watched.alerts()
    assert alert.title.startswith("opsla ERROR: drop: drop folder esc: marker 2.ready: releases 1 file, of which b.csv is missing in")
    assert (alert.severity, alert.job) == ("ERROR", "drop")
    watched.marker("3.ready", {"files": ["c.csv"]}, NOW - 200)
    with pytest.raises(DropRefusedError):
        watched.tick()
    assert len(watched.alerts()) == 2, "two markers are two causes, though only a number tells them apart"
    watched.file("d.csv", HEAD + A2, NOW - 150)
    watched.marker("4.ready", ["d.csv"], NOW - 100)
    assert dates_of(watched.tick()) == ("2025-07-02", "2025-07-02")
    watched.marker("2.ready", {"files": ["b.csv"]}, NOW - 50)
    with pytest.raises(DropRefusedError):
        watched.tick()
    assert len(watched.alerts()) == 3, "written again, it is another one"


def test_ticks_that_fail_for_a_refused_marker_are_not_told_a_second_time() -> None:
    from dagster_shared.error import SerializableErrorInfo

    from opsla_dagster.automation.missed import _is_told

    class Tick:
        error = SerializableErrorInfo("wrapped", [], "SensorExecutionError", SerializableErrorInfo("x", [], "DropRefusedError"))

    assert _is_told(Tick())  # type: ignore[arg-type]
    Tick.error = SerializableErrorInfo("wrapped", [], "SensorExecutionError", SerializableErrorInfo("x", [], "OpslaError"))
    assert not _is_told(Tick())  # type: ignore[arg-type]


def test_a_file_that_cannot_be_used_makes_the_tick_fail_until_it_is_dropped_again(watched: Watched) -> None:
    watched.load()
    watched.file("b.csv", "number,at\nA2,2025-07-02 14:00:00\n", NOW - 400)
    watched.marker("2.ready", at=NOW - 300)
    for _ in range(2):
        with pytest.raises(OpslaError, match=r"drops/b.csv: column 'state' is missing"):
            watched.tick()
    watched.file("b.csv", HEAD + A2, NOW - 200)
    watched.marker("2.ready", at=NOW - 100)
    assert dates_of(watched.tick()) == ("2025-07-02", "2025-07-02")


def test_a_folder_that_is_away_is_told_after_a_quarter_of_an_hour(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.folder.rename(watched.folder.with_name("away"))
    now = datetime.now(UTC)
    for minutes, told in ((0, 0), (14, 0), (16, 1), (20, 1)):
        monkeypatch.setattr("opsla_dagster.sources.drops.receiving.time.time", lambda at=minutes: now.timestamp() + at * 60)

        class Later(datetime):
            @classmethod
            def now(cls, tz: object = None, at: int = minutes) -> datetime:  # type: ignore[override]
                return now + timedelta(minutes=at)

        monkeypatch.setattr("opsla_dagster.automation.receiving.datetime", Later)
        assert str(watched.tick()).startswith("trying again at the next look: drop folder esc:")
        assert len(watched.alerts()) == told, minutes
    assert "there is no such directory" in watched.alerts()[0].title


# --- a drop that did not come

#: 03:00 in New York.
DEADLINE = datetime(2025, 7, 4, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came_at", "is_missed"),
    [
        (None, True), (DEADLINE - timedelta(hours=1), False), (DEADLINE, False), (DEADLINE + timedelta(minutes=1), True),
        (DEADLINE - timedelta(hours=4), True), (DEADLINE - timedelta(hours=23), True),
    ],
)  # fmt: skip
def test_a_drop_that_did_not_come_by_its_hour_alerts_once(base: Settings, tmp_path: Path, came_at: datetime | None, is_missed: bool) -> None:
    drops = Drops(base, tmp_path, due_by="03:00")
    drops.look((DEADLINE - timedelta(hours=23, minutes=59)).timestamp())
    if came_at is not None:
        drops.file("a.csv", HEAD + A1, came_at.timestamp() - 5)
        drops.marker(at=came_at.timestamp())
        # A marker that was in time is, however late it is looked at.
    for minutes in (-1, 2, 3):
        record_missed_drops(drops.settings, DEADLINE + timedelta(minutes=minutes))
    alerts = Ledger.latest(drops.settings.home.root / "alerts", 10)
    assert len(alerts) == is_missed
    if is_missed:
        came = "none has ever come" if came_at is None else "the last one, one.ready, came at 20"
        assert alerts[0].title.startswith(f"opsla ERROR: drop: drop folder esc: no drop came by 03:00 on 2025-07-04; {came}")


def test_a_date_is_not_complete_while_its_drop_is_overdue(base: Settings, tmp_path: Path) -> None:
    drops = Drops(base, tmp_path, due_by="03:00")
    drops.file("a.csv", HEAD + A1, NOW - 90_000)
    drops.marker(at=NOW - 90_000)
    drops.look(NOW - 86_000)
    with duckdb.connect(str(drops.settings.home.marts_database)) as marts:
        marts.execute("create schema ops")
        marts.execute(f"create table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, 'this one' as opsla_version")
        marts.execute("create table ops.refreshed_partitions as select 'desk_log' as source, date '2025-07-03' as intake_date, timestamp '2025-07-04 05:00:00' as as_of_at")
        marts.execute("insert into ops.refreshed_partitions values ('desk_log', date '2025-07-02', timestamp '2025-07-04 05:00:00')")
    now = DEADLINE + timedelta(minutes=5)
    with dg.DagsterInstance.ephemeral() as instance:
        assert newest_complete_date(drops.settings, instance, DEADLINE - timedelta(minutes=1)) == date(2025, 7, 3)
        assert newest_complete_date(drops.settings, instance, now) == date(2025, 7, 2), "the night made the third of what was not there"
        Ledger(drops.settings.home.root / "alerts").watching_since(NOW - 200_000)
        record_missed_drops(drops.settings, now)
        record_missed_night(instance, drops.settings, [], "http://ui", now, now.timestamp() - 15)
        (alert,) = Ledger.latest(drops.settings.home.root / "alerts", 10)
        assert alert.job == "drop", "one message a cause"
        drops.marker("late.ready", at=now.timestamp())
        drops.look(now.timestamp() + 60)
        assert newest_complete_date(drops.settings, instance, now + timedelta(minutes=2)) == date(2025, 7, 3)


@pytest.mark.parametrize(
    ("options", "at", "day"),
    [
        ({}, DEADLINE, date(2025, 7, 4)),
        ({}, DEADLINE - timedelta(seconds=1), date(2025, 7, 3)),
        ({"due_on": ["mon", "tue"]}, DEADLINE, date(2025, 7, 1)),
        ({"due_from": "22:00"}, DEADLINE, date(2025, 7, 4)),
    ],
)
def test_deadlines_go_by_the_clock_and_the_weekdays_of_the_desk(base: Settings, tmp_path: Path, options: dict[str, Any], at: datetime, day: date) -> None:
    folder = Drops(base, tmp_path, due_by="03:00", **options).settings.sources.drop_folders["esc"]
    deadline = folder.latest_deadline(at, "America/New_York")
    assert deadline is not None
    assert deadline.day == day
    assert deadline.by - deadline.since == (timedelta(hours=5) if options.get("due_from") else timedelta(hours=3))


def test_nobody_waits_before_the_first_look_nor_for_a_marker_that_was_refused(base: Settings, tmp_path: Path) -> None:
    drops = Drops(base, tmp_path, due_by="03:00")
    record_missed_drops(drops.settings, DEADLINE + timedelta(minutes=1))
    assert not Ledger.latest(drops.settings.home.root / "alerts", 10)
    drops.look((DEADLINE - timedelta(days=1)).timestamp())
    drops.marker(holds=["never.csv"], at=DEADLINE.timestamp() - 600)
    drops.look(DEADLINE.timestamp() - 300)
    receive_and_tell(drops.settings)
    record_missed_drops(drops.settings, DEADLINE + timedelta(minutes=1))
    (alert,) = Ledger.latest(drops.settings.home.root / "alerts", 10)
    assert "marker one.ready" in alert.title, "one message a cause"


# --- the command line


class Desk:
    """A desk on disk, and `opsla` as cron calls it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.home = directory / "drops", directory / "home"
        self.folder.mkdir()
        self.home.mkdir(mode=0o700)
        sources = {
            "desk": {"timezone": "America/New_York", "start_date": FIRST}, "drop_folders": {"esc": {"path": str(self.folder)}},
            "sources": [log_of(self.folder / "*.csv")],
        }  # fmt: skip
        config = write_config(directory / "config", sources)
        (config / "quality_gates.yml").write_text(yaml.safe_dump({"gates": {}}), encoding="utf-8")
        monkeypatch.setenv("OPSLA_HOME", str(self.home))
        monkeypatch.setenv("OPSLA_CONFIG", str(config))
        self._monkeypatch = monkeypatch

    def opsla(self, *arguments: str) -> tuple[int, str]:
        said = opsla_here(*arguments, monkeypatch=self._monkeypatch)
        return said.code, said.out + said.err


def test_refresh_status_and_health_of_a_drop_folder(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch)
    shutil.copy(warehouse, desk.home / "ops_warehouse.duckdb")
    # As of an instant before that of the load there is nothing to refresh: what is said of the folder is all there is.
    refresh = ("refresh", "--as-of", "2025-07-04T04:30")
    (desk.folder / "a.csv").write_text(HEAD + A1, encoding="utf-8")
    code, said = desk.opsla(*refresh)
    assert (code, "no file of the drop folder esc that a marker has released matches" in said) == (1, True)
    (desk.folder / "1.ready").touch()
    code, said = desk.opsla(*refresh)
    assert (code, said.splitlines()[0], "Nothing to refresh" in said) == (0, "Received esc: 1.ready", True)

    (desk.folder / "2.ready").write_text("b.csv\n", encoding="utf-8")
    os.utime(desk.folder / "2.ready", (NOW, NOW))
    (desk.folder / "b.csv").write_text(HEAD + A2_DONE, encoding="utf-8")
    code, said = desk.opsla(*refresh)
    assert (code, "Nothing to refresh" in said) == (1, True)
    assert "drop folder esc: marker 2.ready: releases b.csv, which was written after it" in said
    alerts = [json.loads(line) for line in (desk.home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [alert["job"] for alert in alerts] == ["refresh", "drop"], "told once, by the marker and not by the command"

    code, said = desk.opsla("status")
    assert (code, "nothing is published here yet" in said) == (1, True), "what was dropped is said all the same"
    assert "Drop folder esc: receipt 1, 1.ready, received 20" in said
    assert "Drop folder esc: 2.ready is refused: releases b.csv" in said
    assert "Drop folder esc: 1 file no marker has released: b.csv" in said
    code, said = desk.opsla("health", "drops")
    assert (code, said.split()[:2]) == (1, ["FAIL", "drops"])

    (desk.folder / "2.ready").touch()
    code, said = desk.opsla(*refresh)
    assert (code, "Received esc: 2.ready" in said) == (0, True)
    code, said = desk.opsla("health", "drops")
    assert (code, said.split()[:2]) == (0, ["ok", "drops"])
