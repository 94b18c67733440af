"""One case, explained: its events, and for each clock which seconds counted and why the others did not.

Belongs here: the facts, as plain data and as JSON. Does not belong here: how they look on a screen (explain_text.py),
and rules of any clock: the account is built from spans and business time and then held against staging.sla_clocks.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import has_table
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.status import Status

#: Raised when a field of the JSON changes its meaning or goes; a new field does not raise it.
JSON_FORMAT = 2
_SECOND = timedelta(seconds=1)
_MATCHES_SHOWN = 5
_MATCHES_CONSIDERED = 200
#: Lines of the time line that are neither a status, nor a message, nor a changed attribute.
SLA_APPLIED, SLA_WITHDRAWN, POLICY, SOURCE_VERDICT = "SLA applied", "SLA withdrawn", "policy", "source verdict"
KINDS = (SLA_APPLIED, SLA_WITHDRAWN, POLICY, SOURCE_VERDICT)

Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One line of the time line. `at` is the canonical instant: what the event says, else when it was ingested.

    `status` is the canonical status, or what a message is to clocks, or the attribute that changed, or one of KINDS; `event_id` is empty
    of what no record of the source is.
    """

    event_id: str
    at: datetime
    status: str
    source_status: str | None
    flags: tuple[str, ...]


#: An event with its place among those of its instant.
_Placed = tuple[float, Event]
_LAST = float("inf")


@dataclass(frozen=True)
class Span:
    """A stretch of the case in one status, begun by `event_id`; `ended_at` is None while it lasts."""

    started_at: datetime
    ended_at: datetime | None
    status: str
    event_id: str | None


@dataclass(frozen=True)
class Piece:
    """A stretch of a clock in one status that counted, or did not, for one reason.

    `event_id` is the event that began the status, None for the record of the case itself. `kind` is running, paused or
    policy_switch, `open_seconds` the business time in it, `counted_seconds` what the clock took of that: all while running, else
    nothing. `why_not` is None where the clock counted.
    """

    started_at: datetime
    ended_at: datetime
    status: str | None
    event_id: str | None
    kind: str
    why_not: str | None
    open_seconds: int
    counted_seconds: int


@dataclass(frozen=True)
class Clock:
    """One promise: what it counted, and how it ended, or stands as of the last look at its date. `title` is its metric's.

    `until` is where the account ends: the stop, or the as-of instant of a clock that still runs. `outcome` is met,
    breached, running or unknown (`reason` says why). `margin_seconds` is target minus counted: negative = late.
    `due_at` is the instant the target was, or without a further pause would have been, used up: None while paused,
    without a verdict, and beyond the calendar. `is_consistent`: the pieces add up to the figures of
    staging.sla_clocks, to the second. `is_superseded`: the policy lost force while the clock ran.
    """

    policy: str
    metric: str
    title: str
    cycle: int
    calendar: str
    starts: tuple[str, ...]
    stops: tuple[str, ...]
    pauses: tuple[str, ...]
    is_superseded: bool
    target_seconds: int
    started_at: datetime
    started_by: str | None
    stopped_at: datetime | None
    stopped_by: str | None
    until: datetime
    pieces: tuple[Piece, ...]
    counted_seconds: int
    paused_seconds: int
    stored_elapsed_seconds: int | None
    is_consistent: bool
    outcome: str
    reason: str | None
    is_open: bool
    is_paused: bool
    margin_seconds: int | None
    due_at: datetime | None
    #: How it counts where its schedule changed while it ran (in_force, last), and what it would have counted by the other rule (None: open).
    schedule_rule: str | None = None
    other_rule_seconds: int | None = None
    #: Its calendar never closes: there is no "business" time to speak of.
    is_always_open: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the source itself judged of a metric and cycle, and how that compares with our clock of `policy` (None: there is none).

    `is_breached` and `elapsed_seconds` are None where the source does not tell; `breached_at` is when it says that the promise broke.
    `comparison` is that of staging.source_clock_comparison.
    """

    metric: str
    title: str
    cycle: int
    policy: str | None
    is_breached: bool | None
    breached_at: datetime | None
    elapsed_seconds: int | None
    comparison: str


@dataclass(frozen=True)
class Rejected:
    """A record of the case that could not be used: row `row_number` of `file`, the column or field, and the reason."""

    file: str | None
    row_number: int | None
    field: str | None
    reason: str
    record: str | None


@dataclass(frozen=True)
class Explanation:
    """Everything about one case. Instants are UTC and naive; `zone` is the desk's."""

    case_id: str
    source: str
    intake_at: datetime
    intake_date: str
    tier: str | None
    case_type: str | None
    priority: str | None
    team: str | None
    agent: str | None
    ended_at: datetime | None
    is_open: bool
    reopen_count: int
    zone: str
    as_of_at: datetime
    events: tuple[Event, ...]
    spans: tuple[Span, ...]
    clocks: tuple[Clock, ...]
    promised_but_not_started: tuple[str, ...]
    merged_into: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def verdict_on(self, clock: Clock) -> Verdict | None:
        """The source's verdict beside which this clock stands."""
        ours = (clock.policy, clock.metric, clock.cycle)
        return next((verdict for verdict in self.verdicts if (verdict.policy, verdict.metric, verdict.cycle) == ours), None)

    def verdicts_without_clock(self) -> list[Verdict]:
        """The source's verdicts that stand beside no clock."""
        beside = [self.verdict_on(clock) for clock in self.clocks]
        return [verdict for verdict in self.verdicts if verdict not in beside]

    @property
    def is_consistent(self) -> bool:
        """Every clock's account agrees with the tables."""
        return all(clock.is_consistent for clock in self.clocks)

    def to_json(self) -> str:
        """The fields of these classes under their own names, and `format`.

        Instants are ISO 8601 in UTC; beside each stands the same instant in the desk's zone, named with `_local`.
        """
        content = {"format": JSON_FORMAT, **asdict(self), "is_consistent": self.is_consistent}
        return json.dumps(_with_local_instants(content, ZoneInfo(self.zone)), indent=2, ensure_ascii=False)


def explain(connection: duckdb.DuckDBPyConnection, case_id: str, settings: Settings) -> Explanation:
    """The case as the warehouse has it; the desk's zone, titles and names of holidays as `settings` have them.

    Raises OpslaError for a case nobody knows, with those it may be meant for, and for a warehouse without a refresh.
    """
    try:
        return _explain(connection, case_id, settings)
    except duckdb.CatalogException as error:
        raise OpslaError(f"{settings.home.root}: this home has no cases to explain yet; `opsla run` makes them (OPSLA_HOME names another home)") from error


def _explain(connection: duckdb.DuckDBPyConnection, case_id: str, settings: Settings) -> Explanation:
    case = _case(connection, case_id, settings.home.root)
    as_of_at = _last_look(connection, case)
    if as_of_at is None:
        raise OpslaError(f"{settings.home.root}: no refresh of this home was completed yet; `opsla run` completes one")
    events = _event_rows(connection, case)
    spans = _of_case(connection, "staging.status_spans", case, "span_number")
    rules = _rows(connection, "select * from staging.sla_metric_rules order by metric, role, signal")
    clock_spans = _of_case(connection, "staging.sla_clock_spans", case, "started_at, state")
    changed = _of_case(connection, "staging.schedule_change_clocks", case, "policy, metric, cycle")
    always_open = {
        row["calendar"] for row in _rows(connection, "select calendar from staging.business_time group by calendar having bool_and(is_open)")
    }
    clocks = [
        _on_changed_schedule(
            _clock(connection, row, rules, [span for span in clock_spans if _is_of(span, row)], spans, as_of_at, settings, always_open),
            next((change for change in changed if _is_of(change, row)), None),
        )
        for row in _of_case(connection, "staging.sla_clocks", case, "started_at, target_seconds, metric, policy, cycle")
    ]
    promises = _of_case(connection, "staging.case_sla_policies", case, "in_force_from_at, metric")
    promised = {(promise["policy"], promise["metric"]) for promise in promises}
    verdicts = _verdicts(connection, case, settings.sla_policies)
    return Explanation(
        **{name: case[name] for name in ("case_id", "source", "tier", "case_type", "priority", "team", "agent")},
        intake_at=case["intake_ts"],
        intake_date=case["intake_date"].isoformat(),
        ended_at=case["ended_at"],
        is_open=case["is_open"],
        reopen_count=case["reopen_count"],
        zone=settings.sources.desk.timezone,
        as_of_at=as_of_at,
        merged_into=case["merged_into"],
        verdicts=verdicts,
        rejected=_rejected(connection, case),
        events=_time_line(
            _happened(events, case), _said(connection, case), _changed(connection, case),
            _applied(connection, case, settings.sla_policies), _policies(promises, case, settings.sla_policies), _judged_by_source(verdicts),
        ),
        spans=tuple(Span(*(span[name] for name in ("started_at", "ended_at", "status", "event_id"))) for span in spans),
        clocks=tuple(clocks),
        promised_but_not_started=tuple(
            f"{policy} {metric}" for policy, metric in sorted(promised - {(clock.policy, clock.metric) for clock in clocks})
        ),
    )


# --- what the tables say


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, **values: object) -> list[Row]:
    result = connection.execute(sql, values) if values else connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _case(connection: duckdb.DuckDBPyConnection, case_id: str, home: Path) -> Row:
    found = _rows(connection, "select * from staging.case_milestones where case_id = $case_id", case_id=case_id)
    found = found or _rows(
        connection, "select * from staging.case_milestones where lower(case_id) = lower($case_id)", case_id=case_id
    )
    meant = sorted({row["case_id"] for row in found})
    if len(meant) > 1:
        raise OpslaError(f"case {case_id!r} may be {' or '.join(meant)}; write it as one of them")
    if len(found) == 1:
        return found[0]
    if found:
        dates = " and ".join(sorted(row["intake_date"].isoformat() for row in found))
        raise OpslaError(f"case {case_id!r} is held under several intake dates, {dates}; opsla refresh loads them anew")
    rejected = _rows(
        connection, "select reason from raw.rejected_rows where case_id = $case_id order by row_number limit 1", case_id=case_id
    )
    if rejected:
        raise OpslaError(f"every record of case {case_id!r} was rejected, the first one since: {rejected[0]['reason']}")
    # difflib judges as people do but is slow: DuckDB picks the few that are worth judging.
    likely = _rows(
        connection,
        "select case_id from staging.case_milestones "
        "order by jaro_winkler_similarity(case_id, $case_id) desc, case_id limit $count",
        case_id=case_id,
        count=_MATCHES_CONSIDERED,
    )
    matches = difflib.get_close_matches(case_id, [row["case_id"] for row in likely], n=_MATCHES_SHOWN)
    hint = f"; did you mean {', '.join(matches)}?" if matches else ""
    raise OpslaError(f"no case {case_id!r} in staging.case_milestones of the home {home} (OPSLA_HOME names another one){hint}")


def _last_look(connection: duckdb.DuckDBPyConnection, case: Row) -> datetime | None:
    """When the case's intake date was last looked at, as mart.open_clocks has it; None before the first whole load."""
    looks = _rows(
        connection,
        "select as_of_at from ops.partition_as_of where source = $source and intake_date = $intake_date",
        source=case["source"],
        intake_date=case["intake_date"],
    )
    return looks[0]["as_of_at"] if looks else None


def _event_rows(connection: duckdb.DuckDBPyConnection, case: Row) -> list[Row]:
    return _rows(
        connection,
        "select events.*, kept.copies from staging.events_clean as events "
        "inner join staging.events_deduped as kept using (intake_date, case_id, event_id) "
        "where events.intake_date = $intake_date and events.case_id = $case_id "
        "order by events.canonical_ts, events.source_sequence, events.event_id",
        intake_date=case["intake_date"],
        case_id=case["case_id"],
    )


def _of_case(connection: duckdb.DuckDBPyConnection, table: str, case: Row, order: str) -> list[Row]:
    """The rows of a case; none where the enabled sources do not feed the table's area."""
    if not has_table(connection, table):
        return []
    return _rows(
        connection,
        f"select * from {table} where intake_date = $intake_date and case_id = $case_id order by {order}",
        intake_date=case["intake_date"],
        case_id=case["case_id"],
    )


def _rejected(connection: duckdb.DuckDBPyConnection, case: Row) -> tuple[Rejected, ...]:
    """In the order of the source: they are of no intake date, as nobody knows what they would have said."""
    return tuple(
        Rejected(**row)
        for row in _rows(
            connection,
            "select file, row_number, field, reason, record from raw.rejected_rows "
            "where source = $source and case_id = $case_id order by file, row_number, field, reason",
            source=case["source"],
            case_id=case["case_id"],
        )
    )


def _is_of(span: Row, clock: Row) -> bool:
    return all(span[name] == clock[name] for name in ("policy", "metric", "cycle"))


def _segment_rows(
    connection: duckdb.DuckDBPyConnection, calendar: str, started_at: datetime, until: datetime, calendars: CalendarsSettings
) -> list[Row]:
    """The calendar's segments from the one that holds the start to the one that holds the end, those of a holiday with its name."""
    segments = _rows(
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


# --- events


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
    rows = _of_case(connection, "staging.messages_deduped", case, "sent_ts, source_sequence, message_id")
    return [
        (row["source_sequence"], Event(row["message_id"], row["sent_ts"], row["signal"], None, tuple(_who_and_how_often(row)))) for row in rows
    ]


def _who_and_how_often(message: Row) -> Iterable[str]:
    if message["author_kind"] is not None:
        yield f"by the {message['author_kind']}" if message["author_kind"] == "customer" else f"by a {message['author_kind']}"
    if message["copies"] > 1:
        yield _in_the_log(message["copies"])


def _changed(connection: duckdb.DuckDBPyConnection, case: Row) -> list[_Placed]:
    rows = _of_case(connection, "raw.attribute_changes", case, "changed_ts, source_sequence, change_id")
    return [
        (
            row["source_sequence"],
            Event(row["change_id"], row["changed_ts"], row["attribute"], None, (f"{_value(row['previous_value'])} to {_value(row['value'])}",)),
        )
        for row in rows
    ]


def _value(value: str | None) -> str:
    return "nothing" if value is None else value


def _applied(connection: duckdb.DuckDBPyConnection, case: Row, policies: SlaPoliciesSettings) -> list[_Placed]:
    """The source's own targets as it applied them to the case, and where it took them back."""
    events: list[_Placed] = []
    for row in _of_case(connection, "raw.applied_targets", case, "applied_ts, source_sequence, applied_id"):
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


def _verdicts(connection: duckdb.DuckDBPyConnection, case: Row, policies: SlaPoliciesSettings) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(
            metric=row["metric"],
            title=metric_title(policies, row["metric"]),
            cycle=row["cycle"] or 1,
            policy=row["policy"],
            is_breached=row["source_is_breached"],
            breached_at=row["source_breached_ts"],
            elapsed_seconds=row["source_elapsed_seconds"],
            comparison=row["comparison"],
        )
        for row in _of_case(connection, "staging.source_clock_comparison", case, "metric, cycle, verdict_id")
    )


def _judged_by_source(verdicts: Iterable[Verdict]) -> list[_Placed]:
    return [
        (_LAST, Event("", verdict.breached_at, SOURCE_VERDICT, None, (f"{verdict.title}: breached, according to the source",)))
        for verdict in verdicts
        if verdict.breached_at is not None
    ]


def _time_line(*told: Iterable[_Placed]) -> tuple[Event, ...]:
    """All of it by instant, then in the order of the source, which is that of the clocks."""
    placed = sorted((one for events in told for one in events), key=lambda one: (one[1].at, one[0]))
    return tuple(event for _, event in placed)


# --- clocks


def _clock(
    connection: duckdb.DuckDBPyConnection,
    row: Row,
    rules: Sequence[Row],
    clock_spans: Sequence[Row],
    spans: Sequence[Row],
    as_of_at: datetime,
    settings: Settings,
    always_open: Collection[str],
) -> Clock:
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
        is_always_open=row["calendar"] in always_open,
    )
    return _judged(clock, row, is_covered)


def _on_changed_schedule(clock: Clock, change: Row | None) -> Clock:
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


# --- JSON


def _with_local_instants(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, dict):
        content: Row = {}
        for name, item in value.items():
            content[name] = _with_local_instants(item, zone)
            if isinstance(item, datetime):
                content[f"{name}_local"] = item.replace(tzinfo=UTC).astimezone(zone).isoformat()
        return content
    if isinstance(value, list | tuple):
        return [_with_local_instants(item, zone) for item in value]
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return value
