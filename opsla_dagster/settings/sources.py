"""`config/sources.yml`: the desk, and where its cases come from.

Belongs here: the shape of the document and what can be said of it without opening a log file.
Does not belong here: reading a log; that is `opsla_dagster.sources`.
"""

from __future__ import annotations

import codecs
import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from opsla_dagster.settings.base import Document, ZoneName, problem_at
from opsla_dagster.settings.case_links import CaseLink
from opsla_dagster.settings.drop_folders import DropFolders
from opsla_dagster.settings.due_dates import DueSettings
from opsla_dagster.settings.link_kinds import LINK_KINDS, LinkKind
from opsla_dagster.settings.sla_policies import MetricName
from opsla_dagster.settings.tickets import DimensionName, IntercomSettings, ZendeskSettings
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
    #: Where a case is in the ticket system, for the command centre.
    case_link: CaseLink | None = None


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


def _one_or_several(expected: str, least: int, most: int) -> Callable[[object], object]:
    """A text, or a list of so many: told as one problem, where pydantic would tell one of the text and one of the list."""

    def checked(value: object) -> object:
        is_list = isinstance(value, list | tuple)
        texts = list(value) if isinstance(value, list | tuple) else [value]
        if not all(isinstance(_text(text), str) and text for text in texts) or (is_list and not least <= len(texts) <= most):
            raise ValueError(expected)
        return tuple(texts) if is_list else value

    return checked


class TimeSettings(Document):
    """How stamps are written (one form, or several), and the zone of a stamp that states no UTC offset."""

    format: Annotated[str | tuple[str, ...], BeforeValidator(_one_or_several("expected a form of stamps, or a list of forms", 1, 100))] = "iso"
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
StampColumn = Annotated[str | tuple[str, str], BeforeValidator(_one_or_several("expected a column, or a list of two: that of the date and that of the time", 2, 2))]


class ColumnSettings(Document):
    """Canonical field -> column of the log. Which ones a log must have, and may have, depends on its form."""

    case_id: Text
    status: Text | None = None
    event_ts: StampColumn | None = None
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
    author_kind: Text | None = None
    initiated_by: Text | None = None
    merged_into: Text | None = None
    updated_ts: StampColumn | None = None
    reopen_count: Text | None = None
    field: Text | None = None
    old_value: Text | None = None
    new_value: Text | None = None
    actor: Text | None = None
    linked_id: Text | None = None
    kind: Text | None = None
    unlinked_ts: StampColumn | None = None

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


def _meaning(value: object) -> object:
    """One readable error instead of one for each member of the union."""
    if not isinstance(value, str) or value not in {*Signal, "IGNORE"}:
        raise ValueError(f"expected IGNORE or one of {', '.join(repr(str(signal)) for signal in Signal)}")
    return value


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_USUAL_CSV = CsvSettings()
FileFormat = Literal["csv", "spreadsheet", "json", "xes", "parquet"]


@dataclass(frozen=True)
class Written:
    """How the files of a log are written, as far as they do not say it themselves."""

    csv: CsvSettings = _USUAL_CSV
    #: None: by the content of each file.
    format: FileFormat | None = None
    #: The sheet of a workbook; None: the one that holds a table.
    sheet: str | None = None
    #: Where in a JSON document the array of records is: names joined by dots, from the outermost; None: the only one.
    records: str | None = None
    #: The row that names the columns, from 1; None: found by its content.
    header_row: int | None = None
    #: Columns that are known to be there: the header is the first row that names them all.
    columns: frozenset[str] = frozenset()
#: What `statuses` says of a word whose records are left out on purpose.
IGNORE = "IGNORE"
Meaning = Annotated[Signal | Literal["IGNORE"], BeforeValidator(_meaning)]
AuthorKind = Literal["person", "bot", "customer"]
Initiator = Literal["customer", "agent", "automation"]
#: Columns that only a log of this form has.
_ONLY_OF_UPDATES = ("event_ts", "intake_ts", "ingestion_ts", "event_id", "author_kind")
_ONLY_OF_CASES = ("updated_ts", "reopen_count")
_OF_CHANGES = ("field", "old_value", "new_value")
_ONLY_OF_CHANGES = (*_OF_CHANGES, "actor")
_ONLY_OF_LINKS = ("linked_id", "kind", "unlinked_ts")
#: Of a file of links: a case and a linked one, of which kind, from when on, until when.
_OF_LINKS = ("case_id", "event_ts", *_ONLY_OF_LINKS)
#: What a change of a field may be of: of an audit log these come from its fields, and from no column.
CHANGED_FIELDS = ("status", "team", "agent", "priority", "tier", "case_type", "category", "brand", "region", "channel", "customer")
#: What `fields` says of a record that tells only that the case came in.
OPENED = "opened"
#: Options that came later, where they are not set: homes that were made before they existed go on.
_LATER_COLUMNS = ("author_kind", "initiated_by", "merged_into", "updated_ts", "reopen_count", *_ONLY_OF_CHANGES, *_ONLY_OF_LINKS)
_LATER_OPTIONS = (
    "newest_first", "sheet", "records", "header_row", "form", "milestones", "due", "empty_cells", "bots", "author_kinds", "initiators",
    "dimensions", "fields", "beside", "kinds", "link_kind", "linked_source",
)


def _changed_field(value: object) -> object:
    if not isinstance(value, str) or value not in {*CHANGED_FIELDS, OPENED, IGNORE}:
        raise ValueError(f"expected IGNORE or one of {', '.join((*CHANGED_FIELDS, OPENED))}")
    return value


def _link_kind(value: object) -> object:
    if not isinstance(value, str) or value not in {*LINK_KINDS, IGNORE}:
        raise ValueError(f"expected IGNORE or one of {', '.join(LINK_KINDS)}")
    return value


class EventLogSettings(Document):
    """Log files with one row an update, one row a case, one row a changed field (an audit log), or one row a link between two cases, and what their
    columns mean. Rules: docs/decisions/0004-event-log-source.md."""

    type: Literal["event_log"]
    name: SourceName
    enabled: bool = True
    #: One row an update of a case, one row a case with a column for each stamp (docs/decisions/0020-one-row-a-case.md), or one row a changed field
    #: (docs/decisions/0046-ownership.md), or one row a link from a case to another one (docs/decisions/0048-links-between-cases.md).
    form: Literal["updates", "cases", "changes", "links"] = "updates"
    files: Annotated[tuple[Text, ...], BeforeValidator(_as_tuple), AfterValidator(_not_empty)]
    format: FileFormat | None = None
    csv: CsvSettings = CsvSettings()
    sheet: Text | None = None
    records: Text | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None
    time: TimeSettings = TimeSettings()
    missing_values: tuple[Mark, ...] = ("",)
    columns: ColumnSettings
    #: Column of a stamp -> what happened then; of the form `cases` only.
    milestones: Mapping[Text, Signal] = {}
    statuses: Mapping[Text, Meaning] = {}
    #: Of the form `changes`: the log's word for a field -> what it is; IGNORE leaves its changes out on purpose.
    fields: Mapping[Text, Annotated[str, BeforeValidator(_changed_field)]] = {}
    #: The source whose cases these are the changes, or the links, of; None, of the form `changes`: it tells cases and their statuses itself.
    beside: SourceName | None = None
    #: Of the form `links`: the log's word in columns.kind -> what it is; IGNORE leaves its links out on purpose.
    kinds: Mapping[Text, Annotated[str, BeforeValidator(_link_kind)]] = {}
    #: Of the form `links`: what a link is of which no kind is told.
    link_kind: LinkKind | None = None
    #: Of the form `links`: the source in which the linked cases are, if not that of `beside`.
    linked_source: SourceName | None = None
    sla_met_values: SlaMetValues = SlaMetValues()
    #: Metric -> the column with what was promised to this one case.
    due: Mapping[MetricName, DueSettings] = {}
    #: An empty cell of an attribute says that the case has none of it, or says nothing.
    empty_cells: Literal["cleared", "unchanged"] = "cleared"
    #: Agents whose replies are a bot's; None: those whose names have the word bot.
    bots: tuple[Text, ...] | None = None
    author_kinds: Mapping[Text, AuthorKind] = {}
    initiators: Mapping[Text, Initiator] = {}
    #: What else cases are told apart by, a name of one's own -> its column.
    dimensions: Mapping[DimensionName, Text] = {}
    order_by: tuple[Text, ...] = ()
    #: The records of each file come the last one first.
    newest_first: bool = False
    case_id_prefix: str = ""
    #: Where a case is in the ticket system, for the command centre; {case_id} stands for its id without the prefix.
    case_link: CaseLink | None = None
    #: Whether a new or changed file that is complete is refreshed from at once, and not in the next night.
    refresh_on_new_files: bool = False

    @property
    def written(self) -> Written:
        """How the files are written."""
        columns = frozenset(column for names in self.cells().values() for column in names)
        return Written(self.csv, self.format, self.sheet, self.records, self.header_row, columns)

    @model_validator(mode="after")
    def _fits_its_form(self) -> EventLogSettings:
        mapped = self.columns.mapped()
        if self.form != "links":
            _refuse_columns(mapped, _ONLY_OF_LINKS, "is for form: links")
            for option in ("kinds", "link_kind", "linked_source"):
                if getattr(self, option):
                    raise problem_at((option,), "is for form: links", None)
        if self.form != "changes":
            _refuse_columns(mapped, _ONLY_OF_CHANGES, "is for form: changes")
            if self.beside is not None and self.form != "links":
                raise problem_at(("beside",), "is for form: changes and form: links", self.beside)
            if self.fields:
                raise problem_at(("fields",), "is for form: changes, where columns.field says which field of a case changed", None)
        if self.form == "changes":
            self._fits_changes(mapped)
        elif self.form == "links":
            self._fits_links(mapped)
        elif self.form == "updates":
            _require_columns(mapped, ("status", "event_ts"))
            _refuse_columns(mapped, _ONLY_OF_CASES, "is for form: cases")
            if self.milestones:
                raise problem_at(("milestones",), "is for form: cases; in a log of updates columns.event_ts says when a status came", None)
        else:
            _refuse_columns(mapped, _ONLY_OF_UPDATES, "is for form: updates; with one row a case, milestones say when things happened")
            _require_one_intake(self.milestones)
            if self.bots is not None:
                raise problem_at(("bots",), "is for form: updates; one row a case does not say who answered", None)
        if "status" in mapped and not self.statuses:
            raise problem_at(("statuses",), "expected at least one", None)
        return self

    def _fits_changes(self, mapped: Mapping[str, str]) -> None:
        """An audit log: its rows say when which field of which case became what, and nothing else."""
        _require_columns(mapped, ("event_ts", *_OF_CHANGES))
        _refuse_columns(mapped, (*_ONLY_OF_CASES, *CHANGED_FIELDS), "comes from the changes: name the field in fields")
        if self.milestones or self.due or self.dimensions:
            raise problem_at(("form",), "milestones, due and dimensions are not for form: changes", "changes")
        if not set(self.fields.values()) - {IGNORE, OPENED}:
            raise problem_at(("fields",), "expected at least one field, such as {Assignment group: team}", None)
        if "status" in self.fields.values() and not self.statuses:
            raise problem_at(("statuses",), "expected at least one: a field is the status", None)
        if "status" not in self.fields.values() and self.statuses:
            raise problem_at(("statuses",), "says what words mean, and no field is the status", None)
        if self.beside is not None and "status" in self.fields.values():
            raise problem_at(("fields",), f"{self.beside} tells the status of its cases; leave that field out (IGNORE), or leave out beside", None)
        if self.empty_cells != "cleared":
            raise problem_at(("empty_cells",), "is for form: updates; an empty new value says that there is none", self.empty_cells)

    def _fits_links(self, mapped: Mapping[str, str]) -> None:
        """A file of links: its rows say which case is linked to which, and nothing of either."""
        _require_columns(mapped, ("linked_id",))
        _refuse_columns(mapped, tuple(field for field in mapped if field not in _OF_LINKS), f"is not for form: links, which has {', '.join(_OF_LINKS)}")
        if self.beside is None:
            raise problem_at(("beside",), "is required: the source whose cases these are the links of", None)
        if self.columns.kind is None and self.link_kind is None:
            raise problem_at(("link_kind",), f"is required where columns.kind names no column: what the links are, one of {', '.join(LINK_KINDS)}", None)
        if self.columns.kind is None and self.kinds:
            raise problem_at(("kinds",), "says what words mean, and columns.kind does not say where they stand", None)
        for option in ("milestones", "statuses", "due", "dimensions", "bots", "order_by"):
            if getattr(self, option):
                raise problem_at((option,), "is not for form: links", None)

    @property
    def carries_statuses(self) -> bool:
        """Whether a record without a status leaves its case in the one it had: of a log that repeats only what changed."""
        return self.form == "updates" and self.empty_cells == "unchanged"

    @property
    def is_beside(self) -> bool:
        """Whether it tells of the cases of another source, and of none of its own."""
        return self.beside is not None

    @property
    def changed_attributes(self) -> tuple[str, ...]:
        """Of the form `changes`: the attributes whose changes it tells, the status left out."""
        return tuple(name for name in CHANGED_FIELDS[1:] if name in self.fields.values())

    @model_validator(mode="after")
    def _words_have_their_columns(self) -> EventLogSettings:
        mapped = self.columns.mapped()
        for field, words, option in (
            ("status", self.statuses, "statuses"), ("author_kind", self.author_kinds, "author_kinds"), ("initiated_by", self.initiators, "initiators"),
        ):
            if words and field not in mapped and not (field == "status" and self.form == "changes"):
                raise problem_at((option,), f"says what words mean, and columns.{field} does not say where they stand", None)
            if field in mapped and not words:
                raise problem_at(("columns", field), f"{option} does not say what the words of this column mean", mapped[field])
        return self

    def cells(self) -> dict[str, tuple[str, ...]]:
        """Field -> its columns, of all that is read: columns, milestones (milestone_0, milestone_1 ...), due (due_0 ...) and dimensions (dimension_0 ...)."""
        columns = {field: self.columns.of(field) for field in self.columns.mapped()}
        milestones = {milestone_field(number): _parts(column) for number, column in enumerate(self.milestones)}
        due = {due_field(number): _parts(item.column) for number, item in enumerate(self.due.values())}
        dimensions = {dimension_field(number): (column,) for number, column in enumerate(self.dimensions.values())}
        return {**columns, **milestones, **due, **dimensions}

    def places(self) -> dict[str, str]:
        """Field of `cells` -> where sources.yml names its column."""
        milestones = {milestone_field(number): "milestones" for number in range(len(self.milestones))}
        due = {due_field(number): f"due.{metric}" for number, metric in enumerate(self.due)}
        dimensions = {dimension_field(number): f"dimensions.{name}" for number, name in enumerate(self.dimensions)}
        return {**{field: f"columns.{field}" for field in self.columns.mapped()}, **milestones, **due, **dimensions}

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
        fields = type(self).model_fields
        unset = {option for option in _LATER_OPTIONS if getattr(self, option) == fields[option].default}
        columns = {field for field in _LATER_COLUMNS if getattr(self.columns, field) is None}
        meaning: dict[str, Any] = self.model_dump(mode="json", exclude={"files", "enabled", "case_link", "refresh_on_new_files", *unset})
        meaning["columns"] = {field: column for field, column in meaning["columns"].items() if field not in columns}
        meaning["desk_timezone"] = desk.timezone
        return hashlib.sha256(repr(sorted(_flat(meaning))).encode()).hexdigest()[:16]


def final_attributes(settings: SourcesSettings) -> list[tuple[str, str]]:
    """Source and attribute, of each attribute of which an enabled source tells only what it was at the end: of logs with one row a case, less what an audit log beside tells."""
    logs = [source for source in settings.sources if isinstance(source, EventLogSettings) and source.enabled]
    told = {(log.beside, name) for log in logs if log.beside is not None for name in log.changed_attributes}
    # Of the category no source's changes are kept: it has no history that could be told.
    attributes = [name for name in CHANGED_FIELDS if name not in ("status", "category")]
    return [(log.name, name) for log in logs if log.form == "cases" for name in attributes if (log.name, name) not in told]


def milestone_field(number: int) -> str:
    """The field of the milestone at this place of `milestones`."""
    return f"milestone_{number}"


def due_field(number: int) -> str:
    """The field of the column at this place of `due`."""
    return f"due_{number}"


def dimension_field(number: int) -> str:
    """The field of the column at this place of `dimensions`."""
    return f"dimension_{number}"


def dimension_fields(settings: EventLogSettings) -> list[str]:
    """The fields of all dimensions of a log."""
    return [dimension_field(number) for number in range(len(settings.dimensions))]


def _parts(column: str) -> tuple[str, ...]:
    """`Date + Time` are two columns, as everywhere that one is a key and cannot be a list."""
    parts = column.split(" + ")
    return tuple(parts) if len(parts) == 2 else (column,)


def _require_columns(mapped: Mapping[str, str], wanted: tuple[str, ...]) -> None:
    for field in wanted:
        if field not in mapped:
            raise problem_at(("columns", field), "is required", None)


def _refuse_columns(mapped: Mapping[str, str], unwanted: tuple[str, ...], problem: str) -> None:
    for field in unwanted:
        if field in mapped:
            raise problem_at(("columns", field), problem, mapped[field])


def _require_one_intake(milestones: Mapping[str, Signal]) -> None:
    openings = [column for column, signal in milestones.items() if signal == Signal.INTAKE]
    if len(openings) != 1:
        raise problem_at(
            ("milestones",), f"expected one column that is INTAKE, when a case came in; found {', '.join(openings) or 'none'}", None
        )


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
    #: Folders whose files count once a marker has released them, by name.
    drop_folders: DropFolders = {}
    sources: Annotated[tuple[SourceSettings, ...], AfterValidator(_not_empty)]

    @model_validator(mode="after")
    def _sources_differ(self) -> SourcesSettings:
        names = [source.name for source in self.sources]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise problem_at(("sources", number, "name"), f"two sources are called {name!r}; every source needs a name of its own", name)
        logs = {source.name: source for source in self.sources if isinstance(source, EventLogSettings) and source.form in ("updates", "cases")}
        for number, source in enumerate(self.sources):
            if isinstance(source, EventLogSettings) and source.beside is not None:
                known = self._with_cases if source.form == "links" else logs
                if source.beside not in known:
                    wanted = "a log of cases or an account" if source.form == "links" else "an event_log of the form updates or cases"
                    raise problem_at(("sources", number, "beside"), f"expected {wanted}; known: {', '.join(known) or 'none'}", source.beside)
                if source.enabled and not known[source.beside].enabled:
                    raise problem_at(("sources", number, "beside"), "that source is not enabled, and has the cases of this one", source.beside)
                if source.linked_source is not None and source.linked_source not in self._with_cases:
                    problem = f"expected a log of cases or an account; known: {', '.join(self._with_cases)}"
                    raise problem_at(("sources", number, "linked_source"), problem, source.linked_source)
        return self

    def beside(self, name: str) -> tuple[str, ...]:
        """The sources that tell of the cases of the source `name`: its audit logs and its links."""
        return tuple(source.name for source in self.sources if isinstance(source, EventLogSettings) and source.beside == name)

    @property
    def _with_cases(self) -> dict[str, EventLogSettings | ZendeskSettings | IntercomSettings]:
        """The sources that a file of links may be beside, by name."""
        return {
            source.name: source for source in self.sources
            if isinstance(source, ZendeskSettings | IntercomSettings) or (isinstance(source, EventLogSettings) and not source.is_beside)
        }
