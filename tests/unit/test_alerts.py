"""What is an alert, what the ledger remembers, and the file that takes alerts when nothing is configured."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from opsla_dagster.automation.alerts import alert_sensors
from opsla_dagster.automation.delivery import FileChannel, deliver_alerts, record_unnoticed_runs, send_waiting
from opsla_dagster.automation.failures import Alert, alerts_of_run, check_descriptions
from opsla_dagster.automation.ledger import LAST_RETRY_SECONDS, Ledger, Waiting
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.alerts import AlertSettings, read_alert_settings

UI = "http://127.0.0.1:3000"
WARN_CHECK = dg.AssetCheckKey(dg.AssetKey(["staging", "spans"]), "drift")
DESCRIPTION = "The volume left its band. Look at raw.source_partitions first."
DAYS = dg.DailyPartitionsDefinition("2025-07-01")


@dg.asset(
    key=["staging", "spans"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec("drift", asset=["staging", "spans"], description=DESCRIPTION),
        dg.AssetCheckSpec("gate", asset=["staging", "spans"]),
        dg.AssetCheckSpec("fine", asset=["staging", "spans"]),
    ],
)
def spans() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    yield dg.MaterializeResult()
    figures: dict[str, Any] = {
        "rows": 7,
        "rate": 0.25,
        "bad": float("nan"),
        "note": "x" * 900,
        "ids": dg.MetadataValue.json(["a", "b"]),
    }
    yield dg.AssetCheckResult(
        check_name="drift", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata=figures, description="7 of 28"
    )
    yield dg.AssetCheckResult(check_name="gate", passed=False)
    yield dg.AssetCheckResult(check_name="fine", passed=True)


@dg.asset
def broken() -> None:
    try:
        raise KeyError("Mars")
    except KeyError as error:
        raise OpslaError("sources.yml: desk.timezone: unknown zone 'Mars'") from error


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run_of(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, tags: dict[str, str] | None = None) -> str:
    return dg.materialize([asset], instance=instance, raise_on_error=False, tags=tags).run_id


def alert(number: int = 1, severity: str = "ERROR") -> Alert:
    return Alert(
        alert_id=f"id{number}", title=f"title {number}", severity=severity, run_id="r1", job="j", asset="a/b",
        check="c", partitions=None, as_of=None, occurred_at="2025-07-01T00:00:00+00:00", statement="said so",
        figures={"rows": 1},
        look_first=None, check_url=None, run_url=f"{UI}/runs/r1",
    )  # fmt: skip


# --- what is an alert


def test_failed_checks_of_a_successful_range_run_are_alerts_with_figures_partitions_and_places(
    instance: dg.DagsterInstance,
) -> None:
    tags = {
        "dagster/asset_partition_range_start": "2025-07-01",
        "dagster/asset_partition_range_end": "2025-07-09",
        "opsla/as_of": "2025-08-01T05:00:00+00:00",
    }
    run_id = run_of(instance, spans, tags)

    drift, gate = alerts_of_run(instance, run_id, lambda: {WARN_CHECK: DESCRIPTION}, UI) or []

    assert (drift.severity, gate.severity) == ("WARN", "ERROR")
    assert drift.title == "opsla: WARN check drift failed on staging/spans"
    assert drift.partitions == "2025-07-01..2025-07-09"
    assert drift.as_of == "2025-08-01T05:00:00+00:00"
    assert drift.figures["rows"] == 7
    assert drift.figures["bad"] == "nan"
    assert drift.figures["ids"] == ["a", "b"]
    assert len(drift.figures["note"]) == 300
    assert drift.check_url == f"{UI}/assets/staging/spans?view=checks&checkDetail=drift"
    body = drift.body().splitlines()
    assert "What happened: 7 of 28" in body
    assert "  rows: 7" in body
    assert f"What it means, where to look first: {DESCRIPTION}" in body
    assert f"Run: {UI}/runs/{run_id}" in body
    assert f"Alert id: {drift.alert_id}" in body


def test_failed_run_is_an_alert_in_the_words_of_its_error(instance: dg.DagsterInstance) -> None:
    (failed,) = alerts_of_run(instance, run_of(instance, broken), dict, UI) or []

    assert "failed" in failed.title
    assert failed.severity == "ERROR"
    assert (failed.statement or "").startswith("broken: opsla_dagster.errors.OpslaError: sources.yml: desk.timezone")
    assert failed.figures == {"failed_steps": ["broken"]}
    assert failed.check_url is None


def test_cancelled_run_is_an_alert(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(dg.Definitions(assets=[spans]).resolve_implicit_global_asset_job_def())
    instance.report_run_canceling(run)
    assert alerts_of_run(instance, run.run_id, dict, UI) is None
    instance.report_run_canceled(run)

    (cancelled,) = alerts_of_run(instance, run.run_id, dict, UI) or []
    assert "was cancelled" in cancelled.title


def test_only_the_last_evaluation_of_a_retried_step_counts(instance: dg.DagsterInstance) -> None:
    attempts: list[int] = []

    @dg.asset(
        check_specs=[dg.AssetCheckSpec("mended", asset="shaky"), dg.AssetCheckSpec("worse", asset="shaky")],
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def shaky() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        attempts.append(1)
        yield dg.AssetCheckResult(check_name="mended", passed=len(attempts) == 2)
        yield dg.AssetCheckResult(check_name="worse", passed=False, metadata={"attempt": len(attempts)})
        if len(attempts) == 1:
            raise RuntimeError("once")
        yield dg.MaterializeResult()

    (worse,) = alerts_of_run(instance, run_of(instance, shaky), dict, UI) or []
    assert (worse.check, worse.figures) == ("worse", {"attempt": 2})


def test_unknown_run_has_no_alerts(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert alerts_of_run(instance, "nobody", dict, UI) is None
    assert deliver_alerts(instance, ["nobody"], tmp_path, AlertSettings()).sent == 0


def test_alert_ids_are_stable_and_distinct(instance: dg.DagsterInstance) -> None:
    run_id = run_of(instance, spans, {"dagster/partition": "2025-07-01"})
    ids = [[a.alert_id for a in alerts_of_run(instance, run_id, dict, UI) or []] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_check_descriptions_come_from_the_code_location() -> None:
    repository = dg.Definitions(assets=[spans]).get_repository_def()
    assert check_descriptions(repository) == {WARN_CHECK: DESCRIPTION}


# --- without configuration: the file


def test_without_configuration_each_failure_is_one_line_however_often_it_is_noticed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = run_of(instance, spans, {"dagster/partition": "2025-07-01"})

    outcomes = [deliver_alerts(instance, [run_id], tmp_path, AlertSettings()) for _ in range(3)]
    record_unnoticed_runs(instance, tmp_path, AlertSettings(), dict)

    assert [outcome.sent for outcome in outcomes] == [2, 0, 0]
    assert send_waiting(tmp_path, AlertSettings(), 5).sent == 0
    records = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert [(record["check"], record["run_id"]) for record in records] == [("drift", run_id), ("gate", run_id)]


def test_runs_that_no_sensor_saw_are_found_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_of(instance, broken)
    record_unnoticed_runs(instance, tmp_path, AlertSettings(), dict)
    record_unnoticed_runs(instance, tmp_path, AlertSettings(), dict)
    assert send_waiting(tmp_path, AlertSettings(), 5).sent == 1


def test_history_older_than_the_overlap_is_no_news(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_of(instance, broken)
    Ledger(tmp_path / "alerts").sweep_done((datetime.now(UTC) + timedelta(hours=2)).timestamp())
    record_unnoticed_runs(instance, tmp_path, AlertSettings(), dict)
    assert send_waiting(tmp_path, AlertSettings(), 5).sent == 0


@pytest.mark.parametrize(
    ("before", "is_kept"),
    [
        (b"", False),
        (b'{"alert_id": "old"}\n', True),
        (b'{"alert_id": "old"}', True),
        (b'{"alert_id": "old"}\n{"alert_id": "id1", "ti', True),
        (b'{"torn": "' + b"x" * 10_000, False),
    ],
    ids=["new", "whole", "without its newline", "torn", "torn and long"],
)
def test_file_stays_readable_whatever_its_last_line(tmp_path: Path, before: bytes, is_kept: bool) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(before)
    FileChannel(path).send(Waiting(alert(), 0, is_interrupted=False))
    ids = [json.loads(line)["alert_id"] for line in path.read_bytes().splitlines()]
    assert ids == (["old", "id1"] if is_kept else ["id1"])


def test_interrupted_line_that_was_written_is_not_written_again(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path / "alerts.jsonl")
    channel.send(Waiting(alert(), 0, is_interrupted=False))
    channel.send(Waiting(alert(), 1, is_interrupted=True))
    channel.send(Waiting(alert(2), 1, is_interrupted=True))
    assert len(channel.path.read_text().splitlines()) == 2


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path / "alerts.jsonl")
    odd = Alert.from_record({**alert().to_record(), "statement": "half \udc80 ü"})
    channel.send(Waiting(odd, 0, is_interrupted=False))
    assert json.loads(channel.path.read_bytes())["statement"] == "half \udc80 ü"


def test_file_that_cannot_be_written_is_said_and_tried_again(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = run_of(instance, broken)
    (tmp_path / "alerts.jsonl").mkdir()

    outcome = deliver_alerts(instance, [run_id], tmp_path, AlertSettings())

    assert outcome.sent == 0
    assert "alerts.jsonl cannot be written" in outcome.problems[0]
    assert "1 waiting for channel alerts.jsonl" in outcome.waiting[0]


# --- the ledger


def test_ledger_tries_again_later_and_later_and_fresh_alerts_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record("r1", [alert(1)], ["chat"])
    pauses, now = [], 1_000.0
    for attempt in range(1, 10):
        ledger.sending("id1", "chat")
        ledger.refused("id1", "chat", "HTTP 500", attempt, now)
        pause = next(p for p in (10, 20, 40, 80, 160, 320, 640, 900, 1e9) if ledger.due("chat", now + p))
        pauses.append(pause)
        now += pause
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900, LAST_RETRY_SECONDS]
    ledger.record("r2", [alert(2)], ["chat"])
    assert [waiting.alert.alert_id for waiting in ledger.due("chat", now)] == ["id2", "id1"]


def test_alert_of_a_sender_that_died_is_due_at_once_and_marked(tmp_path: Path) -> None:
    Ledger(tmp_path).record("r1", [alert()], ["chat"])
    Ledger(tmp_path).sending("id1", "chat")
    (waiting,) = Ledger(tmp_path).due("chat", 0)
    assert (waiting.attempts, waiting.is_interrupted) == (1, True)


def test_recording_again_does_not_bring_back_what_was_sent(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for _ in range(2):
        ledger.record("r1", [alert()], ["chat"])
        ledger.sent("id1", "chat")
    assert ledger.due("chat", 1e12) == []
    assert ledger.unnoticed(["r0", "r1", "r2"]) == ["r0", "r2"]


def test_ledger_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("a file in the way")
    with pytest.raises(OpslaError, match="the memory of alerts cannot be used"):
        Ledger(tmp_path / "alerts")
    (tmp_path / "ledger.sqlite").write_bytes(os.urandom(4096))
    with pytest.raises(OpslaError, match=r"ledger\.sqlite"):
        Ledger(tmp_path)


# --- settings and definitions


def test_shipped_document_is_the_default() -> None:
    shipped = Path(__file__).parents[2] / "config" / "alerts.yml"
    assert read_alert_settings(shipped) == AlertSettings() == read_alert_settings(Path("nowhere.yml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [{name: chat, url_variable: 'slack://SECRET/x/y'}]", "channels.0.url_variable: expected the NAME"),
        ("channels: [{name: chat, url: 'slack://SECRET/x/y'}]", "channels.0.url"),
        ("channels: 'slack://SECRET/x/y'", "channels: expected a list"),
        ("channels: ['slack://SECRET/x/y']", "channels.0: expected a mapping (name: value)"),
        ("channels: 'slack://SECRET/x/y' odd", "line 1, column 32: not valid YAML"),
        ("channels: [{name: 'slack://SECRET', url_variable: A}]", "channels.0.name"),
        ("ui_url: 'slack://SECRET'", "ui_url: expected the address"),
        ("channels: [{name: a, url_variable: A}, {name: a, url_variable: SECRET}]", "two channels share a name"),
    ],
)
def test_bad_document_is_named_by_path_and_never_repeated(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(text)
    with pytest.raises(OpslaError) as caught:
        read_alert_settings(path)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in str(caught.value.__cause__)


def test_sensors_are_on_from_the_start_and_touch_nothing_until_they_tick(tmp_path: Path) -> None:
    sensors = alert_sensors(AlertSettings(), tmp_path / "home")
    dg.Definitions.validate_loadable(dg.Definitions(sensors=sensors))
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert len({sensor.name for sensor in sensors}) == 4
    assert not (tmp_path / "home").exists()
