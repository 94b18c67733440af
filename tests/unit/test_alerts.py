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
from dagster._core.events import EngineEventData
from dagster_shared.error import SerializableErrorInfo

from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.alerts import alert_sensors
from opsla_dagster.automation.causes import PROCESS_GONE, cause_of
from opsla_dagster.automation.delivery import FileChannel, deliver_alerts, record_unnoticed, send_waiting
from opsla_dagster.automation.failures import Graph, alerts_of_run
from opsla_dagster.automation.ledger import LAST_RETRY_SECONDS, Ledger, Waiting
from opsla_dagster.automation.missed import alert_of_configuration
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.alerts import AlertSettings, read_alert_settings

UI = "http://127.0.0.1:3000"
WARN_CHECK = dg.AssetCheckKey(dg.AssetKey(["staging", "spans"]), "drift")
GATE = dg.AssetCheckKey(dg.AssetKey(["staging", "spans"]), "gate")
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
    yield dg.AssetCheckResult(check_name="drift", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"last_week": 28})
    found = "8.1 % of 7 rows have no case, at most 3 % are expected"
    yield dg.AssetCheckResult(check_name="gate", passed=False, metadata=figures, description=found)
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

    (alert,) = alerts_of_run(instance, run_id, lambda: Graph({GATE: DESCRIPTION}), UI) or []

    # One cause: the error tells it, what else failed on the table is named below.
    assert (alert.severity, alert.check, alert.asset, alert.job) == ("ERROR", "gate", "staging/spans", "run")
    assert alert.title == "opsla ERROR: staging.spans: 8.1 % of 7 rows have no case, at most 3 % are expected"
    assert alert.partitions == "2025-07-01..2025-07-09"
    assert alert.as_of == "2025-08-01T05:00:00+00:00"
    assert alert.figures["rows"] == 7
    assert alert.figures["bad"] == "nan"
    assert alert.figures["ids"] == ["a", "b"]
    assert len(alert.figures["note"]) == 300
    assert alert.check_url == f"{UI}/assets/staging/spans?view=checks&checkDetail=gate"
    body = alert.body().splitlines()
    assert body[0] == "Cause: staging.spans: 8.1 % of 7 rows have no case, at most 3 % are expected"
    assert "Intake dates: 2025-07-01..2025-07-09" in body
    assert "  rows: 7" in body
    assert "  rate: 0.25" in body
    assert "  staging.spans, drift: drift failed (last_week 28)" in body
    assert f"Where to look first: {DESCRIPTION}" in body
    assert f"Run: {UI}/runs/{run_id}" in body
    assert f"Alert id: {alert.alert_id}" in body


def test_as_of_of_a_run_without_the_tag_is_when_it_was_made(instance: dg.DagsterInstance) -> None:
    (alert,) = alerts_of_run(instance, run_of(instance, broken), Graph, UI) or []
    assert abs(datetime.fromisoformat(alert.as_of or "").timestamp() - datetime.now(UTC).timestamp()) < 60


def checked(name: str, severity: dg.AssetCheckSeverity, *deps: str, fails: bool = False) -> dg.AssetsDefinition:
    """An asset whose one check fails; `fails`: and so does the asset."""

    @dg.asset(name=name, deps=deps, check_specs=[dg.AssetCheckSpec("check", asset=name)])
    def _asset() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        yield dg.AssetCheckResult(check_name="check", passed=False, severity=severity, description=f"{name} is bad")
        if fails:
            raise dg.Failure(f"{name}: check failed (and so on)")
        yield dg.MaterializeResult()

    return _asset


def alerts_of(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> list[Alert]:
    run_id = dg.materialize(list(assets), instance=instance, raise_on_error=False).run_id
    repository = dg.Definitions(assets=assets).get_repository_def()
    return alerts_of_run(instance, run_id, lambda: Graph.of(repository), UI) or []


def test_what_fails_downstream_of_a_failed_check_is_told_with_it(instance: dg.DagsterInstance) -> None:
    warn = dg.AssetCheckSeverity.WARN

    @dg.asset(deps=["raw_log"])
    def between() -> None:
        pass

    alerts = alerts_of(
        instance, checked("raw_log", warn), between, checked("mart", warn, "between"), checked("calendar", warn), checked("report", warn, "mart")
    )  # fmt: skip

    assert {alert.title: alert.also for alert in alerts} == {
        "opsla WARN: calendar: calendar is bad": (),
        "opsla WARN: raw_log: raw_log is bad": ("mart, check: mart is bad", "report, check: report is bad"),
    }
    assert {alert.effect for alert in alerts} == {"the run went on; its tables are made"}


def test_a_blocking_check_and_the_run_it_stops_are_one_alert(instance: dg.DagsterInstance) -> None:
    (alert,) = alerts_of(instance, checked("raw_log", dg.AssetCheckSeverity.ERROR, fails=True))
    assert (alert.title, alert.severity) == ("opsla ERROR: raw_log: raw_log is bad", "ERROR")
    assert alert.effect == "the run failed; the tables it did not finish, and the published marts, are as they were before"


def test_other_failures_of_a_run_are_one_alert_beside_it(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def torn() -> None:
        raise OSError(28, "No space left on device", "spill")

    stopped, failed = alerts_of(instance, checked("raw_log", dg.AssetCheckSeverity.ERROR, fails=True), torn, broken)
    assert stopped.check == "check"
    assert (failed.check, failed.figures) == (None, {"tables_that_failed": 2})
    told = [failed.statement, *failed.also]
    assert sorted(str(each) for each in told) == [
        "broken: sources.yml: desk.timezone: unknown zone 'Mars'",
        "torn: [Errno 28] No space left on device: 'spill'",
    ]


def test_failed_run_is_an_alert_in_the_words_of_its_error(instance: dg.DagsterInstance) -> None:
    (failed,) = alerts_of_run(instance, run_of(instance, broken), Graph, UI) or []

    assert failed.title == "opsla ERROR: run: broken: sources.yml: desk.timezone: unknown zone 'Mars'"
    assert failed.severity == "ERROR"
    assert failed.statement == "broken: sources.yml: desk.timezone: unknown zone 'Mars'"
    assert failed.check_url is None


@pytest.mark.parametrize(
    ("message", "cls", "cause", "told"),
    [
        ("opsla_dagster.errors.OpslaError: log.csv: no such file\n", "OpslaError", None, "log.csv: no such file"),
        ("dagster._core.definitions.events.Failure: raw.cases: x", "Failure", None, "raw.cases: x"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a'", "FileNotFoundError", None, "[Errno 2] No such file or directory: 'a'"),
        ("_duckdb.IOException: IO Error: Could not set lock", "IOException", None, "IO Error: Could not set lock"),
        ("KeyError: 'Mars'\n", "KeyError", None, "unexpected KeyError: 'Mars'"),
        ("KeyboardInterrupt\n", "KeyboardInterrupt", None, "unexpected KeyboardInterrupt"),
        ("dagster._core.errors.ScheduleExecutionError: Error occurred in", "ScheduleExecutionError", "OpslaError", "the cause"),
        ("opsla_dagster.errors.OpslaError: read", "OpslaError", "KeyError", "read"),
    ],
)  # fmt: skip
def test_a_cause_is_told_without_what_is_wrapped_around_it(message: str, cls: str, cause: str | None, told: str) -> None:
    inner = None if cause is None else SerializableErrorInfo("x.OpslaError: the cause\n", [], cause)
    assert cause_of(SerializableErrorInfo(message, [], cls, cause=inner)) == told


def test_run_that_could_not_begin_tells_the_error_that_kept_it(instance: dg.DagsterInstance) -> None:
    """As Dagster ends a run whose process cannot read the configuration: an engine event, then a bare failure."""
    runs = [instance.create_run_for_job(dg.Definitions(assets=[spans]).resolve_implicit_global_asset_job_def()) for _ in range(2)]
    for run in runs:
        error = SerializableErrorInfo("opsla_dagster.errors.OpslaError: calendars.yml: line 3: not valid YAML\n", [], "OpslaError")
        instance.report_engine_event("Could not load job definition.", run, EngineEventData(error=error))
        instance.report_run_failed(run)

    first, second = [alerts_of_run(instance, run.run_id, Graph, UI) or [] for run in runs]

    assert first[0].statement == "calendars.yml: line 3: not valid YAML"
    # One cause, whatever it keeps from beginning, and the one that Dagster's own loading of the configuration tells.
    at = datetime.fromisoformat(first[0].occurred_at)
    assert first[0].alert_id == second[0].alert_id == alert_of_configuration(first[0].statement, UI, at).alert_id


def test_loads_of_an_account_that_fail_hour_after_hour_are_one_alert_a_cause(instance: dg.DagsterInstance) -> None:
    answers = iter(["HTTP 503 after 5 attempts", "HTTP 504 after 7 attempts", "HTTP 401: the token is not accepted"])

    @dg.multi_asset(name="bronze_acme", specs=[dg.AssetSpec(["bronze", "acme", "tickets"])])
    def load() -> None:
        raise dg.Failure(next(answers), allow_retries=False)

    alerts = []
    for _ in range(3):
        job = dg.Definitions(assets=[load]).resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey(["bronze", "acme", "tickets"])])
        alerts += alerts_of_run(instance, run.run_id, Graph, UI) or []

    assert [alert.title for alert in alerts][::2] == [
        "opsla ERROR: load_acme: account acme: HTTP 503 after 5 attempts",
        "opsla ERROR: load_acme: account acme: HTTP 401: the token is not accepted",
    ]
    assert alerts[0].effect == "nothing new was loaded from the account; what was loaded before is still there"
    assert len({alert.alert_id for alert in alerts}) == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Detected run worker status NOT_FOUND: 'gone'. Marking run 1 as failed.", PROCESS_GONE),
        ("Interrupted: the opsla process that carried out this run (x) ended", "Interrupted: the opsla process that carried out this run (x) ended"),
    ],
)  # fmt: skip
def test_run_whose_process_is_gone(instance: dg.DagsterInstance, said: str, told: str) -> None:
    run = instance.create_run_for_job(dg.Definitions(assets=[spans]).resolve_implicit_global_asset_job_def())
    instance.report_run_failed(run, said)
    (alert,) = alerts_of_run(instance, run.run_id, Graph, UI) or []
    assert alert.statement == told


def test_run_that_is_retried_is_the_retrys_to_tell(instance: dg.DagsterInstance) -> None:
    run_id = run_of(instance, broken, {"dagster/will_retry": "true"})
    assert alerts_of_run(instance, run_id, Graph, UI) is None, "the retry may yet be made"
    instance.add_run_tags(run_id, {"dagster/auto_retry_run_id": "another"})
    assert alerts_of_run(instance, run_id, Graph, UI) == []


def test_retry_that_is_never_made_is_no_silence(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = run_of(instance, broken, {"dagster/will_retry": "true"})
    monkeypatch.setattr("opsla_dagster.automation.failures._RETRY_PATIENCE_SECONDS", 0)
    assert len(alerts_of_run(instance, run_id, Graph, UI) or []) == 1


def test_cancelled_run_is_an_alert(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(dg.Definitions(assets=[spans]).resolve_implicit_global_asset_job_def())
    instance.report_run_canceling(run)
    assert alerts_of_run(instance, run.run_id, Graph, UI) is None
    instance.report_run_canceled(run)

    (cancelled,) = alerts_of_run(instance, run.run_id, Graph, UI) or []
    assert cancelled.title == "opsla ERROR: run: the run was cancelled"


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

    (worse,) = alerts_of_run(instance, run_of(instance, shaky), Graph, UI) or []
    assert (worse.check, worse.figures) == ("worse", {"attempt": 2})


def test_unknown_run_has_no_alerts(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert alerts_of_run(instance, "nobody", Graph, UI) is None
    assert deliver_alerts(instance, ["nobody"], tmp_path, AlertSettings()).sent == 0


def test_alert_ids_are_stable_and_distinct(instance: dg.DagsterInstance) -> None:
    run_id = run_of(instance, spans, {"dagster/partition": "2025-07-01"})
    ids = [[a.alert_id for a in alerts_of_run(instance, run_id, Graph, UI) or []] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 1
    assert ids[0] != [a.alert_id for a in alerts_of_run(instance, run_of(instance, spans, {"dagster/partition": "2025-07-01"}), Graph, UI) or []]


def test_check_descriptions_come_from_the_code_location() -> None:
    repository = dg.Definitions(assets=[spans]).get_repository_def()
    assert Graph.of(repository).descriptions == {WARN_CHECK: DESCRIPTION}


# --- without configuration: the file


def test_without_configuration_each_failure_is_one_line_however_often_it_is_noticed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = run_of(instance, spans, {"dagster/partition": "2025-07-01"})

    outcomes = [deliver_alerts(instance, [run_id], tmp_path, AlertSettings()) for _ in range(3)]
    record_unnoticed(instance, tmp_path, AlertSettings(), Graph)

    assert [outcome.sent for outcome in outcomes] == [1, 0, 0]
    assert send_waiting(tmp_path, AlertSettings(), 5).sent == 0
    records = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert [(record["check"], record["run_id"]) for record in records] == [("gate", run_id)]


def test_runs_that_no_sensor_saw_are_found_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_of(instance, broken)
    record_unnoticed(instance, tmp_path, AlertSettings(), Graph)
    record_unnoticed(instance, tmp_path, AlertSettings(), Graph)
    assert send_waiting(tmp_path, AlertSettings(), 5).sent == 1


def test_history_older_than_the_overlap_is_no_news(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_of(instance, broken)
    Ledger(tmp_path / "alerts").sweep_done((datetime.now(UTC) + timedelta(hours=2)).timestamp())
    record_unnoticed(instance, tmp_path, AlertSettings(), Graph)
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
