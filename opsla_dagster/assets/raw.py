"""Raw assets: what the sources hold, and the calendars.

Belongs here: one line a raw table, and how its rows are fetched. Does not belong here: how a source reads.
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import TableAsset, window_of
from opsla_dagster.assets.mixtures import refuse_mixtures, refuse_the_unannounced
from opsla_dagster.assets.scope import Scope
from opsla_dagster.calendars import calendar_days
from opsla_dagster.sources.base import INSTANT, NO_CASES, PARTITION_STATES
from opsla_dagster.window import Window


def _cases(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.cases(window_of(part), scope.as_of_at)


def _events_log(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.events(window_of(part), scope.as_of_at)


def _messages(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.messages(window_of(part), scope.as_of_at)


def _attribute_changes(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.attribute_changes(window_of(part), scope.as_of_at)


def _applied_targets(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.applied_targets(window_of(part), scope.as_of_at)


def _source_verdicts(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.source_verdicts(window_of(part), scope.as_of_at)


def _source_facts(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.source_facts(window_of(part), scope.as_of_at)


def _staffing_schedule(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.staffing(window_of(part))


def _rejected_rows(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.rejected_rows()


def _calendar_dim(scope: Scope, part: Window | None) -> pa.Table:
    return calendar_days(scope.calendars, window_of(part))


def _source_partitions(scope: Scope, part: Window | None) -> pa.Table:
    """The sources' states of every date of the window, those without cases included, and what they were read from."""
    window = window_of(part)
    states = {
        (row["source"], row["intake_date"]): row
        for row in scope.desk.partition_states(window, scope.as_of_at).to_pylist()
    }
    empty = {"cases": 0, "events": 0, "digest": NO_CASES}
    rows = [
        {**empty, **states.get((source, day), {}), "source": source, "intake_date": day, "fingerprint": fingerprint}
        for day in window.dates()
        for source, fingerprint in scope.desk.fingerprints().items()
    ]
    table = pa.Table.from_pylist(rows, schema=PARTITION_STATES.append(pa.field("fingerprint", pa.string())))
    return table.append_column("as_of_at", pa.array([scope.as_of_at] * len(rows), INSTANT))


# Everything waits for raw.source_partitions: it refuses a mixture before anything is written.
RAW = [
    TableAsset("raw.source_partitions", "sources", rows=_source_partitions, before=refuse_mixtures, reads_accounts=True),
    TableAsset(
        "raw.cases", "sources", deps=["raw.source_partitions", "raw.rejected_rows", "raw.calendar_dim"], rows=_cases,
        before=refuse_the_unannounced,
        checks=[
            "assert_cases_are_unique_in_the_warehouse", "assert_cases_match_source_partitions", "drift_cases_per_day",
            "drift_cases_that_moved",
        ],
    ),
    TableAsset(
        "raw.events_log", "sources", deps=["raw.cases"], rows=_events_log, before=refuse_the_unannounced,
        checks=[
            "assert_event_ids_are_unique_in_the_warehouse", "assert_every_event_has_its_case", "warn_cases_reopened_before_they_ended",
        ],
    ),
    *(
        TableAsset(table, "sources", deps=["raw.cases"], rows=rows, before=refuse_the_unannounced, checks=["assert_every_row_has_its_case"])
        for table, rows in (
            ("raw.messages", _messages), ("raw.attribute_changes", _attribute_changes), ("raw.applied_targets", _applied_targets),
            ("raw.source_verdicts", _source_verdicts), ("raw.source_facts", _source_facts),
        )
    ),
    TableAsset(
        "raw.rejected_rows", "sources", deps=["raw.source_partitions"], rows=_rejected_rows, before=refuse_mixtures,
        keeps_refused_rows=True,
    ),
    TableAsset("raw.calendar_dim", "calendars", deps=["raw.source_partitions"], rows=_calendar_dim),
    TableAsset(
        "raw.staffing_schedule", "sources", deps=["raw.source_partitions"], rows=_staffing_schedule, before=refuse_mixtures,
    ),
]
