"""An asset's last materialization is parsed once, however many tables read the asset.

Before each step Dagster asks the catalog for the last materializations of everything the step reads; in a run of all tables the same
event is asked for dozens of times. Belongs here: remembering what a row of the catalog says in JSON. Does not belong here: the rows, which
are read each time, since other processes write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster import AssetKey, EventLogRecord
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage


class KnownMaterializations(SqlEventLogStorage):
    """To be mixed in before a storage of Dagster's."""

    _parsed: Mapping[AssetKey, tuple[str, EventLogRecord]] = {}

    def _get_latest_materialization_records(self, raw_asset_rows: Iterable[Any]) -> Mapping[AssetKey, EventLogRecord | None]:
        """Of each row the record it holds. Rows of assets that were wiped are Dagster's to judge: what they hold may be gone."""
        known: dict[AssetKey, EventLogRecord | None] = {}
        unknown: dict[AssetKey, Any] = {}
        in_order: list[AssetKey] = []
        for row in raw_asset_rows:
            key = AssetKey.from_db_string(row["asset_key"])
            if key is None:
                continue
            in_order.append(key)
            text, record = self._parsed.get(key, ("", None))
            if record is not None and text == row["last_materialization"] and not row["asset_details"]:
                known[key] = record
            else:
                unknown[key] = row
        if not unknown:
            return known
        found = super()._get_latest_materialization_records(list(unknown.values()))
        parsed = {
            key: (row["last_materialization"], record)
            for key, row in unknown.items()
            if row["last_materialization"] and not row["asset_details"] and (record := found.get(key)) is not None
        }
        self._parsed = {**self._parsed, **parsed}
        records = {**known, **found}
        return {key: records[key] for key in in_order if key in records}
