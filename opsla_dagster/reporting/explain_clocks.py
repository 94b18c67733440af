"""The account of a clock: which seconds counted, why the others did not, and whether that adds up to staging.sla_clocks.

Belongs here: stretches cut at changes of status and of opening hours. Does not belong here: rules of any clock, which the tables hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb

from opsla_dagster.reporting.case_rows import Row, rows_of
from opsla_dagster.reporting.explanation import Clock, Piece
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import CalendarsSettings

_SECOND = timedelta(seconds=1)


def clock_of(
    connection: duckdb.DuckDBPyConnection,
    row: Row,
    rules: Sequence[Row],
    clock_spans: Sequence[Row],
    spans: Sequence[Row],
    as_of_at: datetime,
    settings: Settings,
    always_open: Collection[str],
) -> Clock:
    """The account of a clock (`row` of staging.sla_clocks) from its spans, the case's statuses and the calendars' segments; an open one up to `as_of_at`.

    `always_open`: the calendars that never close.
    """
    starts, stops, pauses = (_signals(rules, row["metric"], role) for role in ("start", "stop", "pause"))
    until = as_of_at if row["is_open"] else row["stopped_at"]
    # A schedule that changed may have given the clock several calendars; each span has its own.
    segments = {
        calendar: _segment_rows(connection, calendar, row["started_at"], until, settings.calendars)
        for calendar in {row["calendar"], *(span["calendar"] for span in clock_spans)}
    }
    is_covered = until <= row["started_at"] or all(_covers(rows, row["started_at"], until) for rows in segments.values())
    pieces = _clock_parts(until, clock_spans, spans, segments) if is_covered else ()
    clock = Clock(
        policy=row["policy"],
        metric=row["metric"],
        title=metric_title(settings.sla_policies, row["metric"]),
        cycle=row["cycle"],
        calendar=row["calendar"],
        starts=starts,
        stops=stops,
        pauses=pauses,
        is_superseded=row["is_superseded"],
        target_seconds=row["target_seconds"],
        started_at=row["started_at"],
        started_by=row["start_event_id"],
        stopped_at=row["stopped_at"],
        stopped_by=row["end_event_id"],
        until=until,
        pieces=pieces,
        counted_seconds=sum(piece.counted_seconds for piece in pieces),
        paused_seconds=sum(piece.open_seconds for piece in pieces if piece.kind == "paused"),
        stored_elapsed_seconds=row["elapsed_seconds"],
        is_consistent=True,
        outcome=row["outcome"],
        reason=row["reason"],
        is_open=row["is_open"],
        is_paused=row["is_open"] and bool(pieces) and pieces[-1].kind == "paused",
        margin_seconds=None,
        due_at=row["due_at"],
        is_always_open=segments.keys() <= set(always_open),
    )
    return _judged(clock, row, is_covered)


def on_changed_schedule(clock: Clock, change: Row | None) -> Clock:
    """The clock with the rule by which it counts a schedule that changed; `change` is None where none did."""
    if change is None:
        return clock
    rule = change["schedule_change"]
    other = change["last_elapsed_seconds" if rule == "in_force" else "in_force_elapsed_seconds"]
    return replace(clock, schedule_rule=rule, other_rule_seconds=other)


def _covers(segments: Sequence[Row], started_at: datetime, until: datetime) -> bool:
    """Whether the calendar reaches from the start to the end; it has no gap in between."""
    if not segments:
        return False
    return bool(segments[0]["segment_start_at"] <= started_at and segments[-1]["segment_end_at"] >= until)


def _signals(rules: Iterable[Row], metric: str, role: str) -> tuple[str, ...]:
    return tuple(rule["signal"] for rule in rules if rule["metric"] == metric and rule["role"] == role)


def _judged(clock: Clock, row: Row, is_covered: bool) -> Clock:
    """The clock with its verdict, and whether the tables agree with the account."""
    if not is_covered:
        # The tables agree only where they give no figures either.
        is_consistent = row["elapsed_seconds"] is None
        return replace(clock, outcome="unknown", reason="outside_calendar_horizon", is_consistent=is_consistent)
    margin = clock.target_seconds - clock.counted_seconds
    if clock.is_open:
        clock = replace(clock, outcome="breached" if margin < 0 else "running", reason=None)
    if clock.outcome == "unknown":
        return clock
    is_consistent = clock.is_open or (
        (clock.counted_seconds, clock.paused_seconds) == (row["elapsed_seconds"], row["paused_seconds"])
        and (clock.outcome == "breached") == (margin < 0)
    )
    return replace(clock, margin_seconds=margin, is_consistent=is_consistent)


def _clock_parts(
    until: datetime, clock_spans: Iterable[Row], spans: Sequence[Row], segments_of: Mapping[str, Sequence[Row]]
) -> tuple[Piece, ...]:
    """`segments_of`: the segments of each calendar by which a span counts."""
    pieces: list[Piece] = []
    for clock_span in clock_spans:
        segments = segments_of[clock_span["calendar"]]
        ended_at = until if clock_span["stopped_at"] is None else min(clock_span["stopped_at"], until)
        for start, end, span in _statuses_between(clock_span["started_at"], ended_at, spans):
            status, event_id = (span["status"], span["event_id"]) if span else (None, None)
            if clock_span["state"] == "running":
                pieces.extend(_merged(_running(start, end, status, event_id, segments)))
            else:
                seconds = sum(_open_seconds(segment, start, end) for segment in segments)
                why_not = f"paused in {status}" if clock_span["state"] == "paused" else "before its policy counted"
                pieces.append(Piece(start, end, status, event_id, clock_span["state"], why_not, seconds, 0))
    return tuple(pieces)


def _statuses_between(
    started_at: datetime, until: datetime, spans: Iterable[Row]
) -> Iterable[tuple[datetime, datetime, Row | None]]:
    """The clock cut at changes of status. Spans leave no gap; if one did, the clock would run on, as its figures do."""
    reached = started_at
    for span in spans:
        start = max(span["started_at"], reached)
        end = min(until if span["ended_at"] is None else span["ended_at"], until)
        if end <= start:
            continue
        if start > reached:
            yield reached, start, None
        yield start, end, span
        reached = end
    if reached < until:
        yield reached, until, None


def _running(
    start: datetime, end: datetime, status: str | None, event_id: str | None, segments: Iterable[Row]
) -> Iterable[Piece]:
    for segment in segments:
        first, last = max(start, segment["segment_start_at"]), min(end, segment["segment_end_at"])
        if first < last:
            seconds = _open_seconds(segment, start, end)
            yield Piece(first, last, status, event_id, "running", _why_not(segment), seconds, seconds)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours that count, or do not, for the same reason as one: segments also end at every UTC midnight."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].why_not == piece.why_not:
            merged[-1] = replace(
                merged[-1],
                ended_at=piece.ended_at,
                open_seconds=merged[-1].open_seconds + piece.open_seconds,
                counted_seconds=merged[-1].counted_seconds + piece.counted_seconds,
            )
        else:
            merged.append(piece)
    return merged


def _open_seconds(segment: Row, start: datetime, end: datetime) -> int:
    """Business seconds of the segment in [start, end), each instant read as its whole second, as F(t) reads it."""
    opened_at: datetime = segment["segment_start_at"]
    closed_at: datetime = segment["segment_end_at"]
    first, last = max(start, opened_at), min(end, closed_at)
    if not segment["is_open"] or last <= first:
        return 0
    return (last - opened_at) // _SECOND - (first - opened_at) // _SECOND


def _why_not(segment: Row) -> str | None:
    if segment["is_open"]:
        return None
    if segment["kind"] == "holiday":
        return f"holiday {segment['holiday_name']!r}" if segment["holiday_name"] else "holiday"
    return "outside hours"


def _segment_rows(
    connection: duckdb.DuckDBPyConnection, calendar: str, started_at: datetime, until: datetime, calendars: CalendarsSettings
) -> list[Row]:
    """The calendar's segments from the one that holds the start to the one that holds the end, those of a holiday with its name."""
    segments = rows_of(
        connection,
        """
        select segment_start_at, segment_end_at, is_open, kind, local_date
        from staging.business_time
        where calendar = $calendar and segment_end_at > $started_at and segment_start_at <= $until
        order by segment_start_at
        """,
        calendar=calendar,
        started_at=started_at,
        until=until,
    )
    # raw.calendar_dim knows the loaded dates alone, and a case goes on beyond them.
    known = calendars.calendars.get(calendar) if any(segment["kind"] == "holiday" for segment in segments) else None
    names = known.holiday_names(calendars.horizon.window) if known else {}
    return [{**segment, "holiday_name": names.get(segment["local_date"])} for segment in segments]
