"""A source proposed from what a log holds: the order of the choices, how stamps are written, and in which order the records lie.

Belongs here: the proposal, and choosing formats and zones of stamps. Does not belong here: columns (`columns`), statuses (`meanings`), what
other cells tell (`contents`), whether the proposal says anything (`information`), reading files, writing config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.changes import chosen_changes, is_audit_log, openings_missing, words_of_status
from opsla_dagster.starting.column_names import verdicts
from opsla_dagster.starting.columns import STAMPS, Due, Layout, author_kinds, chosen_columns, column_problem, tell_id
from opsla_dagster.starting.contents import EmptyCells, bots_of, empty_cells_of
from opsla_dagster.starting.fates import count_without_status
from opsla_dagster.starting.holders import tell_lost_holders, tell_who_is_missing
from opsla_dagster.starting.information import lacks_an_end, problems_of
from opsla_dagster.starting.meanings import Statuses, placed_statuses, placed_words
from opsla_dagster.starting.remarks import Remarks
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamp_choice import (
    Forms,
    join_dates_and_times,
    stamp_columns,
    start_date_of,
    time_format_of,
    zone_read,
    zones_of,
)
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import listed
from opsla_dagster.status import TERMINAL_STATUSES, Signal

#: Where a row is a case: what its status says of it while it is open, which counts from the row's last change on. INTAKE says no more than the opening.
STANDINGS = frozenset(signal for signal in Signal if signal.is_status) - {*TERMINAL_STATUSES} - {Signal.INTAKE}
#: Share of the cases with several records that may step back in time before the stamps order a log, 0-1.
_STEPPING_BACK_SHARE = 0.01


@dataclass(frozen=True)
class LogProposal:
    """What sources.yml is to say of a log, and what a person should know about it."""

    #: One row an update, one row a case, or one row a changed field.
    form: Literal["updates", "cases", "changes"]
    columns: dict[str, str]
    #: Stamp column -> what happened then, where a row is a case.
    milestones: dict[str, Signal]
    #: What was promised to the single case, by what it is about (RESOLUTION_DUE, REPLY_DUE).
    due: dict[str, Due]
    time_format: Forms
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
    #: Column that is joined from two -> the one of its date, and the one of its time.
    joined: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Of an audit log: its word for a field -> what of a case it is, or IGNORE.
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def signals(self) -> set[Signal]:
        """What the log tells the instant of: where a row is a case, a status says only how it stands now."""
        opening = {Signal.INTAKE} if self.form == "changes" else set()
        return {*self.milestones.values()} if self.form == "cases" else {*self.statuses.values(), *opening}

    @property
    def tells_openings(self) -> bool:
        """Whether something tells that a case came in; else each comes in with its first record."""
        return self.form != "updates" or Signal.INTAKE in self.statuses.values() or "intake_ts" in self.columns

    @property
    def zone_read(self) -> str:
        """The zone of the stamps as `Log.stamp` reads them."""
        return zone_read(self.stamps_zone)


def propose(log: Log, told: Told, asking: Asking) -> LogProposal:
    """Raises OpslaError, naming the flags, for what neither the log nor a person tells: all of it at once."""
    remarks = Remarks()
    told = replace(told, columns=join_dates_and_times(log, told.columns, remarks.notes))
    for name, column in told.columns.items():
        if problem := column_problem(log, name, column):
            raise OpslaError(f"--column {name}={column}: {problem}")
    if is_audit_log(log, told):
        return _proposed_changes(log, told, None, asking, remarks)
    if told.fields:
        word, meaning = next(iter(told.fields.items()))
        raise OpslaError(f"--field {word}={meaning}: is for audit logs, one row a changed field; {log.files[0]} has no columns for the field, its old and its new value")
    stamps = stamp_columns(log, told.time_format, asking, remarks)
    layout = chosen_columns(log, told, set(stamps), asking, remarks)
    if "case_id" in layout.columns:
        _require_exact_ids(log, layout.columns["case_id"])
    time_format = _time_format(log, told, layout, stamps, remarks)
    layout = replace(layout, due=_with_due_days(log, layout, stamps, time_format, remarks)) if _is_whole(layout) else layout
    timezone, stamps_zone = zones_of(log, told.timezone, layout.stamps, time_format, asking, remarks)
    statuses = _statuses(log, told, layout, asking, remarks)
    if _is_whole(layout):  # else it is said what is missing
        remarks.problems.extend(problems_of(log, told, layout, statuses, time_format))
    if remarks.missing:
        raise OpslaError("\n".join([*remarks.problems, *remarks.missing, *log.repeated_names_told]))
    return _proposal(log, told, layout, statuses, time_format, stamps_zone, timezone, asking, remarks)


def propose_changes(log: Log, told: Told, beside: str, asking: Asking) -> LogProposal:
    """The proposal of an audit log beside the log `beside`, which has its cases. Raises OpslaError as `propose` does, and for what is no audit log."""
    remarks = Remarks()
    told = replace(told, columns=join_dates_and_times(log, told.columns, remarks.notes))
    if not is_audit_log(log, told):
        raise OpslaError(
            f"{log.files[0]}: is no audit log: no columns are called as the changed field, its old and its new value are (it has {listed(list(log.columns))}); name them with "
            "--column field=COLUMN --column old_value=COLUMN --column new_value=COLUMN"
        )
    return _proposed_changes(log, told, beside, asking, remarks)


def _proposed_changes(log: Log, told: Told, beside: str | None, asking: Asking, remarks: Remarks) -> LogProposal:
    stamps = stamp_columns(log, told.time_format, asking, remarks)
    changes = chosen_changes(log, told, stamps, asking, remarks, beside=beside)
    columns = changes.columns
    tell_id(columns, told, remarks)
    if not {"case_id", "event_ts"} <= {*columns}:
        raise OpslaError("\n".join(remarks.missing))
    _require_exact_ids(log, columns["case_id"])
    others: dict[str, str] = {name: columns[name] for name in ("intake_ts", "ingestion_ts") if name in columns}
    time_format, unsure = time_format_of(log, columns["event_ts"], others, stamps, remarks.notes)
    for name in unsure:
        columns.pop(name)
    timezone, stamps_zone = zones_of(log, told.timezone, [columns["event_ts"]], time_format, asking, remarks)
    statuses = Statuses()
    if changes.status_words:
        statuses = placed_words(words_of_status(log, changes), told, columns["new_value"], asking, remarks, ends_are_stamped=False)
        if not any(signal.value in TERMINAL_STATUSES for signal in statuses.placed.values()):
            remarks.warnings.append("No status says that a case is over: every case stays open for ever. Say which one does with --status WORD=RESOLVED.")
        remarks.problems.extend(filter(None, [openings_missing(log, changes, time_format)]))
    if remarks.missing:
        raise OpslaError("\n".join([*remarks.problems, *remarks.missing, *log.repeated_names_told]))
    start_date = start_date_of(log, told.start_date, columns.get("intake_ts", columns["event_ts"]), time_format, timezone, stamps_zone, remarks.notes)
    return LogProposal(
        form="changes", columns=columns, milestones={}, due={}, time_format=time_format, stamps_zone=stamps_zone, timezone=timezone, statuses=statuses.placed,
        ignored=statuses.ignored, unplaced=statuses.unplaced, without_status=0, start_date=start_date, sla_met_values=None, author_kinds=None, empty_cells="cleared",
        bots=[], order_by=[], newest_first=False, notes=remarks.notes, warnings=remarks.warnings, problems=remarks.problems,
        joined={name: column.parts for name, column in log.columns.items() if column.parts}, fields=changes.fields,
    )  # fmt: skip


def _proposal(
    log: Log, told: Told, layout: Layout, statuses: Statuses, time_format: Forms, stamps_zone: str | None, timezone: str, asking: Asking,
    remarks: Remarks,
) -> LogProposal:
    zone = zone_read(stamps_zone)
    start_date = start_date_of(log, told.start_date, _begins(layout), time_format, timezone, stamps_zone, remarks.notes)
    order_by: list[str] = []
    newest_first = False
    empty_cells: EmptyCells = "cleared"
    without_status = 0
    tell_id(layout.columns, told, remarks)
    if layout.form == "updates":
        order_by, newest_first = _order(log, layout, time_format, zone, remarks)
        records = log.records_in_order(
            layout.columns["case_id"], layout.columns["event_ts"], time_format, zone, by_stamp=bool(order_by), newest_first=newest_first,
            ties_by=order_by[1] if order_by[1:] else None,
        )
        empty_cells = empty_cells_of(log, layout, records, told, asking, remarks)
        tell_lost_holders(log, layout, records, statuses, empty_cells, asking, remarks)
        if Signal.INTAKE not in statuses.placed.values() and "intake_ts" not in layout.columns:
            remarks.warnings.append(
                "No record says that a case came in: each counts from its first record, and what passed before that is in no figure; a first touch is promised to nobody. Name the column with its "
                "opening (--column intake_ts=COLUMN), or the word of a new case (--status WORD=INTAKE)."
            )
        without_status = _without_status(log, layout, records, statuses, empty_cells, remarks)
    tell_who_is_missing(log, layout, remarks)
    bots = bots_of(log, layout, statuses.placed, remarks)
    if layout.form == "cases" and "updated_ts" not in layout.columns and (words := [word for word, signal in statuses.placed.items() if signal in STANDINGS]):
        remarks.warnings.append(
            f"{listed(words)}: not used, since no column says when a row was changed last, and so not since when a case stands so: every open case counts as waiting for us, also one that waits "
            "for the customer. Export the time of the last change too, or name its column with --column updated_ts=COLUMN."
        )
    if lacks_an_end(layout, statuses):
        remarks.warnings.append("No status says that a case is over: every case stays open for ever. Say which one does with --status WORD=RESOLVED.")
    return LogProposal(
        form=layout.form, columns=layout.columns, milestones=layout.milestones, due=layout.due, time_format=time_format, stamps_zone=stamps_zone,
        timezone=timezone, statuses=statuses.placed, ignored=statuses.ignored, unplaced=statuses.unplaced,
        without_status=without_status, start_date=start_date, sla_met_values=_sla_met_values(log, layout.columns),
        author_kinds=author_kinds(log.words(layout.columns["author_kind"])) if "author_kind" in layout.columns else None,
        empty_cells=empty_cells, bots=bots, order_by=order_by, newest_first=newest_first, notes=remarks.notes, warnings=remarks.warnings,
        problems=remarks.problems, joined={name: column.parts for name, column in log.columns.items() if column.parts},
    )


def _require_exact_ids(log: Log, column: str) -> None:
    """Raises OpslaError for ids that a spreadsheet rounded: several cases may have become one, and nothing can tell them apart again."""
    rounded = log.rounded_ids(column)
    if not rounded:
        return
    records = sum(rounded.values())
    shown = ", ".join(list(rounded)[:3])
    raise OpslaError(
        f"{log.files[0]}: column {column!r}: {counted(records, 'record')} with an id that a spreadsheet rounded ({shown}): several cases may "
        "share one such id, so no figure of them would be true. Export the log anew with the ids as text (in a spreadsheet, format the column "
        "as text before the file is opened), or name another column with --column case_id=COLUMN"
    )


def _is_whole(layout: Layout) -> bool:
    if layout.form == "cases":
        return "case_id" in layout.columns and Signal.INTAKE in layout.milestones.values()
    return all(name in layout.columns for name in ("case_id", "status", "event_ts"))


def _time_format(log: Log, told: Told, layout: Layout, stamps: Mapping[str, tuple[str, ...]], remarks: Remarks) -> Forms:
    """The forms of the stamps; a column that only another reading of the same cells would read is taken out of the layout."""
    if not _is_whole(layout):
        return told.time_format or "iso"
    begins = layout.columns["event_ts"] if layout.form == "updates" else _begins(layout)
    named = {name: layout.columns[name] for name in STAMPS if name in layout.columns}
    others = {**named, **{column: column for column in layout.milestones}, **{name: due.column for name, due in layout.due.items() if due.column in stamps}}
    time_format, unsure = time_format_of(log, begins, others, stamps, remarks.notes)
    for name in unsure:
        for held in (layout.columns, layout.milestones, layout.due):
            held.pop(name, None)
    return time_format


def _with_due_days(log: Log, layout: Layout, stamps: Mapping[str, tuple[str, ...]], time_format: Forms, remarks: Remarks) -> dict[str, Due]:
    """Due dates that are all written as midnights, of cases that are not opened at midnight, are days: systems store a day so."""
    due = dict(layout.due)
    if log.says_only_days(_begins(layout), time_format):
        return due
    for about, promise in layout.due.items():
        column = log.columns[promise.column]
        if promise.is_duration or promise.date_format is not None or promise.column not in stamps or log.midnights(promise.column) < column.filled:
            continue
        written = log.date_format_of(promise.column, (time_format,) if isinstance(time_format, str) else time_format)
        if written is None:
            remarks.warnings.append(f"Every {promise.column} is a midnight, and counts as that instant; if whole days are meant, set due.date_format in sources.yml.")
            continue
        due[about] = replace(promise, date_format=written)
        remarks.notes.append(f"Every {promise.column} is a midnight, so it names a day: what is due then is due at its end (date_format in sources.yml).")
    return due


def _begins(layout: Layout) -> str:
    """The column that says when a case came in."""
    opened = [column for column, signal in layout.milestones.items() if signal == Signal.INTAKE]
    return opened[0] if opened else layout.columns.get("intake_ts", layout.columns["event_ts"])


def _statuses(log: Log, told: Told, layout: Layout, asking: Asking, remarks: Remarks) -> Statuses:
    if "status" not in layout.columns:
        return Statuses()
    ends_are_stamped = any(signal.value in TERMINAL_STATUSES for signal in layout.milestones.values())
    return placed_statuses(log, told, layout.columns["status"], asking, remarks, ends_are_stamped=ends_are_stamped)


def _without_status(log: Log, layout: Layout, records: str, statuses: Statuses, empty_cells: EmptyCells, remarks: Remarks) -> int:
    """Records that are rejected since they have no status; where empty cells tell nothing they leave it as it was."""
    lacking = log.rows - log.columns[layout.columns["status"]].filled
    if not lacking:
        return 0
    if empty_cells == "cleared":
        remarks.notes.append(f"{counted(lacking, 'record')} without a status: rejected (raw.rejected_rows).")
        return lacking
    rejected = count_without_status(log, layout, records, statuses, empty_cells)
    if lacking > rejected:
        remarks.notes.append(f"{counted(lacking - rejected, 'record')} without a status: the case stays in the one it had.")
    if rejected:
        remarks.notes.append(f"{counted(rejected, 'record')} without a status before the first known one of the case: rejected (raw.rejected_rows).")
    return rejected


# ---------------------------------------------------------------- order


def _order(log: Log, layout: Layout, time_format: Forms, zone: str, remarks: Remarks) -> tuple[list[str], bool]:
    """`order_by` and `newest_first`: the file's order is the log's, unless its stamps say that it cannot be; then a number of the records orders those of one instant."""
    stamps = layout.columns["event_ts"]
    order = log.order(layout.columns["case_id"], stamps, time_format, zone)
    if order.is_newest_first:
        remarks.notes.append(f"The newest records come first, by {stamps}: each file is read from its end (newest_first in sources.yml).")
    stepping = f"{counted(order.cases_stepping_back, 'case')} of {order.cases:,} with several records"
    if order.cases_stepping_back > _STEPPING_BACK_SHARE * order.cases:
        number = _number_of_records(log, layout, time_format, zone)
        by = stamps if number is None else f"{stamps}, of one instant by {number}"
        remarks.notes.append(f"The files are not in the order of time ({stepping}): records go by {by} (order_by in sources.yml).")
        if number is None and (unordered := _unordered(log, layout, time_format, zone, is_newest_first=order.is_newest_first)):
            remarks.warnings.append(
                f"{counted(unordered, 'record')} {'has' if unordered == 1 else 'have'} the stamp of the record of the case before, say otherwise who holds it or how it stands, and stand in files that are "
                "not in the order of time: which came first is the order of the file, and may be wrong. A column that numbers the records would tell (order_by in sources.yml)."
            )
        return [stamps, *([number] if number is not None else [])], order.is_newest_first
    if order.cases_stepping_back:
        remarks.notes.append(f"Not in the order of time: {stepping}. The file's order is kept; order_by in sources.yml would change it.")
    return [], order.is_newest_first


def _number_of_records(log: Log, layout: Layout, time_format: Forms, zone: str) -> str | None:
    """The column that numbers the records of a case as they happened: each has its own, and the numbers run with the stamps."""
    case, stamps = layout.columns["case_id"], layout.columns["event_ts"]
    taken = layout.used - {layout.columns.get("event_id")}
    for name, column in log.columns.items():
        if name in taken or column.filled < log.rows or column.parts or column.is_typed_stamp:
            continue
        if not all(re.search(r"\d", cell) and not re.search(r"\s", cell) for cell in column.examples):
            continue
        neighbours, alike, back = log.numbers_along_time(name, case, stamps, time_format, zone)
        if neighbours and not alike and back <= _STEPPING_BACK_SHARE * neighbours:
            return name
    return None


def _unordered(log: Log, layout: Layout, time_format: Forms, zone: str, *, is_newest_first: bool) -> int:
    """Records of cases that step back in time, of one instant with the record before, that say another status, team or agent; those that are there twice left out."""
    records = log.records_in_order(
        layout.columns["case_id"], layout.columns["event_ts"], time_format, zone, by_stamp=False, newest_first=is_newest_first
    )
    told = ", ".join(log.columns[layout.columns[name]].sql for name in ("status", "team", "agent") if name in layout.columns)
    ((count,),) = log.select(
        "select count(*) filter (instant = previous_instant and told <> previous_told) from (select instant, told, lag(instant) over run as previous_instant, lag(told) over run as previous_told "
        "from (select *, bool_or(instant < before) over (partition by case_key) as is_back, count(*) over (partition by case_key, instant, told) as copies "
        f"from (select *, row({told}) as told, lag(instant) over (partition by case_key order by place) as before from ({records}))) where is_back and copies = 1 "
        "window run as (partition by case_key order by instant, place))"
    )
    return int(count)


def _sla_met_values(log: Log, columns: Mapping[str, str]) -> dict[str, list[str]] | None:
    """None where the column is missing, or says what the event_log source takes it to say anyway."""
    if "sla_met" not in columns:
        return None
    words = list(log.words(columns["sla_met"]))
    said = verdicts(columns["sla_met"], words)
    if said is None or (all(said.get(word) is met for word, met in (("true", True), ("false", False)) if word in words) and set(words) <= {"true", "false"}):
        return None
    return {name: [word for word in words if said[word] is met] for name, met in (("met", True), ("missed", False))}
