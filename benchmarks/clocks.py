"""Clocks by the million: F look-ups on five calendars, and whole clocks, at one million and at ten.

Look-ups are the ones of sql/staging/clocks/sla_clock_spans.sql: the open seconds of a calendar up to an instant, two a clock. Whole clocks are its spans and
verdicts, made in windows as a run makes them. Per clock, ten million must take hardly longer than one.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.measure import Asked, Cost, Figure, compared, cost_of
from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.connection import SCHEMAS
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table, replace_whole, replace_window
from opsla_dagster.window import ONE_DAY, Window

CALENDARS = CalendarsSettings.model_validate({
    "horizon": {"start": "2024-01-01", "end": "2027-01-01"},
    "calendars": {
        "new_york": {"zone": "America/New_York", "hours": {"mon-fri": ["08:00-18:00"]}, "public_holidays": [{"country": "US"}]},
        "kathmandu": {"zone": "Asia/Kathmandu", "hours": {"sun-fri": ["10:00-13:00", "14:00-17:00"]}},
        "sydney_nights": {"zone": "Australia/Sydney", "hours": {"mon-sun": ["22:00-06:00"]}},
        "berlin": {"zone": "Europe/Berlin", "hours": {"mon-thu": ["08:00-12:00", "13:00-17:30"], "fri": ["08:00-14:00"]}},
        "always": {"zone": "UTC", "always_open": True},
    },
})
THREADS = 2
LOOK_UPS_A_SECOND = Asked(at_least=2_000_000)
#: Ten times as many clocks, and a fifth more a clock.
LINEAR = Asked(at_most=12)
_START = date(2025, 1, 1)
_DAYS = 200
_LOOK_UPS = """
    select sum(stop_time.open_seconds_before + case when stop_time.is_open
            then (epoch_us(runs.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000 else 0 end
        - start_time.open_seconds_before - case when start_time.is_open
            then (epoch_us(runs.started_at) - epoch_us(start_time.segment_start_at)) // 1000000 else 0 end)
    from staging.sla_clock_windows as runs
    left join staging.business_time as start_time
        on runs.calendar = start_time.calendar and cast(runs.started_at as date) = start_time.utc_date
        and runs.started_at >= start_time.segment_start_at and runs.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on runs.calendar = stop_time.calendar and cast(runs.stopped_at as date) = stop_time.utc_date
        and runs.stopped_at >= stop_time.segment_start_at and runs.stopped_at < stop_time.segment_end_at
"""


def measure(place: Path, *, quick: bool) -> list[Figure]:
    few = 20_000 if quick else 1_000_000
    counted: dict[int, tuple[Cost, Cost]] = {}
    for clocks in (few, 10 * few):
        with duckdb.connect(str(place / f"{clocks}.duckdb"), config={"threads": THREADS}) as connection:
            _fill(connection, clocks)
            look_ups = min((cost_of(lambda: connection.execute(_LOOK_UPS).fetchall()) for _ in range(3)), key=lambda cost: cost.wall)
            counted[clocks] = look_ups, cost_of(lambda: _make(connection))
    (one, made_one), (ten, made_ten) = counted[few], counted[10 * few]
    return [
        Figure(f"F look-ups a second, {few:,} clocks on 5 calendars", 2 * few / one.wall, "look-ups/s", asked=LOOK_UPS_A_SECOND),
        Figure(f"  {10 * few:,} clocks", 20 * few / ten.wall, "look-ups/s", asked=LOOK_UPS_A_SECOND),
        compared(f"look-ups of {10 * few:,} clocks", ten, f"of {few:,}", one, LINEAR),
        compared(f"spans and verdicts of {10 * few:,} clocks", made_ten, f"of {few:,}", made_one, LINEAR),
    ]


def _fill(connection: duckdb.DuckDBPyConnection, clocks: int) -> None:
    """Clocks of every calendar, of minutes to weeks, in intake-date order, as a run would have written them."""
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")
    for table in TABLES.values():
        if table.schema == "staging" and table.name.split(".")[1] in (
            "sla_clock_windows", "case_sla_calendars", "sla_cycles", "status_spans", "sla_metric_rules", "sla_clock_spans", "sla_clocks",
        ):
            ensure_table(connection, table)
    replace_whole(connection, TABLES["staging.business_time"], business_time(CALENDARS))
    replace_whole(connection, TABLES["staging.business_hours_dim"], business_hours(CALENDARS))
    draw = np.random.default_rng(20251121)
    connection.register("drawn", pa.table({
        "number": np.arange(clocks),
        "seconds": draw.integers(0, 86_400, clocks),
        "lasted": np.exp(draw.uniform(np.log(60), np.log(40 * 86_400), clocks)).astype(np.int64),
    }))
    names = ", ".join(f"'{name}'" for name in CALENDARS.calendars)
    connection.execute(f"""
        insert into staging.sla_clock_windows by name
        select
            'bench' as source, 'C' || number as case_id, date '{_START}' + cast(number * {_DAYS} // {clocks} as integer) as intake_date,
            'all' as policy, 'first_resolution' as metric, 'freeze' as reopen, 1 as cycle, [{names}][1 + number % 5] as calendar,
            86400 as target_seconds, 'in_force' as schedule_change, false as is_calendar_changed, false as is_source_promise,
            cast(date '{_START}' + cast(number * {_DAYS} // {clocks} as integer) as timestamp) + to_seconds(seconds) as started_at,
            started_at as counted_from_at, started_at + to_seconds(lasted) as stopped_at, false as is_superseded,
            true as is_stopped_by_event
        from drawn
        order by number
    """)
    connection.unregister("drawn")


def _make(connection: duckdb.DuckDBPyConnection) -> None:
    window = Window(_START, _START + timedelta(days=_DAYS))
    rows = connection.execute("select count(*) from staging.sla_clock_windows").fetchall()[0][0]
    parts = list(window.split(max(1, _DAYS * 300_000 // max(rows, 300_000))))
    for name in ("staging.sla_clock_spans", "staging.sla_clocks"):
        select = load_sql(sql_path(name))
        replace_window(connection, TABLES[name], Window(window.start, window.last + ONE_DAY), ((part, select) for part in parts))


