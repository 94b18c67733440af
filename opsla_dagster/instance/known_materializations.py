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

    _parsed: Mapping[str, tuple[str, EventLogRecord]] = {}

    def _get_latest_materialization_records(self, raw_asset_rows: Iterable[Any]) -> Mapping[AssetKey, EventLogRecord | None]:
        """Of each row the record it holds. Rows of assets that were wiped are Dagster's to judge: what they hold may be gone."""
        known: dict[AssetKey, EventLogRecord | None] = {}
        unknown = []
        for row in raw_asset_rows:
            text, parsed = self._parsed.get(row["asset_key"], ("", None))
            key = AssetKey.from_db_string(row["asset_key"])
            if key is not None and parsed is not None and row["last_materialization"] == text and not row["asset_details"]:
                known[key] = parsed
            else:
                unknown.append(row)
        if not unknown:
            return known
        found = super()._get_latest_materialization_records(unknown)
        held = {row["asset_key"]: (row["last_materialization"], found.get(AssetKey.from_db_string(row["asset_key"]))) for row in unknown if not row["asset_details"]}
        self._parsed = {**self._parsed, **{name: (text, record) for name, (text, record) in held.items() if text and record is not None}}
        return {**known, **found}
