"""What every load tells of a log beside the counts: what was made of its records by a rule, and what the log cannot tell.

Belongs here: those sentences, with counts and how to say otherwise. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Callable

from opsla_dagster.settings.sources import EventLogSettings, due_field
from opsla_dagster.sources.event_log.due import date_formats
from opsla_dagster.sources.event_log.mapping import folded
from opsla_dagster.sources.event_log.sql_text import literals
from opsla_dagster.status import MESSAGE_SIGNALS, TERMINAL_STATUSES, Signal, Status
from opsla_dagster.warehouse.sql import literal

Rows = Callable[[str], list[tuple[object, ...]]]
#: Names of bots that a sentence shows.
_SHOWN_BOTS = 3
#: Names that are nearly one, that a sentence shows.
_SHOWN_TEAMS = 3
_WAITING = (Signal.CUSTOMER_WAIT, Signal.VENDOR_WAIT, Signal.ON_HOLD)


def notes_of(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    """Sentences on the relation `events`, which `rows` queries; none where there is nothing to tell."""
    found = _dates(settings) + _opened(events, rows) + _teams(events, rows) + _due(settings, events, rows)
    if settings.form == "cases":
        return found + _cases(settings, events, rows)
    return found + _withdrawn(settings, events, rows) + _bots(settings, events, rows) + _contradictions(settings, events, rows)


def _dates(settings: EventLogSettings) -> list[str]:
    return [
        f"timestamps of the format {form} have no time of day: they count as the midnight that begins the day, so what begins and ends on one date "
        "takes 0 seconds"
        for form in date_formats(settings)[:1]
    ]


def _opened(events: str, rows: Rows) -> list[str]:
    count = _number(rows(f"select count(distinct case_id) from {events} where event_ts < intake_ts"))
    have = "has" if count == 1 else "have"
    return [f"{_cases_of(count)} {have} events stamped before the case came in: a clock that one of them stops is unknown"] if count else []


def _teams(events: str, rows: Rows) -> list[str]:
    """Teams that a person would take for one."""
    found = rows(f"""
        select string_agg('‘' || team || '’', ' and ' order by team)
        from (select distinct team from {events} where team is not null)
        group by {folded("team")}
        having count(*) > 1
        order by min(team)
    """)
    if not found:
        return []
    shown = "; ".join(str(names) for (names,) in found[:_SHOWN_TEAMS]) + (f"; and {len(found) - _SHOWN_TEAMS} more" if len(found) > _SHOWN_TEAMS else "")
    return [
        f"warning: teams whose names differ only in capitals or spaces count as different teams, and a change between them as a hand-off: {shown}; "
        "where they are one, the log has to write them alike"
    ]


def _bots(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    replies = [word for word, signal in settings.statuses.items() if signal == Signal.PUBLIC_REPLY]
    if settings.columns.agent is None or not replies:
        return []
    words = ", ".join(folded(literal(word)) for word in replies)
    by_bots = f"from {events} where status = '{Signal.BOT_REPLY}' and {folded('source_status')} in ({words})"
    names = [str(name) for (name,) in rows(f"select distinct event_agent {by_bots} and event_agent is not null order by event_agent")]
    count = _number(rows(f"select count(*) {by_bots}"))
    if not count:
        return []
    shown = ", ".join(names[:_SHOWN_BOTS]) + (f" and {len(names) - _SHOWN_BOTS} more" if len(names) > _SHOWN_BOTS else "")
    told = f" of {shown}" if names else ""
    is_by_name = settings.bots is None and settings.columns.author_kind is None
    otherwise = "; `bots: []` in sources.yml takes them for a person's, a list of names says which are bots" if is_by_name else ""
    replies_count = "1 reply" if count == 1 else f"{count:,} replies"
    return [f"{replies_count}{told} {'counts' if count == 1 else 'count'} as a bot's (BOT_REPLY), and stop{'s' if count == 1 else ''} no clock that waits for a person{otherwise}"]


def _due(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    notes = []
    for number, (metric, due) in enumerate(settings.due.items()):
        if not due.is_duration:
            count = _number(rows(f"select count(distinct case_id) from {events} where {due_field(number)}_at <= intake_ts"))
            if count:
                notes.append(
                    f"{_cases_of(count)} {'is' if count == 1 else 'are'} due at or before the opening (due.{metric}, column {due.column}): "
                    "such a promise is breached from the first second"
                )
    return notes


def _withdrawn(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    """Promises that end because a later record of the case has an empty cell."""
    if settings.empty_cells == "unchanged":
        return []
    notes = []
    for number, (metric, due) in enumerate(settings.due.items()):
        cell = f"{due_field(number)}_{'days' if due.is_duration else 'at'}"
        count = _number(rows(f"""
            select count(distinct case_id)
            from (
                select case_id, {cell}, lag({cell}) over (partition by case_id order by coalesce(event_ts, ingestion_ts), source_sequence) as told_before
                from {events}
                where {cell} is not null or status not in ({literals(MESSAGE_SIGNALS)})
            )
            where {cell} is null and told_before is not null
        """))
        if count:
            notes.append(
                f"warning: a later record of {_cases_of(count)} has no due.{metric} any more (column {due.column} is empty): the promise is withdrawn "
                "from then on; where the log repeats only what changed, `empty_cells: unchanged` in sources.yml keeps it"
            )
    return notes


def _contradictions(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    """Messages of which the status says another author than the column of authors."""
    if settings.columns.author_kind is None:
        return []
    notes = []
    for signal, author in ((Signal.BOT_REPLY, "bot"), (Signal.CUSTOMER_MESSAGE, "customer")):
        found = rows(f"select author_kind, count(*) from {events} where status = '{signal}' and author_kind <> '{author}' group by author_kind order by 1")
        for kind, count in found:
            by = "the customer" if kind == "customer" else f"a {kind}"
            notes.append(
                f"warning: {count:,} record{'' if count == 1 else 's'} {'is' if count == 1 else 'are'} {signal} by columns.status and by {by} by "
                f"columns.author_kind: clocks go by {signal}; map the word to PUBLIC_REPLY for the author to decide"
            )
    return notes


def _cases(settings: EventLogSettings, events: str, rows: Rows) -> list[str]:
    notes = []
    resolved = [column for column, signal in settings.milestones.items() if signal == Signal.RESOLVED]
    reopened = _number(rows(f"select count(distinct case_id) from {events} where reopen_count > 0"))
    if reopened and len(resolved) == 1:
        notes.append(
            f"{_cases_of(reopened)} {'was' if reopened == 1 else 'were'} reopened ({settings.columns.reopen_count}): the log has the timestamp of "
            f"one resolution only, mostly the last ({resolved[0]}), and clocks run to it"
        )
    reopens = [column for column, signal in settings.milestones.items() if signal == Signal.REOPENED]
    ends = literals(sorted(TERMINAL_STATUSES))
    overwritten = _number(rows(f"""
        select count(*)
        from (
            select
                case_id, min(event_ts) filter (where status = '{Status.REOPENED}') as reopened_ts,
                min(event_ts) filter (where status in ({ends})) as ended_ts
            from {events}
            group by case_id
        )
        where reopened_ts < ended_ts
    """)) if reopens else 0
    if overwritten:
        notes.append(
            f"{_cases_of(overwritten)} {'was' if overwritten == 1 else 'were'} reopened ({', '.join(reopens)}) before the first end that the row has a "
            "stamp of: the end before the reopen is not in the log, clocks run to the later one, and the reopen is counted"
        )
    unstamped = f"from {events} where event_ts is null and status"
    ended = _number(rows(f"select count(*) {unstamped} in ('{Status.CANCELLED}', '{Status.MERGED}')"))
    if ended:
        notes.append(f"{_cases_of(ended)} ended cancelled or merged at a time the log does not give: clocks still open then are unknown")
    open_again = _number(rows(f"select count(*) {unstamped} not in ('{Status.CANCELLED}', '{Status.MERGED}')"))
    if open_again:
        notes.append(f"{_cases_of(open_again)} {'stands' if open_again == 1 else 'stand'} open although the log has the timestamp of an end: reopened, but the log does not say when")
    standing = _number(rows(f"select count(*) from {events} where event_id = case_id || {literal(f'#{settings.columns.status}')} and event_ts is not null and status not in ({ends})"))
    if standing:
        has = "1 open case has its status" if standing == 1 else f"{standing:,} open cases have their status"
        notes.append(
            f"{has} from column {settings.columns.status}: it counts from the row's last change on ({settings.columns.updated_ts}); it may have begun earlier, "
            "which the log does not say"
        )
    waits = [word for word, signal in settings.statuses.items() if signal in _WAITING]
    told = [column for column, signal in settings.milestones.items() if signal in _WAITING]
    if waits and not told:
        notes.append("a log with one row per case does not say how long a case waited before it ended: clocks with and without pauses show the same time")
    return notes


def _number(found: list[tuple[object, ...]]) -> int:
    ((count,),) = found
    return count if isinstance(count, int) else 0


def _cases_of(number: int) -> str:
    return f"{number:,} case{'' if number == 1 else 's'}"
