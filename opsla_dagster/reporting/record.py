"""From Dagster's record of runs to a run summary, and from that to everything a person reads of it.

Belongs here: reading runs off the instance and writing the reports. Does not belong here: how any report looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun
from rich.console import Console

from opsla_dagster.assets.factory import ROWS_WRITTEN
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.scope import AS_OF_TAG, REFRESH_DATES_TAG, dates_of_run
from opsla_dagster.errors import OpslaError
from opsla_dagster.printable import fenced
from opsla_dagster.reporting.closing import headline_table
from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.impact_log import append_impact_log
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.report import write_report
from opsla_dagster.reporting.run_summary import CheckResult, Headline, RunSummary, TableRun, write_run_summary
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.loading import enabled_accounts, resources_of
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.warehouse.sql import check_path, header_comment
from opsla_dagster.window import ONE_DAY, Dates, Window, dates_of, parse_instant

REPORT = "report.html"
_HEADLINE_WIDTH = 120


@dataclass(frozen=True)
class Written:
    """The files written of a refresh, and its summary."""

    summary: RunSummary
    report: Path | None
    impact_log: Path
    run_summary: Path


def write_reports(
    instance: DagsterInstance, run_ids: Sequence[str], settings: Settings, *, command: str
) -> Written:
    """Writes run summary, impact log and, when the marts were published, the HTML report of the runs of one refresh."""
    home = settings.home
    summary = summarise(instance, run_ids, settings, command=command)
    run_summary = write_run_summary(summary, home.reports / "run_summaries")
    impact_log = home.reports / "impact_log.md"
    append_impact_log(summary, impact_log)
    report = None
    if summary.succeeded and home.marts_database.exists():
        report = write_report(home.marts_database, summary, home.reports / REPORT, settings)
    written = Written(summary, report, impact_log, run_summary)
    if report is not None:
        _tell_dagster(instance, written)
    return written


def write_killed(instance: DagsterInstance, run_ids: Sequence[str], settings: Settings) -> None:
    """Writes the run summaries of runs that were killed, which could not do so; those of loads of accounts have none anyway."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is None or AS_OF_TAG not in run.tags:
            continue
        command = f"opsla {'refresh' if REFRESH_DATES_TAG in run.tags else 'run'}, killed"
        summary = summarise(instance, [run_id], settings, command=command)
        # It was found dead, and called failed, only now: its last word of its own is from before.
        words = (record.event_log_entry for record in instance.get_records_for_run(run_id).records)
        last = max((word.timestamp for word in words if word.dagster_event_type is not DagsterEventType.RUN_FAILURE), default=None)
        seconds = 0.0 if last is None else last - summary.started_at.replace(tzinfo=UTC).timestamp()
        write_run_summary(summary.model_copy(update={"seconds": round(max(seconds, 0.0), 3)}), settings.home.reports / "run_summaries")


def _tell_dagster(instance: DagsterInstance, written: Written) -> None:
    """Shows the headline of a refresh, and where its reports are, on the page of the published marts."""
    text = StringIO()
    Console(file=text, width=_HEADLINE_WIDTH, color_system=None).print(headline_table(written.summary, "opsla"))
    paths = {"report": written.report, "impact_log": written.impact_log, "run_summary": written.run_summary}
    instance.report_runless_asset_event(
        dg.AssetObservation(
            PUBLISHED_MARTS,
            description="The headline of the run that published, and its reports.",
            metadata={
                "run": dg.MetadataValue.dagster_run(written.summary.run_id),
                **{name: dg.MetadataValue.path(str(path)) for name, path in paths.items() if path is not None},
                "headline": dg.MetadataValue.md(fenced(text.getvalue().strip("\n"))),
            },
        )
    )


def summarise(instance: DagsterInstance, run_ids: Sequence[str], settings: Settings, *, command: str) -> RunSummary:
    """What the runs of one refresh did and measured; its id is that of the last one."""
    records = [record for run_id in run_ids if (record := instance.get_run_record_by_id(run_id)) is not None]
    if not records:
        raise OpslaError("Dagster's storage does not know these runs")
    runs = [record.dagster_run for record in records]
    started = min(record.create_timestamp for record in records)
    ended = max(record.end_time or record.create_timestamp.timestamp() for record in records)
    succeeded = all(run.is_success for run in runs)
    made = dates_of(window for run, record in zip(runs, records, strict=True) for window in _dates(run, record.create_timestamp.date()).windows)
    return RunSummary(
        run_id=runs[-1].run_id,
        command=command,
        succeeded=succeeded,
        window_start=made.start,
        window_end=made.end,
        dates=str(made) if len(made.windows) > 1 else "",
        as_of_at=_as_of_at(runs[-1], started),
        started_at=started.astimezone(UTC).replace(tzinfo=None),
        seconds=round(ended - started.timestamp(), 3),
        sources=tuple(source.name for source in settings.sources.sources if source.enabled),
        tables=tuple(_tables(instance, runs)),
        checks=tuple(check for run in runs for check in _checks(instance, run)),
        artifacts=_artifacts(settings.home),
        headline=_headline(settings) if succeeded else None,
        reading_notes=_reading_notes(settings, _as_of_at(runs[-1], started)),
        left_out=left_out(instance, settings),
    )


def left_out(instance: DagsterInstance, settings: Settings) -> tuple[str, ...]:
    """What the latest load of each enabled account could not have, a sentence a resource: `acme: sla_policies: the account ... (403)`."""
    found = []
    for account in enabled_accounts(settings.sources):
        for resource in resources_of(account):
            event = instance.get_latest_materialization_event(dg.AssetKey(["bronze", account.name, resource]))
            materialization = event.asset_materialization if event is not None else None
            why = materialization.metadata.get("left_out") if materialization is not None else None
            if why is not None:
                found.append(f"{account.name}: {resource}: {why.value}")
    return tuple(found)


def _reading_notes(settings: Settings, as_of_at: datetime) -> tuple[str, ...]:
    """What became of the records that the run read; nothing where they cannot be read any more, for the run said why."""
    try:
        return tuple(build_desk(settings).reading_notes(as_of_at))
    except OpslaError:
        return ()


def _artifacts(home: Home) -> tuple[str, ...]:
    """Where to look: nothing of a home that has published nothing yet but the warehouse itself."""
    if not home.marts_database.exists():
        return (str(home.warehouse),)
    return (str(home.reports / REPORT), str(home.marts_database), f"{home.marts}/*.parquet", str(home.warehouse))


def _headline(settings: Settings) -> Headline | None:
    """Measured in the warehouse, which knows targets and the mess of the events; in the published marts while it is busy."""
    home = settings.home
    if not home.marts_database.exists():
        return None
    try:
        with reading(home.warehouse) as connection:
            return headline(connection, settings)
    except OpslaError:
        with published(home.marts_database) as connection:
            return headline(connection, settings)


def _dates(run: DagsterRun, default: date) -> Dates:
    return dates_of_run(run.tags) or Window(default, default + ONE_DAY)


def _as_of_at(run: DagsterRun, default: datetime) -> datetime:
    stamp = run.tags.get(AS_OF_TAG)
    return parse_instant(stamp) if stamp else default.astimezone(UTC).replace(tzinfo=None)


def _tables(instance: DagsterInstance, runs: Sequence[DagsterRun]) -> list[TableRun]:
    """Rows and seconds of each table, added up over the runs of a refresh; views show everything, so the last run counts."""
    rows: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for run in runs:
        for materialization in _one_a_table(instance, run):
            table = materialization.asset_key.to_user_string()
            count = materialization.metadata.get(ROWS_WRITTEN)
            took = materialization.metadata.get("seconds")
            dated = materialization.partition is not None
            if isinstance(count, dg.IntMetadataValue):
                rows[table] = (count.value or 0) + (rows.get(table, 0) if dated else 0)
            if isinstance(took, dg.FloatMetadataValue):
                seconds[table] = round((took.value or 0.0) + seconds.get(table, 0.0), 3)
    return [
        TableRun(table=table.replace("/", "."), rows=count, seconds=seconds.get(table)) for table, count in rows.items()
    ]


def _one_a_table(instance: DagsterInstance, run: DagsterRun) -> list[dg.AssetMaterialization]:
    """One materialization of each table that the run made, in the order of the run: a range has one a date, all with the same figures."""
    latest = [record.asset_entry for record in instance.get_asset_records(list(run.asset_selection or ()))]
    entries = [entry.last_materialization_record for entry in latest if entry.last_materialization_record is not None]
    if run.asset_selection and len(entries) == len(run.asset_selection) and all(entry.run_id == run.run_id for entry in entries):
        entries.sort(key=lambda entry: entry.storage_id)
        return [found for entry in entries if (found := entry.event_log_entry.asset_materialization) is not None]
    # Another run has been at some of the tables since, or this one never came to them: its own log knows, at the price of every date's event.
    firsts: dict[dg.AssetKey, dg.AssetMaterialization] = {}
    for record in instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records:
        materialization = record.event_log_entry.asset_materialization
        if materialization is not None:
            firsts.setdefault(materialization.asset_key, materialization)
    return list(firsts.values())


def _what_a_failure_means(evaluation: dg.AssetCheckEvaluation) -> str:
    """What the header of an invariant's file says of a failure, and where to look first; nothing for other checks."""
    path = check_path(".".join(evaluation.asset_key.path), evaluation.check_name)
    if not path.exists():
        return ""
    _, failure, meaning = header_comment(path).partition("A failure means")
    return f"{failure}{meaning}"


def _checks(instance: DagsterInstance, run: DagsterRun) -> list[CheckResult]:
    found = []
    for record in instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records:
        evaluation = record.event_log_entry.asset_check_evaluation
        if evaluation is None:
            continue
        found.append(
            CheckResult(
                asset=evaluation.asset_key.to_user_string().replace("/", "."),
                check=evaluation.check_name,
                passed=evaluation.passed,
                severity=evaluation.severity.value,
                description=evaluation.description or ("" if evaluation.passed else _what_a_failure_means(evaluation)),
                figures={
                    name: value.value
                    for name, value in evaluation.metadata.items()
                    if isinstance(value.value, bool | int | float | str) and not isinstance(value, dg.MarkdownMetadataValue)
                },
            )
        )
    return found
