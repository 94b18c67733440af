"""Gaps between the intake dates that are loaded: what came in on them is not known, and a 0 of then is no figure.

Belongs here: finding them in the published marts, and the sentence. Does not belong here: where it is shown.
"""

from __future__ import annotations

from datetime import timedelta

import duckdb

from opsla_dagster.reporting import wording

_GAPS = """
    with loaded as (
        select distinct intake_date from ops.refreshed_partitions
    ),
    gaps as (
        select intake_date + 1 as first_date, lead(intake_date) over (order by intake_date) - 1 as last_date from loaded
    )
    select cast(sum(last_date - first_date + 1) as bigint), min(first_date), max(last_date) from gaps where last_date >= first_date
"""


def unloaded_dates(connection: duckdb.DuckDBPyConnection) -> str:
    """What a reader has to know of intake dates between the first and the last loaded one that no source has loaded; empty where there are none."""
    dates, first, last = connection.execute(_GAPS).fetchone() or (None, None, None)
    if not dates:
        return ""
    which = f"{wording.count(dates)} intake dates from {first} to {last} are" if dates > 1 else f"The intake date {first} is"
    return (
        f"{which} not loaded: what came in then is in no figure, of then or of what was open since, and a 0 of then says nothing. "
        f"`opsla run --start {first} --end {last + timedelta(days=1)}` loads what the sources have."
    )
