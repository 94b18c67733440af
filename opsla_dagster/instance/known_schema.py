"""What Dagster's event storage has found once in its database is not looked for again.

Dagster asks for each step and each check whether a table, a column or an index of its own schema is there, and looks into the database's
catalog each time: a twentieth of a small run. Its schema only ever grows. Belongs here: remembering what is there; what is not there is asked
again, since a migration may add it. Does not belong here: rows.
"""

from __future__ import annotations

from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy.engine import Connection


class KnownSchema(SqlEventLogStorage):
    """To be mixed in before a storage of Dagster's."""

    _known: frozenset[tuple[str, str]] = frozenset()

    def forget_schema(self) -> None:
        """For a storage that is emptied."""
        self._known = frozenset()

    def has_table(self, table_name: str) -> bool:
        return self._is_known("table", table_name) or self._found("table", table_name, super().has_table(table_name))  # type: ignore[safe-super]

    def has_secondary_index(self, name: str) -> bool:
        return self._is_known("index", name) or self._found("index", name, super().has_secondary_index(name))

    def has_asset_key_col(self, column_name: str) -> bool:
        return self._is_known("column", column_name) or super().has_asset_key_col(column_name)  # else a connection of its own

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        return self._is_known("column", column_name) or self._found(
            "column", column_name, super()._has_asset_key_col_on_connection(conn, column_name)
        )

    def _is_known(self, kind: str, name: str) -> bool:
        return (kind, name) in self._known

    def _found(self, kind: str, name: str, is_there: bool) -> bool:
        if is_there:
            self._known |= {(kind, name)}
        return is_there
