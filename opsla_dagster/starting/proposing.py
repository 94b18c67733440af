"""A source proposed from what a log holds: which column is what, how stamps are written, what its statuses mean.

Belongs here: choosing, asking where the log does not decide, and what is said about the choice. Does not belong here: reading files,
writing config.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import ColumnSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.remarks import Remarks as _Remarks
from opsla_dagster.starting.remarks import answer_to as _answer
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
from opsla_dagster.starting.words import MET, counted, fields_named, is_vague, signal_of, signals_of
from opsla_dagster.status import MEANINGS, Signal

FIELDS = tuple(ColumnSettings.model_fields)
STAMPS = ("event_ts", "intake_ts", "ingestion_ts", "resolved_ts", "closed_ts")
#: Words that a status column has at most.
MOST_WORDS = 60
#: Share of the cases with several records that may step back in time before the stamps order a log, 0-1.
_STEPPING_BACK_SHARE = 0.01


@dataclass(frozen=True)
class Told:
    """What a person said beforehand; None and empty: propose it."""

    columns: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, Signal] = field(default_factory=dict)
    time_format: str | None = None
    timezone: str | None = None
    start_date: date | None = None


@dataclass(frozen=True)
class LogProposal:
    """What sources.yml is to say of a log, and what a person should know about it."""

    columns: dict[str, str]
    time_format: Forms
    #: Zone of stamps without an offset; None where every stamp has one.
    stamps_zone: str | None
    timezone: str
    statuses: dict[str, Signal]
    #: Words that nobody placed, with how often they occur.
    unplaced: dict[str, int]
    #: Records that have no status at all.
    without_status: int
    start_date: date
    sla_met_values: dict[str, list[str]] | None
    order_by: list[str]
    newest_first: bool
    notes: list[str]
    #: Assumptions that make every figure wrong if they are.
    warnings: list[str]
    #: Column that is joined from two -> the one of its date, and the one of its time.
    joined: dict[str, tuple[str, ...]] = field(default_factory=dict)


def propose(log: Log, told: Told, asking: Asking) -> LogProposal:
    """Raises OpslaError, naming the flags, for what neither the log nor a person tells: all of it at once."""
    remarks = _Remarks()
    told = replace(told, columns=join_dates_and_times(log, told.columns, remarks.notes))
    for name, column in told.columns.items():
        if problem := _column_problem(log, name, column):
            raise OpslaError(f"--column {name}={column}: {problem}")
    stamps = stamp_columns(log, told.time_format, asking, remarks)
    columns = _columns(log, told, set(stamps), asking, remarks)
    if "case_id" in columns:
        _require_exact_ids(log, columns["case_id"])
    time_format = time_format_of(log, columns, stamps, remarks.notes) if "event_ts" in columns else told.time_format or "iso"
    timezone, stamps_zone = zones_of(log, told.timezone, columns, time_format, asking, remarks)
    statuses, unplaced = _statuses(log, told, columns["status"], asking, remarks) if "status" in columns else ({}, {})
    if remarks.missing:
        raise OpslaError("\n".join(remarks.missing))
    start_date = start_date_of(log, told.start_date, columns, time_format, timezone, stamps_zone, remarks.notes)
    order_by, newest_first = _order(log, columns, time_format, zone_read(time_format, stamps_zone), remarks.notes)
    joined = {name: column.parts for name, column in log.columns.items() if column.parts}
    return LogProposal(
        columns, time_format, stamps_zone, timezone, statuses, unplaced, _without_status(log, columns["status"]), start_date,
        _sla_met_values(log, columns), order_by, newest_first, remarks.notes, remarks.warnings, joined,
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


def _column_problem(log: Log, name: str, column: str) -> str | None:
    """Why the column cannot be the field, or None."""
    if name not in FIELDS:
        return f"there is no field {name!r}; known: {', '.join(FIELDS)}"
    if column not in log.columns:
        return f"the log has no such column; it has {', '.join(log.columns)}"
    if name == "sla_met" and (odd := [word for word in log.words(column) if word.lower() not in MET]):
        return f"{odd[0]!r} says neither met nor missed; leave it out, and say what it means as sla_met_values in sources.yml"
    return None


# ---------------------------------------------------------------- order


def _order(log: Log, columns: Mapping[str, str], time_format: Forms, zone: str, notes: list[str]) -> tuple[list[str], bool]:
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


# ---------------------------------------------------------------- columns


def _columns(log: Log, told: Told, stamps: set[str], asking: Asking, remarks: _Remarks) -> dict[str, str]:
    """Field -> column; each column once. A required field that is missing is among the remarks."""
    found = dict(told.columns)
    for name, (question, propose_column) in _REQUIRED.items():
        if name not in found:
            proposal, is_sure = propose_column(log, stamps, found)
            column = proposal if is_sure else _asked_column(log, question, name, proposal, asking, remarks)
            found.update({name: column} if column is not None else {})
    case = found.get("case_id")
    if case is None:
        return found
    for name in FIELDS:
        if name in found:
            continue
        column = _by_name(log, name, taken=set(found.values()), stamps=stamps)
        if column is not None and _may_be(log, name, column, case):
            found[name] = column
    if log.columns[case].distinct == log.columns[case].filled and log.rows > 1:
        remarks.notes.append(f"Every {case} occurs once: this looks like one row a case, but opsla wants one row an update.")
    found.update(_more_columns(log, found, stamps, asking))
    return {name: found[name] for name in FIELDS if name in found}


def _more_columns(log: Log, found: Mapping[str, str], stamps: set[str], asking: Asking) -> dict[str, str]:
    """What a person makes of the columns that are left."""
    more: dict[str, str] = {}

    def refuse(answer: str) -> str | None:
        name, _, column = answer.partition("=")
        if column not in unused:
            return f"write FIELD=COLUMN with one of the columns {', '.join(unused)}"
        if name in STAMPS and column not in stamps:
            return f"column {column!r} does not read as stamps"
        return _column_problem(log, name, column)

    while asking.is_allowed:
        taken = {**found, **more}
        unused = [name for name in log.columns if name not in taken.values()]
        if not unused:
            break
        asking.say(f"Used: {', '.join(f'{name}={column}' for name, column in taken.items())}. Not used: {', '.join(unused)}.")
        free = ", ".join(name for name in FIELDS if name not in taken)
        answer = asking.optional(f"Use another column (FIELD=COLUMN; free fields: {free}; empty: go on)", refuse)
        if answer is None:
            break
        name, _, column = answer.partition("=")
        more[name] = column
    return more


def _by_name(log: Log, name: str, *, taken: set[str], stamps: set[str]) -> str | None:
    """The column whose name means the field most surely."""
    places = {
        column: fields_named(column)[name]
        for column, measured in log.columns.items()
        if name in fields_named(column) and column not in taken and measured.filled and (column in stamps) == (name in STAMPS)
    }
    return min(places, key=lambda column: places[column]) if places else None


def _may_be(log: Log, name: str, column: str, case: str) -> bool:
    """Whether the contents bear out what the name says."""
    measured = log.columns[column]
    if name == "event_id":
        return measured.distinct == measured.filled == log.rows
    if name == "intake_ts":
        return log.changes_within(column, case) == 0 and measured.filled == log.rows
    if name == "sla_met":
        return all(word.lower() in MET for word in log.words(column))
    return True


def _case_id(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """By name, which is sure; else the only column whose values repeat, but not much."""
    taken = set(found.values())
    named = _by_name(log, "case_id", taken=taken, stamps=stamps)
    repeats = [
        name for name, column in log.columns.items()
        if name not in stamps | taken and column.filled == log.rows and log.rows / 50 < column.distinct < log.rows
        and column.distinct > MOST_WORDS
    ]
    return named or (repeats[0] if len(repeats) == 1 else None), named is not None


def _status(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """A column of few words that is called so, or most of whose words are statuses."""
    taken = set(found.values())
    shares: dict[str, float] = {}
    for name, column in log.columns.items():
        if name in stamps | taken or not 0 < column.distinct <= MOST_WORDS:
            continue
        words = log.words(name)
        placed = sum(count for word, count in words.items() if signal_of(word) is not None) / sum(words.values())
        is_named = "status" in fields_named(name)
        if is_named or placed > 0.5:
            shares[name] = placed + (0.75 if is_named else 0.0) - fields_named(name).get("status", 0) / 1000
    return (max(shares, key=lambda name: shares[name]), True) if shares else (None, False)


def _event_ts(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """The stamp that differs from update to update; by name where several do."""
    free = [name for name in log.columns if name in stamps and name not in found.values()]
    case = found.get("case_id")
    changing = {name: log.changes_within(name, case) if case is not None else 0 for name in free}
    moving = [name for name in free if changing[name] > 0] or free
    named = [name for name in moving if "event_ts" in fields_named(name)]
    if named:
        proposal: str | None = min(named, key=lambda name: fields_named(name)["event_ts"])
    else:
        others = [name for name in moving if not set(fields_named(name)) & set(STAMPS)] or moving
        knows_cases = case is not None or len(others) == 1
        proposal = max(others, key=lambda name: changing[name], default=None) if knows_cases else None
    return proposal, proposal is not None and (bool(named) or len(moving) == 1)


#: Field -> what a person is asked, and what proposes a column and whether that is sure.
_REQUIRED: dict[str, tuple[str, Callable[[Log, set[str], Mapping[str, str]], tuple[str | None, bool]]]] = {
    "case_id": ("Which column names the case", _case_id),
    "status": ("Which column tells the status", _status),
    "event_ts": ("Which column tells when the update happened", _event_ts),
}


def _asked_column(log: Log, question: str, name: str, proposal: str | None, asking: Asking, remarks: _Remarks) -> str | None:
    return _answer(
        f"{question} (columns: {', '.join(log.columns)})", proposal, f"--column {name}=COLUMN", asking, remarks,
        lambda answer: None if answer in log.columns else f"the log has no column {answer!r}",
    )


# ---------------------------------------------------------------- words


def _statuses(
    log: Log, told: Told, column: str, asking: Asking, remarks: _Remarks
) -> tuple[dict[str, Signal], dict[str, int]]:
    """What each word means, and how often those words occur of which nobody said it."""
    words = log.words(column)
    if len(words) > MOST_WORDS and not told.statuses:
        raise OpslaError(
            f"column {column!r} has {len(words):,} different values, which are no statuses; name another one with --column status=COLUMN"
        )
    for word, signal in told.statuses.items():
        if word not in words:
            raise OpslaError(f"--status {word}={signal}: column {column!r} of the log has no such word; it has {', '.join(list(words)[:MOST_WORDS])}")
    statuses: dict[str, Signal] = {}
    unplaced: dict[str, int] = {}
    proposed = signals_of(words)
    if asking.is_allowed and any(proposed[word] is None and word not in told.statuses for word in words):
        for signal, meaning in MEANINGS.items():
            asking.say(f"  {signal:<16}  the case {meaning}" if signal.is_status else f"  {signal:<16}  {meaning}")
    for word, count in words.items():
        meant = told.statuses.get(word) or proposed[word] or _asked_signal(word, count, asking)
        if meant is None:
            unplaced[word] = count
        else:
            statuses[word] = meant
    if vague := [word for word in statuses if word not in told.statuses and statuses[word] == Signal.CUSTOMER_WAIT and is_vague(word)]:
        remarks.notes.append(f"{', '.join(vague)}: taken as waiting for the customer; --status '{vague[0]}=ON_HOLD' would say otherwise.")
    if moved := [word for word in statuses if word not in told.statuses and statuses[word] != signal_of(word)]:
        remarks.notes.append(
            f"{', '.join(moved)}: taken as worked on, since the log has a word for new cases; --status '{moved[0]}=INTAKE' would say otherwise."
        )
    if unplaced:
        remarks.notes.append(
            f"{counted(sum(unplaced.values()), 'record')} with a status of which nobody said what it means: to be found in raw.rejected_rows. "
            "Say it with --status WORD=STATUS, or later in sources.yml."
        )
    if lacking := _without_status(log, column):
        remarks.notes.append(f"{counted(lacking, 'record')} without a status: to be found in raw.rejected_rows.")
    if not statuses:
        remarks.missing.append(
            f"Column {column!r} holds {', '.join(words)}: what they mean cannot be told; say it with --status WORD=STATUS, "
            f"one of {', '.join(Signal)}"
        )
    return statuses, unplaced


def _without_status(log: Log, column: str) -> int:
    return log.rows - log.columns[column].filled


def _asked_signal(word: str, count: int, asking: Asking) -> Signal | None:
    answer = asking.optional(
        f"What does the status {word!r} mean ({counted(count, 'record')}; empty: leave it out)",
        lambda text: None if text.upper() in Signal.__members__ else f"{text!r} is none of {', '.join(Signal)}",
    )
    return Signal(answer.upper()) if answer else None


def _sla_met_values(log: Log, columns: Mapping[str, str]) -> dict[str, list[str]] | None:
    """None where the column is missing, or says what the event_log source takes it to say anyway."""
    if "sla_met" not in columns:
        return None
    words = list(log.words(columns["sla_met"]))
    if set(words) <= {"true", "false"}:
        return None
    values: dict[str, list[str]] = {"met": [], "missed": []}
    for word in words:
        values["met" if MET[word.lower()] else "missed"].append(word)
    return values
