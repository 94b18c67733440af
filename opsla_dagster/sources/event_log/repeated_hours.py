"""Local stamps of an hour that the clocks repeat: which of its two passes each is of.

Belongs here: choosing by the order of a case. Does not belong here: finding the two instants (`stamp_sql`), or the order itself.

The records of a case follow each other in the source's order, so their instants should too: of all ways to place the stamps of a case,
those with the fewest steps back in time are possible. A stamp that has one pass in all of them is of that pass. Where both are possible
nothing tells, and the later one is taken and counted. Rules and the worked case: docs/decisions/0018-how-stamps-are-read.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import duckdb
import pyarrow as pa

#: Stamps that tell of the case, and are placed beside its events.
_CASE_FIELDS = ("intake_ts", "resolved_ts", "closed_ts", "ingestion_ts")
_EARLIER_PASSES = pa.schema([("case_id", pa.string()), ("source_sequence", pa.int64())])


@dataclass(frozen=True)
class Passes:
    """What the stamps of a case are of, in their order: which of the possible instants, and whether the order tells so."""

    chosen: list[int]
    is_told: list[bool]


@dataclass(frozen=True)
class PlacedHours:
    """Stamps of a repeated hour: those that the order of their case places, and those of which the later instant is taken."""

    by_order: int
    later: int


def place_repeated_hours(connection: duckdb.DuckDBPyConnection, milestones: Sequence[str] = (), due: Sequence[str] = ()) -> PlacedHours:
    """Sets the stamps of table `numbered` that are of the earlier pass; those of the later one are there already.

    `milestones` are the stamps of a row that is a case, in the order in which they come, `due` those by which something is promised.
    """
    found = connection.execute("""
        select
            case_id, source_sequence, status, event_ts, event_ts_earlier,
            case when intake_ts_earlier is null then intake_ts end, case when ingestion_ts_earlier is null then ingestion_ts end
        from numbered
        where
            fault is null and event_ts is not null
            and case_id in (select case_id from numbered where fault is null and event_ts_earlier is not null)
        order by case_id, source_sequence
    """).fetchall()
    earlier: list[tuple[str, int]] = []
    told = later = 0
    for case_id, rows in groupby(found, key=lambda row: str(row[0])):
        first_of = _events(list(rows))
        passes = passes_of([_possible(rows_of[0]) for rows_of in first_of])
        for event_rows, chosen, is_told in zip(first_of, passes.chosen, passes.is_told, strict=True):
            if event_rows[0][4] is None:
                continue
            told, later = (told + len(event_rows), later) if is_told else (told, later + len(event_rows))
            earlier += [(case_id, row[1]) for row in event_rows if chosen == 0]
    _set_earlier(connection, earlier)
    of_cases = _place_milestones(connection, milestones) if milestones else PlacedHours(0, 0)
    later += of_cases.later + sum(_place_beside_events(connection, field) for field in (*_CASE_FIELDS, *due))
    return PlacedHours(told + of_cases.by_order, later)


def _place_milestones(connection: duckdb.DuckDBPyConnection, fields: Sequence[str]) -> PlacedHours:
    """Sets the milestones of a row that are of the earlier pass, by their order within the row."""
    cells = ", ".join(f"{field}, {field}_earlier" for field in fields)
    is_repeated = " or ".join(f"{field}_earlier is not null" for field in fields)
    rows = connection.execute(f"select file_number, row_number, {cells} from numbered where fault is null and ({is_repeated})").fetchall()
    by_order = later = 0
    for file_number, row_number, *stamps in rows:
        possible = {
            field: [(each, 0) for each in (stamps[2 * number + 1], stamps[2 * number]) if each is not None]
            for number, field in enumerate(fields) if stamps[2 * number] is not None
        }  # fmt: skip
        for field, is_earlier in _told_by_the_opening(possible, fields[0]).items():
            by_order, later = (by_order + 1, later) if is_earlier is not None else (by_order, later + 1)
            if is_earlier:
                connection.execute(
                    f"update numbered set {field} = {field}_earlier where file_number = ? and row_number = ?", [file_number, row_number]
                )
    return PlacedHours(by_order, later)


def _told_by_the_opening(possible: Mapping[str, Sequence[tuple[datetime, int]]], opening: str) -> dict[str, bool | None]:
    """Field of a repeated hour -> whether it is of the earlier pass; None where nothing tells: a row orders its opening before the rest, and no more."""
    told: dict[str, bool | None] = {field: None for field, instants in possible.items() if len(instants) > 1}
    first = possible.get(opening, ())
    for field, instants in possible.items():
        if field == opening or not first:
            continue
        passes = passes_of([first, instants])
        for name, chosen, is_told in zip((opening, field), passes.chosen, passes.is_told, strict=True):
            if name in told and is_told:
                told[name] = chosen == 0
    return told


def passes_of(possible: Sequence[Sequence[tuple[datetime, int]]]) -> Passes:
    """The instants of a case: `possible` are those of each stamp, the earlier first, each with the steps back it makes by itself.

    Of the ways with the fewest steps back the one is chosen that has the later instants, from the end on.
    """
    ahead = _fewest_steps(possible, forwards=True)
    behind = _fewest_steps(possible, forwards=False)
    fewest = min(ahead[-1])
    is_told = []
    for stamp, before, after in zip(possible, ahead, behind, strict=True):
        ways = [n for n in range(len(stamp)) if before[n] + after[n] - stamp[n][1] == fewest]
        is_told.append(len(ways) == 1)
    chosen = [max(n for n, steps in enumerate(ahead[-1]) if steps == fewest)]
    for place in range(len(possible) - 1, 0, -1):
        here, own = possible[place][chosen[-1]]
        wanted = ahead[place][chosen[-1]] - own
        chosen.append(max(n for n, (instant, _) in enumerate(possible[place - 1]) if ahead[place - 1][n] + (here < instant) == wanted))
    return Passes(chosen[::-1], is_told)


def _fewest_steps(possible: Sequence[Sequence[tuple[datetime, int]]], *, forwards: bool) -> list[list[int]]:
    """Of each instant of each stamp, the fewest steps back on the way up to it, its own included; from the end where not forwards."""
    found: list[list[int]] = []
    run = possible if forwards else possible[::-1]
    for place, stamp in enumerate(run):
        if place == 0:
            found.append([own for _, own in stamp])
            continue
        found.append([
            own + min(
                steps + ((instant < other) if forwards else (other < instant))
                for (other, _), steps in zip(run[place - 1], found[-1], strict=True)
            )
            for instant, own in stamp
        ])  # fmt: skip
    return found if forwards else found[::-1]


_Row = tuple[str, int, str, datetime, datetime | None, datetime | None, datetime | None]


def _events(rows: list[_Row]) -> list[list[_Row]]:
    """The rows by event, in the order of the first of each: copies of a record in a repeated hour are of one pass."""
    events: dict[object, list[_Row]] = {}
    for row in rows:
        is_of_a_repeated_hour = row[4] is not None
        events.setdefault((row[2], row[4]) if is_of_a_repeated_hour else row[1], []).append(row)
    return list(events.values())


def _possible(row: _Row) -> list[tuple[datetime, int]]:
    """No event is before the intake of its case, or after its own ingestion."""
    _, _, _, later, earlier, intake, ingestion = row
    instants = [later] if earlier is None else [earlier, later]
    return [(each, (intake is not None and each < intake) + (ingestion is not None and each > ingestion)) for each in instants]


def _set_earlier(connection: duckdb.DuckDBPyConnection, earlier: Sequence[tuple[str, int]]) -> None:
    if not earlier:
        return
    rows = [dict(zip(_EARLIER_PASSES.names, row, strict=True)) for row in earlier]
    connection.register("earlier_passes", pa.Table.from_pylist(rows, schema=_EARLIER_PASSES))
    connection.execute("""
        update numbered set event_ts = event_ts_earlier
        from earlier_passes
        where numbered.case_id = earlier_passes.case_id and numbered.source_sequence = earlier_passes.source_sequence
    """)
    connection.unregister("earlier_passes")


def _place_beside_events(connection: duckdb.DuckDBPyConnection, field: str) -> int:
    """Sets the stamps of a field that are of the earlier pass; returns how many are taken as later although nothing tells.

    A stamp is of the pass of an event of its case with the same local time. An intake is no later than the first event of its case.
    """
    repeated = f"from numbered where fault is null and {field}_earlier is not null"
    ((count,),) = connection.execute(f"select count(*) {repeated}").fetchall()
    if not count:
        return 0
    is_too_late = f"numbered.{field} > events.first_event" if field == "intake_ts" else "false"
    connection.execute(f"""
        create or replace temporary table passes_beside_events as
        with events as (
            select case_id, event_ts, event_ts_local, min(event_ts) over (partition by case_id) as first_event
            from numbered
            where fault is null and event_ts is not null
        )
        select
            numbered.case_id, numbered.source_sequence,
            min(events.event_ts) filter (
                events.event_ts_local = numbered.{field}_local and events.event_ts in (numbered.{field}, numbered.{field}_earlier)
            ) as same,
            coalesce(bool_or({is_too_late}), false) as is_too_late
        from (select * {repeated}) as numbered
        left join events on events.case_id = numbered.case_id
        group by numbered.case_id, numbered.source_sequence
    """)
    connection.execute(f"""
        update numbered set {field} = coalesce(same, {field}_earlier)
        from passes_beside_events as beside
        where
            numbered.case_id = beside.case_id and numbered.source_sequence = beside.source_sequence
            and (same is not null or is_too_late)
    """)
    ((later,),) = connection.execute("select count(*) filter (same is null and not is_too_late) from passes_beside_events").fetchall()
    connection.execute("drop table passes_beside_events")
    return int(later)
