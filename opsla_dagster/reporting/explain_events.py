"""The time line of an explained case: everything that happened to it or moved one of its clocks, in order.

Belongs here: its lines, and their words. Does not belong here: what counted on a clock (explain_clocks.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.case_rows import Row, of_case, rows_of
from opsla_dagster.reporting.explanation import POLICY, SLA_APPLIED, SLA_WITHDRAWN, SOURCE_VERDICT, Event, Verdict
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.status import Status

#: An event with its place among those of its instant.
_Placed = tuple[float, Event]
_LAST = float("inf")


def time_line(
    connection: duckdb.DuckDBPyConnection, case: Row, promises: Sequence[Row], verdicts: Sequence[Verdict], policies: SlaPoliciesSettings
) -> tuple[Event, ...]:
    """Events, messages, changed attributes, applied targets, policies and the source's verdicts of a case (a row of staging.case_milestones)."""
    return _in_order(
        _happened(_event_rows(connection, case), case), _said(connection, case), _changed(connection, case),
        _applied(connection, case, policies), _policies(promises, case, policies), _judged_by_source(verdicts),
    )  # fmt: skip


def _event_rows(connection: duckdb.DuckDBPyConnection, case: Row) -> list[Row]:
    return rows_of(
        connection,
        "select events.*, kept.copies from staging.events_clean as events "
        "inner join staging.events_deduped as kept using (intake_date, case_id, event_id) "
        "where events.intake_date = $intake_date and events.case_id = $case_id "
        "order by events.canonical_ts, events.source_sequence, events.event_id",
        intake_date=case["intake_date"],
        case_id=case["case_id"],
    )


def _happened(rows: Sequence[Row], case: Row) -> list[_Placed]:
    """INTAKE comes before all else of its instant, as for the clocks."""
    return [(-1 if row["status"] == Status.INTAKE else row["source_sequence"], _event(row, case)) for row in rows]


def _event(row: Row, case: Row) -> Event:
    return Event(
        event_id=row["event_id"],
        at=row["canonical_ts"],
        status=row["status"],
        source_status=row["source_status"],
        flags=tuple(text for is_true, text in _flags(row, case) if is_true),
    )


def _flags(row: Row, case: Row) -> Iterable[tuple[bool, str]]:
    yield row["is_before_intake"], "before intake: counted from intake"
    yield row["is_event_ts_missing"], "no stamp: the time of ingestion stands for it"
    yield row["is_tz_inconsistent"], "time zone inconsistent"
    yield row["is_late_arriving"], "arrived late"
    yield row["is_ingestion_before_event"], "ingested before it happened"
    yield row["is_reopen"], "reopen"
    yield row["copies"] > 1, _in_the_log(row["copies"])
    yield row["status"] == Status.MERGED and case["merged_into"] is not None, f"goes on in case {case['merged_into']}"
    yield case["last_terminal_at"] is not None and row["canonical_ts"] > case["last_terminal_at"], "after the end: in no span"


def _in_the_log(copies: int) -> str:
    return f"in the log {copies} times"


def _said(connection: duckdb.DuckDBPyConnection, case: Row) -> list[_Placed]:
    rows = of_case(connection, "staging.messages_deduped", case, "sent_ts, source_sequence, message_id")
    return [
        (row["source_sequence"], Event(row["message_id"], row["sent_ts"], row["signal"], None, tuple(_who_and_how_often(row)))) for row in rows
    ]


def _who_and_how_often(message: Row) -> Iterable[str]:
    if message["author_kind"] is not None:
        yield f"by the {message['author_kind']}" if message["author_kind"] == "customer" else f"by a {message['author_kind']}"
    if message["copies"] > 1:
        yield _in_the_log(message["copies"])


def _changed(connection: duckdb.DuckDBPyConnection, case: Row) -> list[_Placed]:
    rows = of_case(connection, "raw.attribute_changes", case, "changed_ts, source_sequence, change_id")
    return [
        (
            row["source_sequence"],
            Event(row["change_id"], row["changed_ts"], row["attribute"], None, tuple(_what_and_by_whom(row))),
        )
        for row in rows
    ]


def _what_and_by_whom(change: Row) -> Iterable[str]:
    yield f"{_value(change['previous_value'])} to {_value(change['value'])}"
    if change["actor"] is not None:
        yield f"by {change['actor']}"


def _value(value: str | None) -> str:
    return "nothing" if value is None else value


def _applied(connection: duckdb.DuckDBPyConnection, case: Row, policies: SlaPoliciesSettings) -> list[_Placed]:
    """The source's own targets as it applied them to the case, and where it took them back."""
    events: list[_Placed] = []
    for row in of_case(connection, "raw.applied_targets", case, "applied_ts, source_sequence, applied_id"):
        title = metric_title(policies, row["metric"])
        if row["target_seconds"] is None:
            withdrawn = Event(row["applied_id"], row["applied_ts"], SLA_WITHDRAWN, None, (f"{title}: no longer promised",))
            events.append((row["source_sequence"], withdrawn))
            continue
        target = f"{title}: {wording.exact(row['target_seconds'])} of calendar {row['calendar']}, by policy {row['policy']}"
        events.append((row["source_sequence"], Event(row["applied_id"], row["applied_ts"], SLA_APPLIED, None, (target,))))
    return events


def _policies(promises: Sequence[Row], case: Row, policies: SlaPoliciesSettings) -> list[_Placed]:
    """Where another policy of sla_policies.yml came into force after intake."""
    came = {
        (row["in_force_from_at"], row["policy"]) for row in promises if not row["is_source_promise"] and row["in_force_from_at"] > case["intake_ts"]
    }
    return [(_LAST, Event("", at, POLICY, None, (f"{policy_title(policies, policy)} is in force",))) for at, policy in sorted(came)]



def _judged_by_source(verdicts: Iterable[Verdict]) -> list[_Placed]:
    return [
        (_LAST, Event("", verdict.breached_at, SOURCE_VERDICT, None, (f"{verdict.title}: breached, according to the source",)))
        for verdict in verdicts
        if verdict.breached_at is not None
    ]


def _in_order(*told: Iterable[_Placed]) -> tuple[Event, ...]:
    """All of it by instant, then in the order of the source, which is that of the clocks."""
    placed = sorted((one for events in told for one in events), key=lambda one: (one[1].at, one[0]))
    return tuple(event for _, event in placed)
