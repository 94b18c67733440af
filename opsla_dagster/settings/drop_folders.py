"""`drop_folders` of sources.yml: folders into which somebody else puts files, and a marker once they are all there.

Belongs here: the shape of a drop folder, and what its names and hours mean. Does not belong here: looking into one; that is
`opsla_dagster.sources.drops`. The rules are in docs/decisions/0047-drop-folders.md.
"""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, problem_at
from opsla_dagster.settings.paths import expanded

#: Kinds of object stores: how their addresses begin -> the extra that reads them.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: A key and its secret before the name of the bucket, or a signature behind the address.
_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/]*:|.*\?)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How many days back a day with a deadline lies at most: every week has one.
_WEEK = 7
#: What writers call a file until it is complete, and what systems leave lying about.
_UNFINISHED = re.compile(r".*(\.(tmp|temp|part|partial|filepart|inprogress|crdownload|swp|_copying_)|~)", re.IGNORECASE)
#: Written beside a marker where `receipt_beside_marker` says so; no part of any drop.
RECEIPT_ENDING = ".receipt.json"


def _address(value: str) -> str:
    scheme = _ADDRESS.match(value)
    if scheme is not None and scheme[1].lower() not in EXTRAS:
        raise ValueError(f"no such kind of folder; write a directory, or an address that begins with {', '.join(f'{each}://' for each in ('s3', 'gs', 'az'))}")
    return value


def _time_of_day(value: object) -> object:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError('write a time of day in quotes, such as "03:00"')
    hour, minute = value.split(":")
    return time(int(hour), int(minute))


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _plain_pattern(value: str) -> str:
    if "/" in value or value.strip("*?") == "":
        raise ValueError("expected the name of a marker, or a pattern of such names (_SUCCESS, *.ready), without a directory")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
MarkerName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_plain_pattern)]
FolderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class DropFolderSettings(Document):
    """One drop folder: only files that a marker in it has released are read."""

    #: A directory, relative to the config directory, or an address in an object store; ${NAME} comes from the environment.
    path: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_address)]
    #: What markers are called; upper and lower case are the same.
    ready_key: Annotated[tuple[MarkerName, ...], BeforeValidator(_one_or_several), Field(min_length=1)] = ("_SUCCESS", "_READY", "*.ready")
    #: Whether what stands in a marker is a list of its files; `ignore` where it is something else, such as a time.
    marker_content: Literal["manifest", "ignore"] = "manifest"
    #: Whether the files of a drop are added to those of earlier ones (a file of the same name replaces that one), or are the whole log.
    each_drop: Literal["adds", "replaces"] = "adds"
    #: By when, in the desk's zone, a drop must have come; None: nobody waits for one.
    due_by: TimeOfDay | None = None
    #: From when on a drop counts for that; later than `due_by`: of the evening before.
    due_from: TimeOfDay = time(0, 0)
    #: The days on which it is due.
    due_on: Annotated[tuple[Weekday, ...], BeforeValidator(_one_or_several), Field(min_length=1)] = _DAYS
    #: Whether the receipt is also written into the folder, for whoever drops the files.
    receipt_beside_marker: bool = False

    @model_validator(mode="before")
    @classmethod
    def _no_secret_in_it(cls, document: object) -> object:
        """Refused before anything else is looked at: an error of another field must not repeat it."""
        path = document.get("path") if isinstance(document, dict) else None
        if isinstance(path, str) and _CREDENTIALS.match(path.strip()):
            raise problem_at(("path",), "holds credentials or parameters; write the address alone, credentials come from the environment", {})
        return document

    @model_validator(mode="after")
    def _window_of_a_drop(self) -> DropFolderSettings:
        if self.due_by is not None and self.due_by == self.due_from:
            raise problem_at(("due_from",), "is the same as due_by: no drop could come in time", {})
        return self

    def is_marker(self, name: str) -> bool:
        """Whether a file of this name, without its directory, is a marker."""
        return any(fnmatch.fnmatchcase(alike(name), alike(pattern)) for pattern in self.ready_key) and not is_receipt(name)

    def marked_file(self, marker: str) -> str | None:
        """`tickets.csv` for the marker `tickets.csv.ready`; None for one that does not name a file."""
        for pattern in self.ready_key:
            ending = pattern.removeprefix("*")
            if pattern == f"*{ending}" and alike(marker).endswith(alike(ending)) and len(marker) > len(ending):
                return marker[: -len(ending)]
        return None

    def location(self, name: str, config_directory: Path) -> str:
        """The absolute directory, or the address, without a slash at its end. Raises OpslaError for a variable that is not set."""
        path = expanded(self.path, f"sources.yml: drop_folders.{name}.path")
        scheme = _ADDRESS.match(path)
        if scheme is None:
            return os.path.normpath(config_directory.absolute() / path)
        if scheme[1].lower() not in EXTRAS:
            raise OpslaError(f"sources.yml: drop_folders.{name}.path: {scheme[1]}:// is no kind of folder that opsla reads; write a directory, s3://, gs:// or az://")
        return path.rstrip("/")

    def latest_deadline(self, now: datetime, zone: str) -> Deadline | None:
        """The latest one that has passed by `now` (with its offset); None where no drop is due at any time."""
        if self.due_by is None:
            return None
        here = ZoneInfo(zone)
        today = now.astimezone(here).date()
        for days_ago in range(_WEEK + 1):
            day = today - timedelta(days=days_ago)
            deadline = self._deadline(day, here)
            if _DAYS[day.weekday()] in self.due_on and deadline.by <= now:
                return deadline
        return None

    def _deadline(self, day: date, zone: ZoneInfo) -> Deadline:
        assert self.due_by is not None
        first_day = day - timedelta(days=1) if self.due_from > self.due_by else day
        return Deadline(day, datetime.combine(first_day, self.due_from, zone), datetime.combine(day, self.due_by, zone))


@dataclass(frozen=True)
class Deadline:
    """A day on which a drop was due: from when on, and until when (instants with their offset)."""

    day: date
    since: datetime
    by: datetime


DropFolders = Mapping[FolderName, DropFolderSettings]


def alike(name: str) -> str:
    """Names that differ in upper and lower case only, or in how an accented letter is encoded, are alike."""
    return unicodedata.normalize("NFC", name).casefold()


def is_receipt(name: str) -> bool:
    """Whether opsla wrote a file of this name beside a marker."""
    return name.endswith(RECEIPT_ENDING)


def is_hidden(path: str) -> bool:
    """Whether a file, by its path in the drop folder, is none of a drop that lists no files: hidden, of the system, or not complete yet."""
    parts = path.split("/")
    return any(part.startswith((".", "_")) for part in parts) or _UNFINISHED.fullmatch(parts[-1]) is not None


def is_address(path: str) -> bool:
    """Whether this is an address in an object store."""
    return _ADDRESS.match(path) is not None

