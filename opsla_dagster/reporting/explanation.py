"""An explained case: what is known of it, as plain data and as JSON.

Belongs here: the fields that docs/explain.md names. Does not belong here: where they come from (explain.py), and how they look (explain_text.py,
explain_picture.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

#: Raised when a field of the JSON changes its meaning or goes; a new field does not raise it.
JSON_FORMAT = 2
#: Lines of the time line that are neither a status, nor a message, nor a changed attribute.
SLA_APPLIED, SLA_WITHDRAWN, POLICY, SOURCE_VERDICT = "SLA applied", "SLA withdrawn", "policy", "source verdict"
#: Rejected records that are listed; raw.rejected_rows and the JSON have all.
MOST_REJECTED = 20
KINDS = (SLA_APPLIED, SLA_WITHDRAWN, POLICY, SOURCE_VERDICT)

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

    def sentence(self) -> str:
        """`log.csv, row 11: column State: ...`."""
        place = ", ".join(filter(None, (Path(self.file).name if self.file else "", f"row {self.row_number:,}" if self.row_number is not None else "")))
        return f"{place}: {self.reason}" if place else self.reason


@dataclass(frozen=True)
class NotYet:
    """A record of the case that lies after its last look: row `row_number` of `file`, what it says, and the instant.

    `source_status` is the status as the log writes it, of an audit log any change (`priority: Low to High`); None where the record tells neither.
    It counts when that time has come, or already, where it was ingested before (`counts_already`).
    """

    file: str
    row_number: int
    source_status: str | None
    at: datetime
    counts_already: bool = False

    def sentence(self, zone: str) -> str:
        """`log.csv, row 7: Done at 2062-03-06 05:00 (America/New_York)`."""
        local = self.at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        already = "; counts already, since it was ingested before" if self.counts_already else ""
        return f"{Path(self.file).name}, row {self.row_number:,}: {self.source_status or 'a record'} at {local:%Y-%m-%d %H:%M} ({zone}){already}"


def listed(rejected: Sequence[Rejected]) -> list[str]:
    """A line each, of the first ones, and how many more there are."""
    more = [f"and {len(rejected) - MOST_REJECTED:,} more: raw.rejected_rows"] if len(rejected) > MOST_REJECTED else []
    return [record.sentence() for record in rejected[:MOST_REJECTED]] + more


@dataclass(frozen=True)
class Stint:
    """A maximal run of one team (UNASSIGNED: nobody); `seconds` by the clock and `business_seconds` on the team's calendar by state (queue, active,
    wait_customer, wait_other, done), as far as they have ended; `inactive_seconds` are of those before completion. `ended_at` is None for the last."""

    stint: int
    team: str
    previous_team: str | None
    entered_by: str
    started_at: datetime
    ended_at: datetime | None
    is_last: bool
    seconds: Mapping[str, int]
    business_seconds: Mapping[str, int | None]
    inactive_seconds: int
    #: Who made the change with which it begins, where the source tells.
    entered_by_actor: str | None = None
    #: It begins with a direct return from a review team (ownership.yml).
    is_planned_return: bool = False

    @property
    def held_seconds(self) -> int:
        """By the clock, up to completion."""
        return sum(seconds for state, seconds in self.seconds.items() if state != "done")


@dataclass(frozen=True)
class OwnershipSpan:
    """A stretch of a stint with one agent in one state; `ended_at` is None for the last."""

    stint: int
    team: str
    agent: str | None
    state: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Link:
    """A link between the case and another case or ticket: to it, or, where `is_from`, from it. `is_loaded`: it is one of this desk's; then its `team`, `is_open` and
    `ended_at` are known. `linked_at` is None where the source does not tell, `unlinked_at` while the link holds. `held_before_seconds` and `held_after_seconds`: how
    long the case that was linked had been held by then, and was afterwards, by the clock up to completion; None where it is not told when. What still goes on counts up to the
    last look, and `is_held_on` says so."""

    case_id: str
    link_kind: str
    is_from: bool
    linked_at: datetime | None
    unlinked_at: datetime | None
    is_loaded: bool
    team: str | None
    is_open: bool | None
    ended_at: datetime | None
    held_before_seconds: int | None
    held_after_seconds: int | None
    is_held_on: bool = False


@dataclass(frozen=True)
class Explanation:
    """Everything about one case. Instants are UTC and naive; `zone` is the desk's. What of a silence is longer than `inactive_after_seconds` is inactive."""

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
    stints: tuple[Stint, ...] = ()
    ownership_spans: tuple[OwnershipSpan, ...] = ()
    links: tuple[Link, ...] = ()
    not_yet: tuple[NotYet, ...] = ()
    inactive_after_seconds: int = 86_400
    #: Whether the source tells who held a case when; else `team` and `agent` are those of its end, and there are no stints.
    is_holding_told: bool = True

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


def _with_local_instants(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, dict):
        content: dict[str, Any] = {}
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
