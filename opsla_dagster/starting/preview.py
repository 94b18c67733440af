"""Three cases of a log as time lines in words, so that a person sees at a glance whether the log is read as it is meant.

Belongs here: choosing the three, and their lines. Does not belong here: what the proposal says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from opsla_dagster.figures import nearest, rounded
from opsla_dagster.sources.event_log.repeated_hours import passes_of
from opsla_dagster.starting.proposing import STANDINGS, LogProposal
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import spelled_alike
from opsla_dagster.status import TERMINAL_STATUSES, Signal
from opsla_dagster.warehouse.sql import literal

#: What happens to a case, in the present tense.
_HAPPENS = {
    Signal.INTAKE: "comes in", Signal.TRIAGE: "is looked at", Signal.ASSIGNED: "gets an owner", Signal.INVESTIGATION: "is worked on",
    Signal.ESCALATED: "goes to a higher line", Signal.CUSTOMER_WAIT: "waits for the customer", Signal.VENDOR_WAIT: "waits for a third party",
    Signal.ON_HOLD: "waits", Signal.REVIEW_QA: "is reviewed", Signal.RESOLVED: "is solved", Signal.CLOSED: "is over",
    Signal.CANCELLED: "ends without a solution", Signal.MERGED: "goes on in another case", Signal.REOPENED: "is open again",
    Signal.CUSTOMER_MESSAGE: "the customer writes", Signal.PUBLIC_REPLY: "the customer is answered", Signal.BOT_REPLY: "a bot answers",
    Signal.PRIVATE_NOTE: "an agent takes a note",
}
_MOST_CASES = 3
#: Lines of a case that are shown; of a longer one its beginning and its end.
_MOST_LINES = 8
_FIRST_LINES = 5


@dataclass(frozen=True)
class Step:
    """Something that happened to a case; `at` is an instant, shown in the desk's zone."""

    at: datetime
    word: str
    signal: Signal


@dataclass(frozen=True)
class TimeLine:
    """One case, and why it was chosen."""

    case: str
    why: str
    steps: Sequence[Step]


def time_lines(log: Log, proposal: LogProposal) -> list[TimeLine]:
    """A case that went the usual way, the one with the most records, and one that has not ended (else one that came back after an end)."""
    steps = _steps(log, proposal)
    cases = log.select(
        f"""
        select
            case_key, string_agg(signal, ' ' order by place) as way, count(*) as steps, count(*) over (partition by string_agg(signal, ' ' order by place)) as fellows,
            arg_max(signal, place) filter (is_status) as last, count(*) filter (is_after_end) as returns,
            max(at_utc) - min(at_utc) as apart
        from (
            select *, is_status and signal not in ({_listed(TERMINAL_STATUSES)}) and lag(signal) over (partition by case_key order by place) in ({_listed(TERMINAL_STATUSES)}) as is_after_end
            from ({steps})
        )
        group by case_key
        order by case_key
        """
    )
    if not cases:
        return []
    ended = [each for each in cases if each[4] in TERMINAL_STATUSES]
    usual = max(ended or cases, key=lambda each: each[3])
    longest = max(cases, key=lambda each: each[2])
    slowest = max(ended or cases, key=lambda each: each[6])
    telling = [
        ([usual], f"the usual way, as {usual[3]:,} cases" if usual[3] > 1 else "one of them"),
        ([longest], "the most records"),
        ([each for each in cases if each[4] not in TERMINAL_STATUSES], "has not ended"),
        ([each for each in cases if each[5]], "came back after an end"),
        ([slowest], "the slowest"),
        *(([each], "another one") for each in cases[:_MOST_CASES]),
    ]
    chosen: dict[str, str] = {}
    for found, why in telling:
        if (case := next((each[0] for each in found if each[0] not in chosen), None)) is not None and len(chosen) < _MOST_CASES:
            chosen[case] = why
    rows = log.select(f"select case_key, at_utc, earliest_utc, word, signal from ({steps}) where case_key in ({_listed(chosen)}) order by case_key, place")
    zone = ZoneInfo(proposal.timezone)
    return [TimeLine(case, why, _placed([row[1:] for row in rows if row[0] == case], zone)) for case, why in chosen.items()]


def _placed(rows: Sequence[tuple[datetime, datetime, str, str]], zone: ZoneInfo) -> list[Step]:
    """The steps of a case; of the two passes of a repeated hour the one that the source will take."""
    possible = [[(each, 0) for each in sorted({earliest, at})] for at, earliest, _, _ in rows]
    chosen = passes_of(possible).chosen if rows else []
    instants = [stamp[n][0].replace(tzinfo=UTC).astimezone(zone) for stamp, n in zip(possible, chosen, strict=True)]
    return [Step(at, word, Signal(signal)) for at, (_, _, word, signal) in zip(instants, rows, strict=True)]


def lines_of(time_lines: Sequence[TimeLine]) -> list[str]:
    """The time lines as text."""
    lines = []
    for each in time_lines:
        lines.append(f"{each.case} ({each.why}):")
        shown = list(zip([None, *each.steps], each.steps, strict=False))
        left_out = len(shown) - _MOST_LINES
        for number, (before, step) in enumerate(shown):
            if left_out > 0 and number == _FIRST_LINES:
                lines.append(f"  ... {left_out} more")
            if left_out > 0 and _FIRST_LINES <= number < _FIRST_LINES + left_out:
                continue
            lines.append(f"  {step.at:%a %Y-%m-%d %H:%M}  {_HAPPENS[step.signal]} ({step.word}){_later(before, step)}")
    return lines


def _later(before: Step | None, step: Step) -> str:
    if before is None:
        return ""
    apart = step.at.astimezone(UTC) - before.at.astimezone(UTC)
    if apart < timedelta():
        return f", {_span(-apart)} EARLIER"
    return f", {_span(apart)} later" if apart else ", at once"


def _span(apart: timedelta) -> str:
    minutes = apart.total_seconds() / 60
    if minutes < 1:
        return f"{nearest(apart.total_seconds())} s"
    if minutes < 120:
        return f"{nearest(minutes)} min"
    return f"{rounded(minutes / 60, 1)} h" if minutes < 48 * 60 else f"{rounded(minutes / 1440, 1)} days"


def _steps(log: Log, proposal: LogProposal) -> str:
    """SQL: case_key, at_utc and the earliest_utc that it can be, word, signal, is_status, place: what is known to have happened, in order."""
    case = proposal.columns["case_id"]
    zone = proposal.zone_read
    if proposal.form == "cases":
        parts = [
            f"select case_key, instant, earliest, file_number, row_number, {literal(column)} as word, {literal(signal)} as signal "
            f"from ({log.records_in_order(case, column, proposal.time_format, zone, by_stamp=False, newest_first=False)})"
            for column, signal in proposal.milestones.items()
        ]
        order = ", ".join(f"when {literal(signal)} then {number}" for number, signal in enumerate(Signal)).replace(", when", " when")
        stamps = f"select * from ({' union all '.join(parts)}) semi join ({_last_rows(log, proposal)}) as last_rows using (case_key, file_number, row_number)"
        found = f"select *, row_number() over (partition by case_key order by instant, case signal {order} end) as place from ({_with_standings(log, proposal, stamps)})"
    elif proposal.form == "changes":
        found = _changes(log, proposal)
    else:
        status = log.columns[proposal.columns["status"]].sql
        known = _known(proposal, log.words(proposal.columns["status"]), frozenset(Signal))
        said = _said(status, known)
        records = log.records_in_order(
            case, proposal.columns["event_ts"], proposal.time_format, zone, by_stamp=bool(proposal.order_by), newest_first=proposal.newest_first,
            ties_by=proposal.order_by[1] if proposal.order_by[1:] else None,
        )
        bot = ""
        if proposal.bots:
            replies = [word for word, signal in known.items() if signal == Signal.PUBLIC_REPLY]
            agent = log.columns[proposal.columns["agent"]].sql
            bot = f"when {status} in ({_listed(replies)}) and {agent} in ({_listed(proposal.bots)}) then {literal(Signal.BOT_REPLY)}"
        found = f"select case_key, instant, earliest, {status} as word, case {bot} {said} end as signal, place from ({records})"
    messages = _listed(signal for signal in Signal if not signal.is_status)
    return (
        f"select case_key, timezone('UTC', instant) as at_utc, timezone('UTC', earliest) as earliest_utc, word, signal, signal not in ({messages}) as is_status, place "
        f"from ({found}) where signal is not null"
    )


def _with_standings(log: Log, proposal: LogProposal, stamps: str) -> str:
    """SQL: the `stamps` of the cases, and how a case without an end stands since the last change of its row, where that is told."""
    if not {"status", "updated_ts"} <= {*proposal.columns}:
        return stamps
    known = _known(proposal, log.words(proposal.columns["status"]), STANDINGS - {Signal.REOPENED})
    if not known:
        return stamps
    changes = log.records_in_order(proposal.columns["case_id"], proposal.columns["updated_ts"], proposal.time_format, proposal.zone_read, by_stamp=False, newest_first=False)
    status = log.columns[proposal.columns["status"]].sql
    return f"""
        with stamps as ({stamps}),
        changes as (select case_key, instant, earliest, file_number, row_number, {status} as word, case {_said(status, known)} end as signal from ({changes}))
        select * from stamps
        union all
        select * from changes
        where
            signal is not null and instant is not null
            and (case_key, file_number, row_number) in (select (case_key, file_number, row_number) from stamps)
            and case_key not in (select case_key from stamps where signal in ({_listed(TERMINAL_STATUSES)}))
    """


def _known(proposal: LogProposal, words: Iterable[str], wanted: Collection[Signal]) -> dict[str, Signal]:
    """Those of a log's `words` for statuses that mean one of the `wanted` signals, and which."""
    signals = {spelled_alike(word): signal for word, signal in proposal.statuses.items() if signal in wanted}
    return {word: signals[spelled_alike(word)] for word in words if spelled_alike(word) in signals}


def _said(status: str, known: Mapping[str, Signal]) -> str:
    """SQL: the branches of a CASE that say what each word of the `status`, an expression, means."""
    return " ".join(f"when {status} = {literal(word)} then {literal(signal)}" for word, signal in known.items())


def _changes(log: Log, proposal: LogProposal) -> str:
    """SQL as `_steps` has it: a case comes in with its first record, in the status that its first change says it had; then each change of its status.

    A first change of status at the instant of the first record, from nothing or to INTAKE, is the coming in itself.
    """
    field, old, new = (log.columns[proposal.columns[name]].sql for name in ("field", "old_value", "new_value"))
    spelled = {word for cell in (old, new) for (word,) in log.select(f"select distinct {cell} from log where {cell} is not null")}
    known = _known(proposal, sorted(spelled), frozenset(Signal))
    is_status = f"{field} in ({_listed(word for word, meaning in proposal.fields.items() if meaning == 'status')})"
    records = log.records_in_order(proposal.columns["case_id"], proposal.columns["event_ts"], proposal.time_format, proposal.zone_read, by_stamp=True, newest_first=False)
    meant, becomes = (f"case {_said(cell, known)} end" if known else "cast(null as varchar)" for cell in ("word", new))
    return f"""
        select case_key, instant, earliest, word, coalesce({meant}, case when place = 0 then {literal(Signal.INTAKE)} end) as signal, place
        from (
            select case_key, instant, earliest, {new} as word, place from ({records}) where {is_status} and {new} is not null
            union all
            select case_key, min(instant), min(earliest), coalesce(arg_min({old}, place) filter ({is_status} and {old} is not null), 'its first record'), 0
            from (select *, min(instant) over (partition by case_key) as first from ({records}))
            group by case_key
            having not coalesce(arg_min(instant = first and ({old} is null or {becomes} = {literal(Signal.INTAKE)}), place) filter ({is_status}), false)
        )
    """


def _last_rows(log: Log, proposal: LogProposal) -> str:
    """SQL: case_key, file_number and row_number of the row that counts, where a case has several: the last one, as the source takes it."""

    def records(column: str) -> str:
        return log.records_in_order(proposal.columns["case_id"], column, proposal.time_format, proposal.zone_read, by_stamp=False, newest_first=False)

    opened = next(column for column, signal in proposal.milestones.items() if signal == Signal.INTAKE)
    updated = f"select file_number, row_number, instant as updated_at from ({records(proposal.columns.get('updated_ts', opened))})"
    order = "updated_at desc nulls last, " if "updated_ts" in proposal.columns else ""
    return (
        f"select case_key, file_number, row_number from ({records(opened)}) left join ({updated}) using (file_number, row_number) "
        f"qualify row_number() over (partition by case_key order by {order}file_number desc, row_number desc) = 1"
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(literal(str(word)) for word in words)
