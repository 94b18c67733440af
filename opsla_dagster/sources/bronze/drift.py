"""Schema drift: how the records of ticket systems differ from what is known of them.

Belongs here: the rows of ops.schema_drift, read from the bronze files. Does not belong here: noticing (shape.py), or judging.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.settings.tickets import AccountSettings
from opsla_dagster.sources.base import INSTANT
from opsla_dagster.sources.bronze.files import has_table, reading

#: One row: a field of a source's resource that is new, missing, of another type than is known, or has a word that is
#: not (found_type is the word), and since when.
SCHEMA_DRIFT = pa.schema([
    ("source", pa.string()), ("resource", pa.string()), ("field", pa.string()), ("change", pa.string()),
    ("expected_type", pa.string()), ("found_type", pa.string()), ("first_seen_at", INSTANT),
])


def schema_drift(settings: SourcesSettings, home: Home) -> pa.Table:
    """Schema SCHEMA_DRIFT, of every account of `settings` that was ever loaded, in the order of its first five columns.

    Raises OpslaError for a file that cannot be read.
    """
    accounts = [source.name for source in settings.sources if isinstance(source, AccountSettings)]
    return pa.concat_tables([SCHEMA_DRIFT.empty_table(), *(drift_of(name, bronze_file(home, name)) for name in accounts)])


def drift_of(account: str, path: Path) -> pa.Table:
    """Schema SCHEMA_DRIFT of one account."""
    if not path.exists():
        return SCHEMA_DRIFT.empty_table()
    with reading(account, path) as connection:
        if not has_table(connection, "schema_drift"):
            return SCHEMA_DRIFT.empty_table()
        return connection.sql(
            "select $account as source, resource, field, change, expected_type, found_type, min(first_seen_at) as first_seen_at "
            "from bronze.schema_drift group by resource, field, change, expected_type, found_type "
            "order by resource, field, change, expected_type, found_type",
            params={"account": account},
        ).to_arrow_table().select(SCHEMA_DRIFT.names).cast(SCHEMA_DRIFT)


def bronze_file(home: Home, account: str) -> Path:
    """Where an account's records lie."""
    return home.bronze / f"{account}.duckdb"


def sentences(rows: Iterable[tuple[str, str, str, str, str]]) -> list[str]:
    """(resource, field, change, expected type, found type) as a person reads it."""
    told = {"new": "is new ({found})", "missing": "is missing", "retyped": "is {found}, was {expected}", "unknown": "has a word that is not known: {found}"}
    return [
        f"{resource}.{field} {told[change].format(expected=expected, found=found)}"
        for resource, field, change, expected, found in rows
    ]
