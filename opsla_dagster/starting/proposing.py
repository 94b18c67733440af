"""A source proposed from what a log holds: the order of the choices, how stamps are written, and in which order the records lie.

Belongs here: the proposal, and choosing formats and zones of stamps. Does not belong here: columns (`columns`), statuses (`meanings`), what
other cells tell (`contents`), whether the proposal says anything (`information`), reading files, writing config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Literal

from opsla_dagster.errors import OpslaError
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.column_names import verdicts
from opsla_dagster.starting.columns import Due, Layout, author_kinds, chosen_columns, column_problem
from opsla_dagster.starting.contents import EmptyCells, bots_of, empty_cells_of
from opsla_dagster.starting.information import lacks_an_end, problems_of
from opsla_dagster.starting.meanings import Statuses, placed_statuses
from opsla_dagster.starting.remarks import Remarks, answer_to
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamps import has_clock, states_offset, swapped
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import counted
from opsla_dagster.status import TERMINAL_STATUSES, Signal

#: Share of the cells of a column that must be stamps for it to be one, 0-1.
_STAMPS_SHARE = 0.8
ZONE_QUESTION = "Time zone of the desk (an IANA name such as Europe/Rome)"
ZONE_ASSUMED = "The zone UTC is assumed, business hours with it: nothing said another one (--timezone)."
_ZONES_READ = (
    "of zones that stamps name, read are UTC, IANA names such as Europe/Berlin, and the abbreviations of the zone of --timezone (CET and CEST "
    "of Europe/Berlin): name that zone, or export stamps with their UTC offset"
)
_FAR_BEFORE = timedelta(days=730)
#: Share of the cases with several records that may step back in time before the stamps order a log, 0-1.
_STEPPING_BACK_SHARE = 0.01


@dataclass(frozen=True)
class LogProposal:
    """What sources.yml is to say of a log, and what a person should know about it."""

    #: One row an update, or one row a case.
    form: Literal["updates", "cases"]
    columns: dict[str, str]
    #: Stamp column -> what happened then, where a row is a case.
    milestones: dict[str, Signal]
    #: What was promised to the single case, by what it is about (RESOLUTION_DUE, REPLY_DUE).
    due: dict[str, Due]
    time_format: str
    #: Zone of stamps without an offset; None where every stamp has one.
    stamps_zone: str | None
    timezone: str
    statuses: dict[str, Signal]
    #: Words that are left out on purpose.
    ignored: list[str]
    #: Words that nobody placed, with how often they occur.
    unplaced: dict[str, int]
    #: Records that have no status at all, where they should have one.
    without_status: int
    start_date: date
    sla_met_values: dict[str, list[str]] | None
    author_kinds: dict[str, str] | None
    empty_cells: EmptyCells
    bots: list[str]
    order_by: list[str]
    newest_first: bool
    notes: list[str]
    #: Assumptions that make every figure wrong if they are.
    warnings: list[str]
    #: Why the figures would say nothing: then nothing is written.
    problems: list[str]

    @property
    def signals(self) -> set[Signal]:
        """What the log tells of its cases."""
        return {*self.statuses.values(), *self.milestones.values()}

    @property
    def zone_read(self) -> str:
        """The zone of the stamps as `Log.stamp` reads them."""
        return _zone_read(self.time_format, self.stamps_zone)


def propose(log: Log, told: Told, asking: Asking) -> LogProposal:
    """Raises OpslaError, naming the flags, for what neither the log nor a person tells: all of it at once."""
    for name, column in told.columns.items():
        if problem := column_problem(log, name, column):
            raise OpslaError(f"--column {name}={column}: {problem}")
    remarks = Remarks()
    time_format, fits = _time_format(log, told, asking, remarks)
    layout = chosen_columns(log, told, fits, asking, remarks)
    timezone, stamps_zone = _zones(log, told, layout.stamps, time_format, asking, remarks)
    statuses = _statuses(log, told, layout, asking, remarks)
    if _is_whole(layout):  # else it is said what is missing
        remarks.problems.extend(problems_of(log, told, layout, statuses, time_format))
    if remarks.missing:
        raise OpslaError("\n".join([*remarks.problems, *remarks.missing]))
    return _proposal(log, told, layout, statuses, time_format, stamps_zone, timezone, asking, remarks)


def _proposal(
    log: Log, told: Told, layout: Layout, statuses: Statuses, time_format: str, stamps_zone: str | None, timezone: str, asking: Asking,
    remarks: Remarks,
) -> LogProposal:
    zone_read = _zone_read(time_format, stamps_zone)
    start_date = _start_date(log, told, _begins(layout), time_format, timezone, stamps_zone, remarks.notes)
    order_by: list[str] = []
    newest_first = False
    empty_cells: EmptyCells = "cleared"
    if layout.form == "updates":
        order_by, newest_first = _order(log, layout.columns, time_format, zone_read, remarks.notes)
        records = log.records_in_order(
            layout.columns["case_id"], layout.columns["event_ts"], time_format, zone_read, by_stamp=bool(order_by), newest_first=newest_first
        )
        empty_cells = empty_cells_of(log, layout, records, told, asking, remarks)
    bots = bots_of(log, layout, statuses.placed, remarks)
    if lacks_an_end(layout, statuses):
        remarks.warnings.append("No status says that a case is over: every case stays open for ever. Say which one does with --status WORD=RESOLVED.")
    return LogProposal(
        form=layout.form, columns=layout.columns, milestones=layout.milestones, due=layout.due, time_format=time_format, stamps_zone=stamps_zone,
        timezone=timezone, statuses=statuses.placed, ignored=statuses.ignored, unplaced=statuses.unplaced,
        without_status=_without_status(log, layout), start_date=start_date, sla_met_values=_sla_met_values(log, layout.columns),
        author_kinds=author_kinds(log.words(layout.columns["author_kind"])) if "author_kind" in layout.columns else None,
        empty_cells=empty_cells, bots=bots, order_by=order_by, newest_first=newest_first, notes=remarks.notes, warnings=remarks.warnings,
        problems=remarks.problems,
    )


def _is_whole(layout: Layout) -> bool:
    required = ("case_id",) if layout.form == "cases" else ("case_id", "status", "event_ts")
    return all(name in layout.columns for name in required)


def _begins(layout: Layout) -> str:
    """The column that says when a case came in."""
    opened = [column for column, signal in layout.milestones.items() if signal == Signal.INTAKE]
    return opened[0] if opened else layout.columns.get("intake_ts", layout.columns["event_ts"])


def _statuses(log: Log, told: Told, layout: Layout, asking: Asking, remarks: Remarks) -> Statuses:
    if "status" not in layout.columns:
        return Statuses()
    ends_are_stamped = any(signal.value in TERMINAL_STATUSES for signal in layout.milestones.values())
    return placed_statuses(log, told, layout.columns["status"], asking, remarks, ends_are_stamped=ends_are_stamped)


def _without_status(log: Log, layout: Layout) -> int:
    return log.rows - log.columns[layout.columns["status"]].filled if layout.form == "updates" else 0


# ---------------------------------------------------------------- stamps


def _time_format(log: Log, told: Told, asking: Asking, remarks: Remarks) -> tuple[str, set[str]]:
    """The format of the log's stamps, and the columns that are written so. Beside typed stamps a column of dates says none."""
    typed = {name for name, column in log.columns.items() if column.is_typed_stamp}
    counts = {name: log.stamp_formats(name) for name in log.columns if name not in typed}
    if told.time_format is not None:
        counts = {name: {told.time_format: log.readable(name, told.time_format)} for name in counts}
    fitting = {
        name: {each: count for each, count in found.items() if count >= _STAMPS_SHARE * log.columns[name].filled and count}
        for name, found in counts.items()
    }
    if typed and told.time_format is None:
        fitting = {name: {each: count for each, count in found.items() if has_clock(each)} for name, found in fitting.items()}
    totals: dict[str, int] = {}
    for each, count in chain.from_iterable(found.items() for found in fitting.values()):
        totals[each] = totals.get(each, 0) + count
    if not totals:
        if typed:
            return "iso", typed
        hint = f" as {told.time_format!r}" if told.time_format else ""
        names_zones = any(each.endswith("%Z") for found in counts.values() for each in found)
        way = _ZONES_READ if names_zones else "say how stamps are written with --time-format, such as '%d/%m/%Y %H:%M'"
        raise OpslaError(f"{log.files[0]}: no column reads as stamps{hint} (columns: {', '.join(log.columns)}); {way}")
    best = max(totals, key=lambda each: totals[each])
    columns = {name for name, found in fitting.items() if best in found}
    best = told.time_format or _in_order(log, best, columns, asking, remarks)
    return best, {name for name in columns if best in fitting[name]} | typed


def _in_order(log: Log, best: str, columns: set[str], asking: Asking, remarks: Remarks) -> str:
    """Day or month first: as the data decides, else as a person says."""
    other = swapped(best)
    if other is None:
        return best
    alone = [log.only(name, best, other) for name in columns]
    only_best, only_other = sum(one for one, _ in alone), sum(two for _, two in alone)
    if only_best < only_other:
        best, other, only_best, only_other = other, best, only_other, only_best
    if only_best > only_other:
        remarks.notes.append(f"Stamps are read as {best}: {only_best:,} of them can be nothing else.")
        if only_other:
            remarks.notes.append(f"{only_other:,} stamps fit only {other}; they will be rejected.")
        return best
    question = f"Every stamp can be read as {best} and as {other}"
    known = {best, other}
    answer = answer_to(
        question, None, f"--time-format '{best}' (or '{other}')", asking, remarks,
        lambda answer: None if answer in known else f"write {best} or {other}",
    )
    return answer or best


def _zones(
    log: Log, told: Told, stamps: list[str], time_format: str, asking: Asking, remarks: Remarks
) -> tuple[str, str | None]:
    """The desk's zone, and the one of stamps without offset. UTC is not proposed where every stamp says that it is not UTC."""
    all_offset = states_offset(time_format) or (
        time_format == "iso" and all(log.with_offset(name) and not log.without_offset(name) for name in stamps)
    )
    offsets = log.offsets(stamps) if stamps and all_offset else []
    is_elsewhere = any(offset.strip("Z+-0:") not in {"", "UTC", "GMT"} for offset in offsets)
    also = f"; the log's stamps state {' and '.join(offsets)}" if offsets else ""
    question = f"{ZONE_QUESTION}{also}" if all_offset else f"{ZONE_QUESTION} and of the log's stamps, which state no offset"
    flag = "--timezone (UTC, if business hours are told in UTC)"
    zone = told.timezone or answer_to(question, None if is_elsewhere else "UTC", flag, asking, remarks, zone_problem) or "UTC"
    if told.timezone is None and not asking.is_allowed:
        remarks.warnings.append(ZONE_ASSUMED)
    return zone, None if all_offset and not time_format.endswith("%Z") else zone


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a zone, or None."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{name!r} is no time zone; write an IANA name such as America/New_York or UTC"
    return None


def _start_date(
    log: Log, told: Told, begins: str, time_format: str, zone: str, stamps_zone: str | None, notes: list[str]
) -> date:
    """The first intake date to load; column `begins` says when a case came in."""
    first, early = log.days(begins, time_format, _zone_read(time_format, stamps_zone), zone)
    if not (isinstance(first, date) and isinstance(early, date)):
        raise OpslaError(f"{log.files[0]}: column {begins!r} holds no stamp of the format {time_format}; say it with --time-format")
    if told.start_date is not None:
        return told.start_date
    if early - first > _FAR_BEFORE:
        notes.append(f"The desk starts on {early}: the few stamps before (from {first}) look like slips; --start-date {first} keeps them.")
        return early
    return first


def _zone_read(time_format: str, stamps_zone: str | None) -> str:
    """The zone of the stamps as `Log.stamp` reads them."""
    return "UTC" if states_offset(time_format) else stamps_zone or "UTC"


def _order(log: Log, columns: Mapping[str, str], time_format: str, zone: str, notes: list[str]) -> tuple[list[str], bool]:
    """`order_by` and `newest_first`: the file's order is the log's, unless its stamps say that it cannot be."""
    stamps = columns["event_ts"]
    order = log.order(columns["case_id"], stamps, time_format, zone)
    if order.is_newest_first:
        notes.append(f"The newest records come first, by {stamps}: each file is read from its end (newest_first in sources.yml).")
    stepping = f"{counted(order.cases_stepping_back, 'case')} of {order.cases:,} with several records"
    if order.cases_stepping_back > _STEPPING_BACK_SHARE * order.cases:
        notes.append(f"The files are not in the order of time ({stepping}): records go by {stamps} (order_by in sources.yml).")
        return [stamps], order.is_newest_first
    if order.cases_stepping_back:
        notes.append(f"Not in the order of time: {stepping}. The file's order is kept; order_by in sources.yml would change it.")
    return [], order.is_newest_first


def _sla_met_values(log: Log, columns: Mapping[str, str]) -> dict[str, list[str]] | None:
    """None where the column is missing, or says what the event_log source takes it to say anyway."""
    if "sla_met" not in columns:
        return None
    words = list(log.words(columns["sla_met"]))
    said = verdicts(columns["sla_met"], words)
    if said is None or (all(said.get(word) is met for word, met in (("true", True), ("false", False)) if word in words) and set(words) <= {"true", "false"}):
        return None
    return {name: [word for word in words if said[word] is met] for name, met in (("met", True), ("missed", False))}
