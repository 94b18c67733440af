"""`config/sources.yml`: the desk, and where its cases come from.

Belongs here: the shape of the document and what can be said of it without opening a log file.
Does not belong here: reading a log; that is `opsla_dagster.sources`.
"""

from __future__ import annotations

import codecs
import hashlib
import unicodedata
from collections.abc import Mapping, Sized
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from opsla_dagster.settings.base import Document, ZoneName, problem_at
from opsla_dagster.settings.tickets import IntercomSettings, ZendeskSettings
from opsla_dagster.status import Signal


def _text(value: object) -> object:
    """YAML reads `true`, `no` and `-100` as values of their own; a log has them as text, so they want quotes."""
    if isinstance(value, bool | int | float):
        raise ValueError("write this in quotes, it is text in the log")
    return value


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)
    except LookupError as error:
        raise ValueError(f"unknown text encoding {name!r}; use utf-8, latin-1, cp1252, utf-16 ...") from error
    return name


def _not_empty(value: Sized) -> Sized:
    if not value:
        raise ValueError("expected at least one")
    return value


Text = Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
#: A cell's content that has a meaning; may be empty.
Mark = Annotated[str, BeforeValidator(_text)]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
Encoding = Annotated[str, AfterValidator(_encoding)]


class DeskSettings(Document):
    """The desk whose days are counted: its zone gives the intake date, its first day the first partition."""

    timezone: ZoneName = "America/New_York"
    start_date: date


class SimulationSourceSettings(Document):
    """Simulated cases; their parameters are in simulation.yml."""

    type: Literal["simulation"]
    name: SourceName = "simulation"
    enabled: bool = True


class CsvSettings(Document):
    """How a CSV file is written (RFC 4180: a quote inside a quoted cell is doubled)."""

    delimiter: Text = ","
    quote: Mark = '"'
    encoding: Encoding = "utf-8"

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_ascii_character(cls, value: str) -> str:
        if value and (len(value) != 1 or not value.isascii() or value in "\r\n\0"):
            raise ValueError('expected one ASCII character, such as "," or "\\t"')
        return value

    @model_validator(mode="after")
    def _differ(self) -> CsvSettings:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same character")
        return self


def _one_or_several(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class TimeSettings(Document):
    """How stamps are written (one form, or several), and the zone of a stamp that states no UTC offset."""

    format: Annotated[Text | Annotated[tuple[Text, ...], Field(min_length=1)], BeforeValidator(_one_or_several)] = "iso"
    timezone: ZoneName | None = None

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of stamps: iso, epoch_s, epoch_ms, epoch_us, serial, or strptime formats."""
        return (self.format,) if isinstance(self.format, str) else self.format

    @model_validator(mode="after")
    def _zone_known(self) -> TimeSettings:
        for form in self.forms:
            is_epoch = form in EPOCH_FORMS
            if form not in ("iso", "serial") and not is_epoch and "%" not in form:
                raise ValueError(f"{form!r} is no stamp format; write iso, {', '.join(EPOCH_FORMS)}, serial, or one such as '%d/%m/%Y %H:%M'")
            if form != "iso" and not is_epoch and "%z" not in form and "%Z" not in form and self.timezone is None:
                raise ValueError(f"the format {form!r} has no UTC offset (%z): name the zone in timezone")
        if len(set(self.forms)) < len(self.forms):
            raise ValueError("a format is listed twice; write each form of stamps once")
        return self


#: Numbers counted since 1970-01-01 00:00 UTC.
EPOCH_FORMS = ("epoch_s", "epoch_ms", "epoch_us")
#: The column of a stamp, or those of its date and its time.
StampColumn = Annotated[Text | tuple[Text, Text], BeforeValidator(_one_or_several)]


class ColumnSettings(Document):
    """Canonical field -> column of the log."""

    case_id: Text
    status: Text
    event_ts: StampColumn
    intake_ts: StampColumn | None = None
    ingestion_ts: StampColumn | None = None
    event_id: Text | None = None
    team: Text | None = None
    agent: Text | None = None
    tier: Text | None = None
    case_type: Text | None = None
    priority: Text | None = None
    category: Text | None = None
    brand: Text | None = None
    region: Text | None = None
    channel: Text | None = None
    customer: Text | None = None
    tags: Text | None = None
    resolved_ts: StampColumn | None = None
    closed_ts: StampColumn | None = None
    sla_met: Text | None = None

    def of(self, field: str) -> tuple[str, ...]:
        """The columns of a field: one, or those of a date and a time; none where the log has none."""
        column: str | tuple[str, ...] | None = getattr(self, field)
        return () if column is None else (column,) if isinstance(column, str) else column

    def mapped(self) -> dict[str, str]:
        """Field -> what its column is called, `Date + Time` for two, of the fields that the log has."""
        return {field: " + ".join(self.of(field)) for field, column in self if column is not None}


class SlaMetValues(Document):
    """What the `sla_met` column says when the source itself judges the promise kept, or missed."""

    met: tuple[Mark, ...] = ("true",)
    missed: tuple[Mark, ...] = ("false",)

    @model_validator(mode="after")
    def _differ(self) -> SlaMetValues:
        if both := sorted(set(self.met) & set(self.missed)):
            raise ValueError(f"{both} cannot mean both met and missed")
        return self


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class EventLogSettings(Document):
    """Log files with one row an update, and what their columns mean. Rules: docs/decisions/0004-event-log-source.md."""

    type: Literal["event_log"]
    name: SourceName
    enabled: bool = True
    files: Annotated[tuple[Text, ...], BeforeValidator(_as_tuple), AfterValidator(_not_empty)]
    format: Literal["csv", "parquet"] | None = None
    csv: CsvSettings = CsvSettings()
    time: TimeSettings = TimeSettings()
    missing_values: tuple[Mark, ...] = ("",)
    columns: ColumnSettings
    statuses: Annotated[Mapping[Text, Signal], AfterValidator(_not_empty)]
    sla_met_values: SlaMetValues = SlaMetValues()
    order_by: tuple[Text, ...] = ()
    #: The records of each file come the last one first.
    newest_first: bool = False
    case_id_prefix: str = ""

    @model_validator(mode="after")
    def _words_differ(self) -> EventLogSettings:
        meant: dict[str, str] = {}
        for word, signal in self.statuses.items():
            folded = " ".join(unicodedata.normalize("NFC", word).casefold().split())
            first = meant.setdefault(folded, word)
            if self.statuses[first] != signal:
                problem = f"case and spaces make no difference, and {first!r} means {self.statuses[first]} already; keep one of the two meanings"
                raise problem_at(("statuses", word), problem, signal)
        return self

    def mapping_fingerprint(self, desk: DeskSettings) -> str:
        """Identity of what the rows mean; where the files are, what they hold and the first day are no part of it."""
        # Left out where it is not set: homes that were made before it existed go on.
        left_out = {"files", "enabled", *(() if self.newest_first else ("newest_first",))}
        meaning: dict[str, Any] = self.model_dump(mode="json", exclude=left_out)
        meaning["desk_timezone"] = desk.timezone
        return hashlib.sha256(repr(sorted(_flat(meaning))).encode()).hexdigest()[:16]


def _flat(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Every leaf of the settings with its path, so that the order of a mapping's keys does not matter."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _flat(item, (*path, str(key)))]
    return [(path, repr(value))]


SourceSettings = Annotated[
    SimulationSourceSettings | EventLogSettings | ZendeskSettings | IntercomSettings, Field(discriminator="type")
]


class SourcesSettings(Document):
    """The whole of sources.yml."""

    desk: DeskSettings
    sources: Annotated[tuple[SourceSettings, ...], AfterValidator(_not_empty)]

    @model_validator(mode="after")
    def _sources_differ(self) -> SourcesSettings:
        names = [source.name for source in self.sources]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise problem_at(("sources", number, "name"), f"two sources are called {name!r}; every source needs a name of its own", name)
        return self
