"""What may not meet in one warehouse: two simulations, or a log and a simulation, would count cases twice.

Belongs here: looking at what the warehouse holds before a table is made. Does not belong here: the message
(sources/desk.py).
"""

from __future__ import annotations

from datetime import date

from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.sources import desk
from opsla_dagster.sources.base import NO_CASES
from opsla_dagster.warehouse.relations import is_there
from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import ranges_of

#: Both are asked: a load that broke off half way has announced other parameters than the rest was made with.
_MEMORIES = ("raw.source_partitions", "ops.refreshed_partitions")
#: Ranges that a message names.
_SHOWN = 5


def refuse_mixtures(scope: Scope) -> None:
    """Raises OpslaError when dates outside those of the run were made from other sources or parameters than today's, or lie before the desk's."""
    dates = scope.run_dates or scope.dates
    elsewhere = f"not {in_dates('intake_date', dates)}" if dates else "true"
    held: list[tuple[str, str, date]] = []
    for table in (memory for memory in _MEMORIES if is_there(scope.connection, memory)):
        held += scope.connection.execute(
            f"select source, fingerprint, min(intake_date) from {table} "
            f"where {elsewhere} group by source, fingerprint order by 1, 2"
        ).fetchall()
    desk.refuse_mixtures(held, scope.desk.fingerprints())
    starts_on = scope.settings.sources.desk.start_date
    before = min((day for _, _, day in held), default=starts_on)
    if before < starts_on:
        raise OpslaError(
            f"sources.yml: desk.start_date is {starts_on}, and this warehouse holds intake dates from {before} on, which nothing would "
            "refresh any more; put start_date back, or start anew in another OPSLA_HOME"
        )


def refuse_the_unannounced(scope: Scope) -> None:
    """Raises OpslaError unless raw.source_partitions says, from today's sources, what every date is about to be loaded from.

    Without it a table that somebody materialises alone could mix what must not be mixed.
    """
    refuse_mixtures(scope)
    ensure_table(scope.connection, TABLES["raw.source_partitions"])
    dates = scope.own_dates
    announced = scope.connection.execute(
        "select source, fingerprint, min(intake_date), count(*) from raw.source_partitions "
        f"where {in_dates('intake_date', dates)} group by source, fingerprint order by 1, 2"
    ).fetchall()
    desk.refuse_mixtures([row[:3] for row in announced], scope.desk.fingerprints())
    if {row[0]: row[3] for row in announced} != dict.fromkeys(scope.desk.fingerprints(), dates.days):
        raise OpslaError(
            f"raw.source_partitions does not have every date of {dates}, and a date's cases and events are loaded after it; "
            "materialise raw.source_partitions with them"
        )
    _refuse_another_state(scope)


def _refuse_another_state(scope: Scope) -> None:
    """Raises OpslaError where the sources say otherwise, as of this run, than when raw.source_partitions was made: its rows would be of one state, these of another.

    What this run has announced itself need not be asked again.
    """
    held = {
        (source, day): digest
        for source, day, digest in scope.connection.execute(
            f"select source, intake_date, digest from raw.source_partitions where {in_dates('intake_date', scope.own_dates)}"
        ).fetchall()
    }
    of_other_runs = {key: digest for key, digest in held.items() if scope.desk.announced.get(key) != (digest, scope.as_of_at)}
    for window in ranges_of(day for _, day in of_other_runs):
        states = scope.desk.partition_states(window, scope.as_of_at).to_pylist()
        said = {(state["source"], state["intake_date"]): state["digest"] for state in states}
        changed = sorted(day for (source, day), digest in of_other_runs.items() if day in window and said.get((source, day), NO_CASES) != digest)
        if changed:
            raise OpslaError(
                f"the sources have changed since raw.source_partitions was made: {counted(len(changed), 'intake date')} from {changed[0]} on; "
                f"materialise all assets of these dates together, or `opsla run --start {changed[0]}`"
            )


def refuse_unannounced_dates(scope: Scope) -> None:
    """Raises OpslaError unless raw.source_partitions has every date to be made."""
    ensure_table(scope.connection, TABLES["raw.source_partitions"])
    found = scope.connection.execute(
        f"select distinct intake_date from raw.source_partitions where {in_dates('intake_date', scope.own_dates)}"
    ).fetchall()
    _refuse(set(scope.own_dates.dates()) - {day for (day,) in found})


def refuse_unloaded_dates(scope: Scope) -> None:
    """Raises OpslaError unless the sources of every date to be made were loaded: a table without rows would look like a day without cases."""
    dates = scope.own_dates
    for table in ("raw.source_partitions", "raw.cases"):
        ensure_table(scope.connection, TABLES[table])
    announced = dict(
        scope.connection.execute(
            f"select intake_date, sum(cases) from raw.source_partitions where {in_dates('intake_date', dates)} group by intake_date"
        ).fetchall()
    )
    loaded = dict(
        scope.connection.execute(
            f"select intake_date, count(*) from raw.cases where {in_dates('intake_date', dates)} group by intake_date"
        ).fetchall()
    )
    _refuse({day for day in dates.dates() if day not in announced or announced[day] != loaded.get(day, 0)})


def _refuse(unloaded: set[date]) -> None:
    missing = ranges_of(unloaded)
    if missing:
        shown = ", ".join(map(str, missing[:_SHOWN])) + (f" and {len(missing) - _SHOWN} more ranges" if len(missing) > _SHOWN else "")
        raise OpslaError(
            f"the sources of {shown} were never loaded, or not to the end, so that nothing can be made of them; materialise all assets "
            f"of these dates together, or `opsla run --start {missing[0].start} --end {missing[0].end}`"
        )
