"""Two tables that are no assets: they say of rows of other tables what those were made of, and which were never published.

They are there once the file is open: two tables made at a time must not both create them. Belongs here: their names and columns. Does not belong
here: what is written into them (loads.py, changed_dates.py).
"""

from __future__ import annotations

import duckdb

#: The digest of a partitioned table is its load, its settings and its SQL, with blanks between; of one kept by the desk's dates, what they follow from.
MADE_DATES = "ops.made_dates"
#: The dates of tables kept by dates that were made since the marts were published.
UNPUBLISHED_DATES = "ops.unpublished_dates"
_COLUMNS = {MADE_DATES: "(table_name varchar, made_date date, digest varchar)", UNPUBLISHED_DATES: "(table_name varchar, made_date date)"}


def create_bookkeeping(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates what is not there yet."""
    for name, columns in _COLUMNS.items():
        connection.execute(f"create table if not exists {name} {columns}")
