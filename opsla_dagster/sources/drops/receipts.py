"""The memory of drop folders: a receipt for each version of a marker that was taken in, and the markers that were refused.

Belongs here: that one small SQLite file in the home, and nothing else that writes it. Does not belong here: looking into folders.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from opsla_dagster.small_store import SmallStore

_FILE = "receipts.sqlite"
#: The kind of a marker whose files were written again before anybody had looked, for a later marker: nothing is received of it.
SUPERSEDED = "superseded"

_TABLES = """
create table if not exists receipts (
    number integer primary key autoincrement, folder text not null, marker text not null, version text not null, kind text not null,
    marker_modified_at real not null, received_at real not null, dates text, asked_at real, unique (folder, marker, version)
);
create table if not exists files (
    number integer not null, name text not null, size integer not null, version text not null, sha256 text, rows integer,
    is_attested integer not null, copy text, primary key (number, name)
);
create table if not exists refusals (
    folder text not null, marker text not null, version text not null, problem text not null, state text not null, first_seen_at real not null,
    refused_at real, primary key (folder, marker)
);
create table if not exists looks (
    folder text primary key, first_looked_at real not null, looked_at real, trouble text, trouble_since real
);
"""


@dataclass(frozen=True)
class ReceivedFile:
    """A file of a drop. `copy` is its file name in the home; None for one that no source reads."""

    name: str
    size: int
    version: str
    sha256: str | None
    rows: int | None
    is_attested: bool
    copy: str | None


@dataclass(frozen=True)
class Receipt:
    """A drop that was taken in. Instants are seconds since 1970; `dates` are the intake dates of the refresh that was asked for, once one was."""

    number: int
    folder: str
    marker: str
    version: str
    #: What the marker held: `manifest`, `empty` or `ignored`; or SUPERSEDED.
    kind: str
    marker_modified_at: float
    received_at: float
    dates: tuple[date, ...] | None = None
    asked_at: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A marker whose drop is not as it says; `refused_at` is None while it may still be on its way."""

    folder: str
    marker: str
    version: str
    problem: str
    #: Of the folder, as it was when this was found.
    state: str
    first_seen_at: float
    refused_at: float | None


@dataclass(frozen=True)
class Look:
    """When a folder was looked at: first, and last with success; and since when it cannot be, and why."""

    first_looked_at: float
    looked_at: float | None
    trouble: str | None
    trouble_since: float | None


class Receipts:
    """Every method is one transaction, and safe from several processes at once. `folder` is that of all drop folders in the home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = SmallStore(folder / _FILE, _TABLES, "the receipts of drops", "no drop is lost meanwhile")
        self._transaction = self._store.transaction

    @classmethod
    def there(cls, folder: Path) -> bool:
        """Whether anything was ever received in this home."""
        return (folder / _FILE).exists()

    def known(self, folder: str) -> set[tuple[str, str]]:
        """The markers of a folder that were taken in, each with its version."""
        with self._transaction() as connection:
            return set(connection.execute("select marker, version from receipts where folder = ?", (folder,)).fetchall())

    def receive(self, receipt: Receipt, files: Sequence[ReceivedFile]) -> Receipt:
        """Enters a receipt with its files, and clears what was said against its marker; the number given is the next one's."""
        with self._transaction() as connection:
            row = (receipt.folder, receipt.marker, receipt.version, receipt.kind, receipt.marker_modified_at, receipt.received_at)
            number = connection.execute(
                "insert into receipts (folder, marker, version, kind, marker_modified_at, received_at) values (?, ?, ?, ?, ?, ?)", row
            ).lastrowid
            connection.executemany(
                "insert into files values (?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, file.name, file.size, file.version, file.sha256, file.rows, file.is_attested, file.copy) for file in files],
            )
            connection.execute("delete from refusals where folder = ? and marker = ?", (receipt.folder, receipt.marker))
            (entered,) = _receipts(connection, "number = ?", (number,))
        return entered

    def asked(self, number: int, dates: Sequence[date], at: float) -> None:
        """A refresh of these intake dates was asked for because of this receipt; none where there was nothing left to do."""
        with self._transaction() as connection:
            told = json.dumps([day.isoformat() for day in dates])
            connection.execute("update receipts set dates = ?, asked_at = ? where number = ? and asked_at is null", (told, at, number))

    def after(self, folders: Sequence[str], number: int) -> list[Receipt]:
        """The receipts of these folders with a higher number, in order."""
        marks = ", ".join("?" for _ in folders)
        with self._transaction() as connection:
            return _receipts(connection, f"folder in ({marks}) and number > ?", (*folders, number))

    def latest(self, folder: str) -> Receipt | None:
        """The last one of a folder."""
        with self._transaction() as connection:
            found = _receipts(connection, "number = (select max(number) from receipts where folder = ?)", (folder,))
        return found[0] if found else None

    def files_of(self, number: int) -> list[ReceivedFile]:
        with self._transaction() as connection:
            return _files(connection, "number = ?", (number,))

    def has_between(self, folder: str, since: float, until: float) -> bool:
        """Whether a marker was written, or received, between two instants, both included."""
        with self._transaction() as connection:
            found = connection.execute(
                "select 1 from receipts where folder = ? and ((marker_modified_at between ? and ?) or (received_at between ? and ?)) limit 1",
                (folder, since, until, since, until),
            ).fetchone()
        return found is not None

    def released(self, folder: str, *, is_last_drop_alone: bool) -> dict[str, ReceivedFile]:
        """What counts of a folder, by name: each file as the last drop that had it brought it; or the files of the last drop alone."""
        with self._transaction() as connection:
            if is_last_drop_alone:
                files = _files(connection, "number = (select max(number) from receipts where folder = ? and kind <> ?)", (folder, SUPERSEDED))
            else:
                files = _files(connection, "number in (select number from receipts where folder = ?) order by number", (folder,))
        return {file.name: file for file in files}

    def copies_since(self, folder: str, since: float) -> set[str]:
        """The file names of all copies that were received after an instant."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select copy from files join receipts using (number) where folder = ? and received_at > ? and copy is not null", (folder, since)
            ).fetchall()
        return {copy for (copy,) in rows}

    def refuse(self, folder: str, marker: str, version: str, problem: str, state: str, now: float, *, is_final: bool) -> None:
        """Notes what is wrong with a marker; the first look at this version of it stays known, and when it was refused for good."""
        with self._transaction() as connection:
            known = connection.execute(
                "select first_seen_at, refused_at from refusals where folder = ? and marker = ? and version = ?", (folder, marker, version)
            ).fetchone()
            first_seen_at, refused_at = known or (now, None)
            refused_at = refused_at if refused_at is not None else now if is_final else None
            connection.execute(
                "insert or replace into refusals values (?, ?, ?, ?, ?, ?, ?)", (folder, marker, version, problem, state, first_seen_at, refused_at)
            )

    def first_seen_at(self, folder: str, marker: str, version: str) -> float | None:
        """When this version of a marker was first found wanting."""
        with self._transaction() as connection:
            found = connection.execute(
                "select first_seen_at from refusals where folder = ? and marker = ? and version = ?", (folder, marker, version)
            ).fetchone()
        return None if found is None else float(found[0])

    def refusals(self, folder: str) -> list[Refusal]:
        with self._transaction() as connection:
            rows = connection.execute(
                "select folder, marker, version, problem, state, first_seen_at, refused_at from refusals where folder = ? order by marker", (folder,)
            ).fetchall()
        return [Refusal(*row) for row in rows]

    def forget_refusals(self, folder: str, present: Mapping[str, str]) -> None:
        """Of markers that are gone, or were written anew (`present`: marker -> version), nothing is held against any more."""
        with self._transaction() as connection:
            rows = connection.execute("select marker, version from refusals where folder = ?", (folder,)).fetchall()
            gone = [(folder, marker) for marker, version in rows if present.get(marker) != version]
            connection.executemany("delete from refusals where folder = ? and marker = ?", gone)

    def looked(self, folder: str, now: float, trouble: str | None) -> None:
        """The folder was looked at, or could not be."""
        with self._transaction() as connection:
            connection.execute("insert or ignore into looks values (?, ?, null, null, null)", (folder, now))
            if trouble is None:
                connection.execute("update looks set looked_at = ?, trouble = null, trouble_since = null where folder = ?", (now, folder))
            else:
                connection.execute("update looks set trouble = ?, trouble_since = coalesce(trouble_since, ?) where folder = ?", (trouble, now, folder))

    def look(self, folder: str) -> Look | None:
        with self._transaction() as connection:
            found = connection.execute("select first_looked_at, looked_at, trouble, trouble_since from looks where folder = ?", (folder,)).fetchone()
        return None if found is None else Look(*found)


def _receipts(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> list[Receipt]:
    rows = connection.execute(
        "select number, folder, marker, version, kind, marker_modified_at, received_at, dates, asked_at from receipts "
        f"where {condition} order by number",
        tuple(values),
    ).fetchall()
    return [_receipt(row) for row in rows]


def _receipt(row: Sequence[Any]) -> Receipt:
    *identity, dates, asked_at = row
    days = None if dates is None else tuple(date.fromisoformat(day) for day in json.loads(dates))
    return replace(Receipt(*identity), dates=days, asked_at=asked_at)


def _files(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> list[ReceivedFile]:
    rows = connection.execute(f"select name, size, version, sha256, rows, is_attested, copy from files where {condition}", tuple(values)).fetchall()
    return [ReceivedFile(name, size, version, sha256, rows, bool(is_attested), copy) for name, size, version, sha256, rows, is_attested, copy in rows]
