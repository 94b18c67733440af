"""One row a case: which row of a case counts, and the events that its stamps and its status become.

Belongs here: the SQL of the form `cases`. Does not belong here: reading cells, which both forms share (mapping.py).
Rules and worked cases: docs/decisions/0020-one-row-a-case.md.
"""

from __future__ import annotations

from opsla_dagster.settings.sources import EventLogSettings, milestone_field
from opsla_dagster.sources.event_log.mapping import is_ended_by_stamps
from opsla_dagster.sources.event_log.sql_text import literals
from opsla_dagster.status import MESSAGE_SIGNALS, TERMINAL_STATUSES, Signal, Status
from opsla_dagster.warehouse.sql import literal

#: Ends without a solution: of such a case the stamps of an end are those of this end.
_UNSOLVED = (Status.CANCELLED, Status.MERGED)
#: Where a milestone stands in the order of a case: opening, what comes between, ends and reopens. Stamps order within a place.
_OPENING, _BETWEEN, _ENDS = 0, 1, 2


def intake_field(settings: EventLogSettings) -> str:
    """The field of the stamp with which a case came in."""
    return next(milestone_field(number) for number, signal in enumerate(settings.milestones.values()) if signal == Signal.INTAKE)


def milestones_in_order(settings: EventLogSettings) -> list[str]:
    """The fields of the milestones as they follow each other in a case: the opening, what lies between, ends and reopens."""
    placed = [(_place_of(signal), milestone_field(number)) for number, signal in enumerate(settings.milestones.values())]
    return [field for _, field in sorted(placed, key=lambda each: each[0])]


def _place_of(signal: Signal) -> int:
    is_end_or_reopen = signal.value in TERMINAL_STATUSES or signal == Signal.REOPENED
    return _OPENING if signal == Signal.INTAKE else _ENDS if is_end_or_reopen else _BETWEEN


def rows_that_count(settings: EventLogSettings) -> str:
    """SELECT over `numbered`: its rows with is_superseded and, of two that cannot be the same case, a fault.

    Of several usable rows of a case the last one counts, in the order of updated_ts, order_by and the files; the others are superseded.
    """
    opened = intake_field(settings)
    return f"""
        with ranked as (
            select
                *,
                fault is null as is_usable,
                row_number() over (
                    partition by case_id, fault is null
                    order by source_sequence desc
                ) as place_from_last
            from numbered
        ),
        compared as (
            select
                *,
                max({opened}) filter (is_usable and place_from_last = 1) over (partition by case_id) as opened_at_last,
                max(row_number) filter (is_usable and place_from_last = 1) over (partition by case_id) as last_row_number
            from ranked
        )
        select
            * exclude (fault, is_usable, place_from_last, opened_at_last, last_row_number),
            is_usable and place_from_last > 1 as is_superseded,
            case
                when fault is not null then fault
                when place_from_last > 1 and not is_ignored and {opened} <> opened_at_last then struct_pack(
                    field := 'case_id',
                    reason := 'row ' || last_row_number || ' has the same case id and another opening: one of both is another case'
                )
            end as fault
        from compared
    """


def replaced_cases(settings: EventLogSettings) -> str:
    """SELECT over `judged`: one row a case of which a row is superseded, and whether the row that counts has another stamp, or none, where that one has one."""
    replaced, kept = "is_superseded", "not is_superseded"
    stamps = [milestone_field(number) for number in range(len(settings.milestones))]
    is_otherwise = " or ".join(
        f"coalesce(min({stamp}) filter ({replaced}) <> max({stamp}) filter ({replaced}), false) "
        f"or (count({stamp}) filter ({replaced}) > 0 and max({stamp}) filter ({replaced}) is distinct from max({stamp}) filter ({kept}))"
        for stamp in stamps
    )
    return f"""
        select case_id, {is_otherwise} as is_otherwise
        from judged
        where fault is null and case_id in (select case_id from judged where is_superseded and fault is null)
        group by case_id
    """


def events(settings: EventLogSettings) -> str:
    """SELECT over `judged`: one row an event of a usable row, with event_id, status, source_status, event_ts, ingestion_ts, source_sequence.

    An event of which only is known that it has come by then has no event_ts: ingestion_ts is the last stamp of its row.
    """
    milestones = [
        _milestone(number, column, signal) for number, (column, signal) in enumerate(settings.milestones.items())
    ]
    if settings.columns.status is not None or settings.columns.merged_into is not None:
        milestones.append(_standing(settings))
    places = len(settings.milestones)
    # Each place numbers its own: a stamp that comes later moves none of those before it.
    return f"""
        select
            * exclude (place, position, event_team, event_agent),
            case place when {_OPENING} then 1 when {_BETWEEN} then 1 else {1 + places} end
            + case when place = {_OPENING} then 0 else row_number() over (
                partition by case_id, place
                order by coalesce(event_ts, ingestion_ts), position
            ) end as source_sequence,
            event_team, event_agent
        from ({" union all ".join(milestones)})
    """


def _row(status: str, source_status: str, event_ts: str, ingestion_ts: str, place: str, position: int, name: str) -> str:
    """SELECT list of an event. Who holds the case is known of its end alone, so no event names a team or an agent."""
    return f"""
        select
            * replace (case_id || '#' || {name} as event_id, {source_status} as source_status, {status} as status,
                {event_ts} as event_ts, {ingestion_ts} as ingestion_ts),
            {place} as place, {position} as position,
            cast(null as varchar) as event_team, cast(null as varchar) as event_agent
        from usable_cases
    """


def _milestone(number: int, column: str, signal: Signal) -> str:
    field, status = milestone_field(number), literal(signal)
    if signal.value in TERMINAL_STATUSES:
        status = f"case when status in ({literals(_UNSOLVED)}) then status else {status} end"
    return f"{_row(status, literal(column), field, field, str(_place_of(signal)), number, literal(column))} where {field} is not null"


def _standing(settings: EventLogSettings) -> str:
    """What the status says and no stamp does: that a case has ended without a solution, is open again after its last end, or how it stands while open.

    How an open case stands counts from the last change of its row on: then it stood so, and nothing says since when.
    """
    is_ended = is_ended_by_stamps(settings)
    last = f"greatest({', '.join(_stamps(settings))})"
    is_unsolved = f"status in ({literals(_UNSOLVED)})"
    ended = "coalesce(closed_ts, resolved_ts, updated_ts)"
    stands = f"({is_standing_open(settings)} and updated_ts is not null)"
    changed = f"greatest({last}, updated_ts)"
    known = f"case when {is_unsolved} then coalesce({ended}, {last}) else {changed} end"
    happened = f"case when {is_unsolved} then {ended} when {stands} then {changed} end"
    no_status = literals([*MESSAGE_SIGNALS, *sorted(TERMINAL_STATUSES)])
    status = f"case status when '{Status.INTAKE}' then '{Status.REOPENED}' else status end"
    name = literal(settings.columns.status or settings.columns.merged_into or "")
    row = _row(status, f"coalesce(source_status, {name})", happened, known, str(_ENDS), len(settings.milestones), name)
    return f"{row} where ({is_unsolved} and not {is_ended}) or (status not in ({no_status}) and {is_ended}) or {stands}"


def is_standing_open(settings: EventLogSettings) -> str:
    """SQL of a row: whether its status says of an open case what no stamp of it does.

    INTAKE says no more than the opening, and REOPENED no more than the stamp of a reopen.
    """
    reopens = [milestone_field(number) for number, signal in enumerate(settings.milestones.values()) if signal == Signal.REOPENED]
    is_told = f"(status = '{Status.REOPENED}' and coalesce({', '.join(reopens)}) is not null)" if reopens else "false"
    no_standing = literals([*MESSAGE_SIGNALS, *sorted(TERMINAL_STATUSES), Status.INTAKE])
    return f"(status not in ({no_standing}) and not {is_ended_by_stamps(settings)} and not {is_told})"


def _stamps(settings: EventLogSettings) -> list[str]:
    return [milestone_field(number) for number in range(len(settings.milestones))]
