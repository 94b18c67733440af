"""SLA computation through `staging.business_time`, beside the brief's own way: a minute spine and ASOF joins.

Both make the brief's case metrics (first touch; resolution with customer wait counted, and paused in it) from the same
milestones and status spans, and are the same SELECT but for the look-up of an instant. Both are held against
`staging.case_sla_metrics`, and that against a walk over every second of some cases.

Both read, join, add up and write the same rows, whatever a look-up costs. That same SELECT without any look-up is the floor of both; what
they take beyond it is what their look-ups take, and is compared by itself.

The product's own road is longer: any policy, reopens, every second attributed, due instants. It is shown beside the others.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.desk import Scale, desk_settings, run_bare, settled_at, window_of
from benchmarks.measure import Asked, Cost, Figure, Work, compared, taking_turns
from benchmarks.second_walk import differing_cases
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.minute_spine import business_minutes
from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.connection import open_duckdb
from opsla_dagster.warehouse.sql import bind, load_sql, sql_path
from opsla_dagster.window import ONE_DAY, Window

FULL = Scale(cases=300_000, days=180, rounds=7)
QUICK = Scale(cases=20_000, days=10, rounds=1)
ASKED = Asked(at_least=2.0)
#: Of the look-ups alone, with the floor of both taken off.
ASKED_OF_LOOK_UPS = Asked(at_least=3.0)
NONE = Asked(at_most=0, at_any_scale=True)
WALKED_CASES = 5_000
SQL = Path(__file__).with_name("sql")
#: The spine begins and ends so far beyond the instants that are looked up in it.
MARGIN = timedelta(days=7)
_LEAST_SECONDS = 0.001


def measure(place: Path, *, quick: bool) -> list[Figure]:
    scale = QUICK if quick else FULL
    settings = desk_settings(place, scale.cases)
    window = window_of(settings, scale.days)
    run_bare(settings, window, settled_at(window))
    connection = open_duckdb(settings.home.warehouse, read_only=False, config=settings.home.duckdb_config())
    try:
        _lay_spine(connection, settings)
        return _measure(connection, settings, window, scale.rounds)
    finally:
        connection.close()


def _measure(
    connection: duckdb.DuckDBPyConnection, settings: Settings, window: Window, rounds: int
) -> list[Figure]:
    by_business_time = _making(connection, "by_business_time", SQL / "metrics_by_business_time.sql", window)
    by_spine = _making(connection, "by_spine", SQL / "metrics_by_minute_spine.sql", window)
    clocks = [_making(connection, name.split(".")[1], sql_path(name), window) for name in CLOCK_PIPELINE]
    metrics = _making(connection, "metrics", sql_path("staging.case_sla_metrics"), window)
    differing, walked = differing_cases(connection, settings.calendars, WALKED_CASES)
    without = _making(connection, "without_look_ups", SQL / "metrics_without_look_ups.sql", window)
    ours, theirs, floor, general = taking_turns(
        rounds, by_business_time, by_spine, without, lambda: [make() for make in (*clocks, metrics)]
    )
    return [
        compared("case metrics by minute spine and ASOF joins", theirs, "through business_time", ours, ASKED),
        compared("  their look-ups alone", _beyond(theirs, floor), "through business_time", _beyond(ours, floor), ASKED_OF_LOOK_UPS),
        compared("  minute spine and ASOF joins", theirs, "the same without any look-up", floor),
        Figure("  cases on which the two differ", _differing(connection, "by_spine", "by_business_time"), "cases", asked=NONE),
        Figure("  cases on which the product differs", _differing(connection, "by_spine", "metrics"), "cases", asked=NONE),
        Figure(f"  of {walked:,} random cases, other than a walk over every second", differing, "cases", asked=NONE),
        compared("promises, cycles, spans, clocks and metrics", general, "minute spine and ASOF joins", theirs),
    ]


def _beyond(cost: Cost, floor: Cost) -> Cost:
    """What is above the floor; at a scale too small to tell, next to nothing."""
    return Cost(max(cost.wall - floor.wall, _LEAST_SECONDS), max(cost.cpu - floor.cpu, _LEAST_SECONDS))


def _lay_spine(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """A spine beyond the last resolved instant: the brief's own ends with the window, and cuts the longest cases short."""
    [(first, last)] = connection.execute(
        "select cast(min(intake_ts) as date), cast(max(resolved_ts) as date) from staging.case_milestones"
    ).fetchall()
    spine = business_minutes(settings.calendars, Window(first - MARGIN, last + MARGIN + ONE_DAY))
    connection.register("minutes", spine)
    connection.execute("create temp table spine as select minute_start_at, minute_number from minutes order by minute_start_at")
    connection.unregister("minutes")


def _making(connection: duckdb.DuckDBPyConnection, name: str, path: Path, window: Window) -> Work:
    select = load_sql(path)
    return lambda: connection.execute(f"create or replace temp table {name} as {select}", bind(select, window))


def _differing(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    """Cases that are not the same, to the second, in both tables of metrics."""
    columns = ", ".join(row[0] for row in connection.execute("describe by_spine").fetchall())
    counted = connection.execute(f"""
        select count(distinct case_id) from (
            (select {columns} from {one} except select {columns} from {other})
            union all (select {columns} from {other} except select {columns} from {one})
        )
    """).fetchone()
    return int(counted[0]) if counted else 0
