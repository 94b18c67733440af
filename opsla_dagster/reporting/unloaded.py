"""Gaps between the intake dates that are loaded: what came in on them is not known, and a 0 of then is no figure.

Belongs here: finding them in the published marts, and the sentence. Does not belong here: where it is shown.
"""

from __future__ import annotations

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.window import ONE_DAY, Window, load_command, not_loaded


def unloaded_dates(connection: duckdb.DuckDBPyConnection) -> str:
    """What a reader has to know of intake dates between the first and the last loaded one that no source has loaded; empty where there are none."""
    loaded = {day for (day,) in connection.execute("select distinct intake_date from ops.refreshed_partitions").fetchall()}
    missing = set(Window(min(loaded), max(loaded) + ONE_DAY).dates()) - loaded if loaded else set()
    if not missing:
        return ""
    return (
        f"{wording.sentence(not_loaded(missing))}: what came in then is in no figure, of then or of what was open since, and a 0 of then says nothing. "
        f"{load_command(missing)} loads what the sources have."
    )
