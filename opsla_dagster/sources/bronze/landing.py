"""Landing records in an account's bronze file, through dlt: by id, exactly once, in packages.

Belongs here: the pipeline, the tables it writes, and how far each resource has come. Does not belong here: what is asked of an API.

Schema `bronze` has a table a resource (id, updated_at, payload), and `progress`, `schema_drift` and `account`. What is fetched lands in
packages, together with the cursors behind it. `progress` counts only where its package is complete; what a killed process left is
fetched anew and merged over.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.bronze.files import has_table, reading
from opsla_dagster.sources.bronze.progress import Progress, read_progress
from opsla_dagster.sources.bronze.shape import Difference

# Before dlt is imported. Without the first it tells its makers of every run; without the others it keeps every package it ever
# loaded, and the last one twice.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["LOAD__DELETE_COMPLETED_JOBS"] = "true"
os.environ["LOAD__TRUNCATE_STAGING_DATASET"] = "true"

import dlt
import duckdb
import pyarrow as pa
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

_SCHEMA = "bronze"
#: The payload is text that holds JSON. As dlt's own type `json` it would lie in the package as an object, and DuckDB's reader would
#: guess types for what is in it: stamps would come out rewritten, and fields that one record lacks would be there as nulls.
_RECORD: Any = {
    "id": {"data_type": "text", "nullable": False},
    "updated_at": {"data_type": "timestamp", "timezone": False},
    "payload": {"data_type": "text"},
}
_COLUMNS = pa.schema([pa.field("id", pa.string(), nullable=False), ("updated_at", pa.timestamp("us")), ("payload", pa.string())])
_PROGRESS: Any = {
    "resource": {"data_type": "text", "nullable": False},
    "cursor": {"data_type": "text"},
    "known_until": {"data_type": "timestamp", "timezone": False},
    "is_complete": {"data_type": "bool"},
}
_DRIFT: Any = {
    **{name: {"data_type": "text"} for name in ("resource", "field", "change", "expected_type", "found_type")},
    "first_seen_at": {"data_type": "timestamp", "timezone": False},
}
_ACCOUNT: Any = {"id": {"data_type": "text", "nullable": False}, "value": {"data_type": "text"}}

#: A package has each record once.
_MERGED: Any = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
#: For merging a package into the file.
_MEMORY = "120MB"

_RECORD_TABLES_WITH_IDS = """
    select table_name
    from information_schema.columns
    where table_schema = 'bronze' and column_name in ('payload', '_dlt_id')
    group by table_name
    having count(*) = 2
"""

logging.getLogger("dlt").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Row:
    """A record as it is stored: `updated_at` is UTC and naive, `payload` is JSON, many of which fit into memory."""

    id: str
    updated_at: datetime | None
    payload: str


class Landing:
    """One account's bronze file, during one load. The caller holds the account's lock."""

    def __init__(self, account: str, path: Path, identity: Mapping[str, str]) -> None:
        """`identity` says which account it is: another one's is refused.

        Raises OpslaError.
        """
        self._account, self._path = account, path
        self._directory = path.parent / "pipelines"
        self._identity = identity
        # A package that a killed process left may belong to another state of the file: what it holds is fetched anew.
        shutil.rmtree(self._directory / account, ignore_errors=True)
        held = self._held_identity()
        for name, value in identity.items():
            if held.get(name, value) != value:
                raise OpslaError(
                    f"{path}: was loaded with another {name} than {account} has now; nothing was loaded. Go back to it, or give the "
                    "account another name in sources.yml, or move the file away and load anew"
                )
        self._is_new = not held
        # Records of files from before Arrow have an id of dlt's own, and may not be without; making them costs time and memory.
        dlt.config["normalize.parquet_normalizer.add_dlt_id"] = self._has_ids_of_dlt()
        dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
        self._known_drift = self._read_drift()

    def progress(self) -> dict[str, Progress]:
        """Resource -> how far it has come, as of the last complete package."""
        return read_progress(self._account, self._path)

    def held_times(self, table: str, *fields: str) -> dict[str, tuple[int, int]]:
        """Id -> two epoch seconds of its payload, of the records stored so far that have both."""
        first, second = (f"try_cast(payload ->> '$.{field}' as bigint)" for field in fields)
        rows = self._read(table, f"select id, {first}, {second} from bronze.{table} where {first} is not null and {second} is not null")
        return {number: (one, other) for number, one, other in rows}

    def held_records(self, table: str) -> dict[str, dict[str, Any]]:
        """Id -> payload of the records stored so far; for small lists."""
        return {number: json.loads(payload) for number, payload in self._read(table, f"select id, cast(payload as varchar) from bronze.{table}")}

    def land(
        self, tables: Mapping[str, Iterable[Row]], progress: Sequence[Progress], differences: set[Difference], seen_at: datetime
    ) -> list[Difference]:
        """Stores rows by id, and how far that brings their resources, as one package. Returns the differences that are new.

        Raises OpslaError; then nothing of the package counts.
        """
        fresh = sorted(differences - self._known_drift)
        resources = [
            dlt.resource(_as_table(rows), name=table, primary_key="id", write_disposition=_MERGED, columns=_RECORD)
            for table, rows in tables.items()
        ]
        if progress:
            resources.append(_appended("progress", [_progress_row(step) for step in progress], _PROGRESS))
        if fresh:
            names = ("resource", "field", "change", "expected_type", "found_type")
            rows = [{**dict(zip(names, difference, strict=True)), "first_seen_at": seen_at} for difference in fresh]
            resources.append(_appended("schema_drift", rows, _DRIFT))
        if self._is_new:
            rows = [{"id": name, "value": value} for name, value in self._identity.items()]
            resources.append(
                dlt.resource(rows, name="account", primary_key="id", write_disposition="merge", columns=_ACCOUNT)
            )
        pipeline = self._pipeline
        try:
            # dlt opens the file for each of its steps: they share what is open here, and the file is put in order once.
            with duckdb.connect(str(self._path)):
                pipeline.run(resources)
        except Exception as error:
            raise self._not_stored(error) from None
        pa.default_memory_pool().release_unused()  # a load has many packages, and the pool would keep the largest one's memory
        self._is_new = False
        self._known_drift |= differences
        return fresh

    @cached_property
    def _pipeline(self) -> dlt.Pipeline:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return dlt.pipeline(
            self._account, destination=dlt.destinations.duckdb(self._destination()), dataset_name=_SCHEMA,
            pipelines_dir=str(self._directory),
        )

    def _destination(self) -> Any:
        """The bronze file; what is merged into it is at most one package, so little memory is enough."""
        credentials = DuckDbCredentials(str(self._path))
        credentials.global_config = {"memory_limit": _MEMORY, "threads": 1}
        return credentials

    def _held_identity(self) -> dict[str, str]:
        return dict(self._read("account", "select id, value from bronze.account"))

    def _has_ids_of_dlt(self) -> bool:
        return bool(self._read("account", _RECORD_TABLES_WITH_IDS))

    def _read_drift(self) -> set[Difference]:
        return set(self._read("schema_drift", "select resource, field, change, expected_type, found_type from bronze.schema_drift"))

    def _read(self, table: str, sql: str) -> list[Any]:
        if not self._path.exists():
            return []
        with reading(self._account, self._path) as connection:
            return connection.execute(sql).fetchall() if has_table(connection, table) else []

    def _not_stored(self, error: BaseException) -> OpslaError:
        """dlt wraps the cause in words of its own; the innermost one says it."""
        cause = error
        while (inner := cause.__cause__ or cause.__context__) is not None:
            cause = inner
        return OpslaError(f"{self._path}: what was fetched of {self._account} could not be stored: {cause}")


def _as_table(rows: Iterable[Row]) -> pa.Table:
    """Columns in one piece: dlt passes them on as they are, where it would look at each record of a list."""
    held = list(rows)
    return pa.table([[row.id for row in held], [row.updated_at for row in held], [row.payload for row in held]], schema=_COLUMNS)


def _appended(name: str, rows: list[dict[str, Any]], columns: Any) -> Any:
    return dlt.resource(rows, name=name, write_disposition="append", columns=columns)


def _progress_row(step: Progress) -> dict[str, Any]:
    """A cursor in quotes: whatever it looks like, it stays text."""
    return {**vars(step), "cursor": None if step.cursor is None else json.dumps(step.cursor)}
