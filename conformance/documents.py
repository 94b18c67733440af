"""Case documents and result files: what an engine is asked, and what it answers.

Belongs here: reading and writing documents (cases/*.yml) and the two result CSVs, and the plain data between them.
Does not belong here: any rule of what a clock comes out as; that is the oracle, and each engine.

Instants are whole seconds since 1970 (UTC) in memory and `2025-07-07 09:00:00` (UTC) in files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CASES = HERE / "cases"
#: One clock of a result.
KEY = ("case_id", "policy", "metric", "cycle")
INSTANTS = ("started_at", "stopped_at", "due_at")
COLUMNS = (
    "started_at", "stopped_at", "elapsed_seconds", "paused_seconds", "target_seconds", "due_at", "outcome", "reason",
)
KINDS = ("running", "paused", "closed_hours", "holiday", "policy_switch")
SPAN_COLUMNS = tuple(f"{kind}_seconds" for kind in KINDS)

#: A field that an engine does not tell; it is not compared. (An empty field says that there is none.)
NOT_TOLD = "?"

MESSAGES = frozenset({"CUSTOMER_MESSAGE", "PUBLIC_REPLY", "BOT_REPLY", "PRIVATE_NOTE"})
TERMINAL = frozenset({"RESOLVED", "CLOSED", "CANCELLED", "MERGED"})
#: Which metrics of a vendor's own promises go on when a case is reopened; the first end of the others stands.
RESUMED_FOR_VENDORS = frozenset({"agent_work", "requester_wait", "total_resolution"})
STATUSES = frozenset({
    "INTAKE", "TRIAGE", "ASSIGNED", "INVESTIGATION", "ESCALATED", "CUSTOMER_WAIT", "VENDOR_WAIT", "ON_HOLD", "REVIEW_QA",
    "REOPENED", *TERMINAL,
})
ATTRIBUTES = (
    "priority", "tier", "team", "agent", "case_type", "brand", "region", "channel", "customer", "tags",
)

#: What a case has besides: the first two for good, the schedule changes.
OTHER_ATTRIBUTES = ("source", "initiated_by", "schedule")

_EPOCH = datetime(1970, 1, 1)
#: In C where it is there: ten times as fast.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(ValueError):
    """A document or a result file that does not say what it should, in one readable line."""


@dataclass(frozen=True)
class Signal:
    """Something that happened to a case; `sequence` is its place in the source's own order."""

    at: int
    sequence: int
    name: str


@dataclass(frozen=True)
class Change:
    """An attribute, or the case's own schedule, that has another value from `at` on; None: cleared."""

    at: int
    sequence: int
    attribute: str
    value: str | None


@dataclass(frozen=True)
class AppliedTarget:
    """What the vendor itself promised from `at` on; without a target: its promise for the metric is withdrawn."""

    at: int
    sequence: int
    metric: str
    policy: str
    calendar: str
    target_seconds: int | None
    #: What a reopen does to the vendor's clock; None: what the vendor does with this metric.
    reopen: str | None = None
    #: It counts on the case's own schedule, whatever that is; `calendar` only where the case has none.
    is_on_case_schedule: bool = False
    schedule_change: str = "in_force"

    @property
    def effective_reopen(self) -> str:
        return self.reopen or ("resume" if self.metric in RESUMED_FOR_VENDORS else "freeze")


@dataclass(frozen=True)
class Case:
    """One case; `attributes` are those it came in with (and `source`, `initiated_by`, and the `schedule` it had before a change)."""

    case_id: str
    intake_at: int
    attributes: Mapping[str, str]
    signals: tuple[Signal, ...] = ()
    changes: tuple[Change, ...] = ()
    applied: tuple[AppliedTarget, ...] = ()

    def known_at(self, as_of: int) -> Case:
        """The case as it was known then: nothing stamped later."""
        return Case(
            self.case_id, self.intake_at, self.attributes,
            tuple(signal for signal in self.signals if signal.at <= as_of),
            tuple(change for change in self.changes if change.at <= as_of),
            tuple(applied for applied in self.applied if applied.at <= as_of),
        )


@dataclass(frozen=True)
class Clock:
    """One clock of an answer. `seconds` by kind, None where nothing can be counted (or an engine does not tell)."""

    case_id: str
    policy: str
    metric: str
    cycle: int
    started_at: int
    stopped_at: int | None
    elapsed_seconds: int | None
    paused_seconds: int | None
    target_seconds: int
    due_at: int | None
    outcome: str
    reason: str | None
    seconds: Mapping[str, int] | None = None
    #: Columns of this clock that an engine does not tell: written as `?`, and not compared.
    not_told: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.case_id, self.policy, self.metric, self.cycle


@dataclass(frozen=True)
class Document:
    """What is asked: some cases, judged as of one instant by one set of calendars, metrics and policies."""

    id: str
    why: str
    as_of: int
    calendars: Mapping[str, Any]
    metrics: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]
    cases: tuple[Case, ...]
    #: Expected clocks: the key, and the columns that were worked out; `seconds` by kind.
    expected: tuple[Mapping[str, Any], ...] = field(default=())

    def known_cases(self) -> list[Case]:
        """The cases that had come in by `as_of`, as they were known then."""
        return [case.known_at(self.as_of) for case in self.cases if case.intake_at <= self.as_of]


def instant(value: object) -> int:
    """`2025-07-07 09:00:00` (UTC) as seconds since 1970."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise DocumentError(f"{value!r} is not an instant; write 2025-07-07 09:00:00 (UTC)") from error
    moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(seconds=1)


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a UTC datetime without a zone."""
    return _EPOCH + timedelta(seconds=seconds)


def shown(seconds: int | None) -> str:
    """Seconds since 1970 as text; nothing for None."""
    return "" if seconds is None else moment(seconds).isoformat(sep=" ")


@cache
def shared(name: str) -> Any:
    """The shared calendars, metrics or policies: conformance/<name>.yml."""
    return yaml.load((HERE / f"{name}.yml").read_text(encoding="utf-8"), Loader=_Loader)


def read_documents(folder: Path = CASES) -> list[Document]:
    """Every document of `folder`, by name; raises DocumentError naming the file."""
    documents = [read_document(path) for path in sorted(folder.glob("*.yml"))]
    seen: dict[str, str] = {}
    for document in documents:
        for case in document.cases:
            if case.case_id in seen:
                raise DocumentError(f"case {case.case_id} is in {seen[case.case_id]} and in {document.id}; ids are unique")
            seen[case.case_id] = document.id
    return documents


def read_document(path: Path) -> Document:
    """One document; raises DocumentError naming the file."""
    try:
        document = parse_document(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))
    except (DocumentError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise DocumentError(f"{path.name}: {' '.join(str(error).split())}") from error
    if document.id != path.stem:
        raise DocumentError(f"{path.name}: id {document.id!r} is not the file's name")
    return document


def parse_document(content: Mapping[str, Any]) -> Document:
    """A document from its YAML content; calendars and metrics default to the shared ones."""
    known = {"id", "why", "as_of", "calendars", "metrics", "policies", "cases", "expected"}
    if set(content) - known:
        raise DocumentError(f"no such field: {', '.join(sorted(set(content) - known))}")
    metrics = content.get("metrics", "standard")
    if isinstance(metrics, str):
        metrics = shared("metrics")[metrics]
    calendars = content.get("calendars", "shared")
    if isinstance(calendars, str):
        calendars = shared("calendars")
    policies = content["policies"]
    if isinstance(policies, str):
        policies = shared("policies")[policies]
    return Document(
        id=content["id"], why=content["why"], as_of=instant(content["as_of"]), calendars=calendars, metrics=metrics,
        policies=tuple(policies), cases=tuple(_case(case) for case in content["cases"]),
        expected=tuple(_expected(row) for row in content.get("expected", ())),
    )


def _case(content: Mapping[str, Any]) -> Case:
    known = {"case_id", "intake_ts", "attributes", "signals", "changes", "applied_targets"}
    if set(content) - known:
        raise DocumentError(f"case {content.get('case_id')}: no such field: {', '.join(sorted(set(content) - known))}")
    attributes = {name: str(value) for name, value in content.get("attributes", {}).items()}
    if strange := set(attributes) - {*ATTRIBUTES, *OTHER_ATTRIBUTES}:
        raise DocumentError(f"case {content['case_id']}: no such attribute: {', '.join(sorted(strange))}")
    return Case(
        case_id=str(content["case_id"]), intake_at=instant(content["intake_ts"]), attributes=attributes,
        signals=tuple(_signal(number, line) for number, line in enumerate(content.get("signals", ()))),
        changes=tuple(_change(number, line) for number, line in enumerate(content.get("changes", ()))),
        applied=tuple(_applied(number, row) for number, row in enumerate(content.get("applied_targets", ()))),
    )


def _applied(number: int, row: Mapping[str, Any]) -> AppliedTarget:
    known = {"applied_ts", "metric", "policy", "calendar", "target_seconds", "reopen", "is_on_case_schedule", "schedule_change"}
    if set(row) - known:
        raise DocumentError(f"applied_targets: no such field: {', '.join(sorted(set(row) - known))}")
    target = row["target_seconds"]
    return AppliedTarget(
        instant(row["applied_ts"]), number, row["metric"], row["policy"], row["calendar"], None if target is None else int(target),
        row.get("reopen"), bool(row.get("is_on_case_schedule", False)), row.get("schedule_change", "in_force"),
    )


def _signal(number: int, line: str) -> Signal:
    at, name = line[:19], line[19:].strip()
    if name not in STATUSES | MESSAGES:
        raise DocumentError(f"{line!r}: {name!r} is no signal")
    return Signal(instant(at), number, name)


def _change(number: int, line: str) -> Change:
    at, attribute, value = line[:19], *(line[19:].strip().partition(" ")[::2])
    if attribute not in (*ATTRIBUTES, "schedule"):
        raise DocumentError(f"{line!r}: {attribute!r} is no attribute that changes")
    return Change(instant(at), number, attribute, value or None)


def _expected(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if set(row) - {*KEY, *COLUMNS, "seconds"}:
        raise DocumentError(f"expected: no such column: {', '.join(sorted(set(row) - {*KEY, *COLUMNS, 'seconds'}))}")
    plain = {"cycle": 1} | dict(row)
    for column in INSTANTS:
        if plain.get(column) is not None:
            plain[column] = instant(plain[column])
    if plain.get("seconds") is not None:
        if set(plain["seconds"]) - set(KINDS):
            raise DocumentError(f"expected: no such kind of seconds: {', '.join(plain['seconds'])}")
        plain["seconds"] = {kind: plain["seconds"].get(kind, 0) for kind in KINDS}
    return plain


def as_expected(clock: Clock) -> Mapping[str, Any]:
    """A clock as a row of `expected`, every column of it."""
    row: dict[str, Any] = {name: getattr(clock, name) for name in (*KEY, *COLUMNS) if name not in clock.not_told}
    return row | {"seconds": None if clock.seconds is None else dict(clock.seconds)}


def dump_document(document: Document) -> str:
    """A document as YAML, with everything inline."""
    return yaml.safe_dump(
        {
            "id": document.id, "why": document.why, "as_of": shown(document.as_of), "calendars": document.calendars,
            "metrics": document.metrics, "policies": [dict(policy) for policy in document.policies],
            "cases": [_dumped_case(case) for case in document.cases],
            "expected": [
                {name: shown(value) if name in INSTANTS and value is not None else value for name, value in row.items()}
                for row in document.expected
            ],
        },
        sort_keys=False, width=130,
    )


def _dumped_case(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id, "attributes": dict(case.attributes), "intake_ts": shown(case.intake_at),
        "signals": [f"{shown(signal.at)} {signal.name}" for signal in case.signals],
        "changes": [f"{shown(change.at)} {change.attribute} {change.value or ''}".strip() for change in case.changes],
        "applied_targets": [
            {
                "applied_ts": shown(applied.at), "metric": applied.metric, "policy": applied.policy,
                "calendar": applied.calendar, "target_seconds": applied.target_seconds, "reopen": applied.reopen,
                "is_on_case_schedule": applied.is_on_case_schedule, "schedule_change": applied.schedule_change,
            }
            for applied in case.applied
        ],
    }


def write_results(clocks: Iterable[Clock], results: Path, spans: Path) -> None:
    """The two CSVs of an answer, in the order of the key."""
    ordered = sorted(clocks, key=lambda clock: clock.key)
    with results.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*KEY, *COLUMNS))
        for clock in ordered:
            writer.writerow([
                NOT_TOLD if name in clock.not_told else shown(value) if name in INSTANTS else "" if value is None else value
                for name in (*KEY, *COLUMNS)
                for value in [getattr(clock, name)]
            ])
    with spans.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*KEY, *SPAN_COLUMNS))
        writer.writerows(
            (*clock.key, *(clock.seconds[kind] for kind in KINDS)) for clock in ordered if clock.seconds is not None
        )


def read_csv(path: Path, columns: tuple[str, ...]) -> tuple[list[str], dict[tuple[str, str, str, int], dict[str, Any]]]:
    """The columns of KEY and `columns` that the file has, and its rows by key; empty fields are None.

    Raises DocumentError for a file without the key, a key that stands there twice, or a value that cannot be read.
    """
    rows: dict[tuple[str, str, str, int], dict[str, Any]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found = list(reader.fieldnames or [])
            if not set(KEY) <= set(found):
                raise DocumentError(f"the columns {', '.join(KEY)} are the key; found {', '.join(found)}")
            for row in reader:
                key = (row["case_id"], row["policy"], row["metric"], int(row["cycle"]))
                if key in rows:
                    raise DocumentError(f"line {reader.line_num}: {key} stands there twice")
                rows[key] = {name: _read(name, row[name]) for name in found if name in columns and row[name] != NOT_TOLD}
    except (OSError, ValueError) as error:
        raise DocumentError(f"{path}: {error}") from error
    return [name for name in columns if name in found], rows


def _read(name: str, value: str | None) -> Any:
    if value is None or value == "":
        return None
    if name in INSTANTS:
        return instant(value)
    return int(value) if name.endswith("_seconds") else value
