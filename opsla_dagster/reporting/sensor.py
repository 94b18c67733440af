"""Reports for the runs that Dagster starts itself: the schedule's refreshes, and what people launch from the UI.

Belongs here: noticing that the marts were published. Does not belong here: the reports (record.py).
"""

import dagster as dg

from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.scope import REFRESH_TAG
from opsla_dagster.instance.lease import PROCESS_TAG
from opsla_dagster.reporting.record import write_reports
from opsla_dagster.settings import Settings


def build_report_sensor(settings: Settings) -> dg.SensorDefinition:
    """Writes the report, the run summary and the impact log after every run that published; `opsla run` does so itself."""

    @dg.run_status_sensor(
        name="reports_after_publishing",
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Report, run summary and impact log after every run that published the marts.",
    )
    def reports_after_publishing(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        run, instance = context.dagster_run, context.instance
        if PROCESS_TAG in run.tags:
            return dg.SkipReason("the process that carried out this run writes its reports")
        if run.asset_selection is not None and PUBLISHED_MARTS not in run.asset_selection:
            return dg.SkipReason("the run did not publish the marts")
        refresh = run.tags.get(REFRESH_TAG)
        together = (
            instance.get_runs(filters=dg.RunsFilter(tags={REFRESH_TAG: refresh}, statuses=[dg.DagsterRunStatus.SUCCESS]))
            if refresh
            else [run]
        )
        run_ids = [each.run_id for each in reversed(together) if each.run_id != run.run_id] + [run.run_id]
        write_reports(instance, run_ids, settings, command="dagster")
        return None

    return reports_after_publishing
