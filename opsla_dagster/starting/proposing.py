"""A source proposed from what a log holds: which column is what, how stamps are written, what its statuses mean.

Belongs here: choosing, asking where the log does not decide, and what is said about the choice. Does not belong here: reading files,
writing config.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import ColumnSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamps import has_clock, states_offset, swapped
from opsla_dagster.starting.words import MET, counted, fields_named, is_vague, signal_of, signals_of
from opsla_dagster.status import MEANINGS, Signal

FIELDS = tuple(ColumnSettings.model_fields)
STAMPS = ("event_ts", "intake_ts", "ingestion_ts", "resolved_ts", "closed_ts")
#: Share of the cells of a column that must be stamps for it to be one, 0-1.
_STAMPS_SHARE = 0.8
#: Words that a status column has at most.
MOST_WORDS = 60
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
    time_format: str
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


@dataclass(frozen=True)
class _Remarks:
    """What is said of the choice on the way; `missing` is what nobody could be asked for, each with its flag."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def propose(log: Log, told: Told, asking: Asking) -> LogProposal:
    """Raises OpslaError, naming the flags, for what neither the log nor a person tells: all of it at once."""
    for name, column in told.columns.items():
        if problem := _column_problem(log, name, column):
            raise OpslaError(f"--column {name}={column}: {problem}")
    remarks = _Remarks()
    time_format, fits = _time_format(log, told, asking, remarks)
    columns = _columns(log, told, fits, asking, remarks)
    timezone, stamps_zone = _zones(log, told, columns, time_format, asking, remarks)
    statuses, unplaced = _statuses(log, told, columns["status"], asking, remarks) if "status" in columns else ({}, {})
    if remarks.missing:
        raise OpslaError("\n".join(remarks.missing))
    start_date = _start_date(log, told, columns, time_format, timezone, stamps_zone, remarks.notes)
    order_by, newest_first = _order(log, columns, time_format, _zone_read(time_format, stamps_zone), remarks.notes)
    return LogProposal(
        columns, time_format, stamps_zone, timezone, statuses, unplaced, _without_status(log, columns["status"]), start_date,
        _sla_met_values(log, columns), order_by, newest_first, remarks.notes, remarks.warnings,
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


def _answer(
    question: str, proposal: str | None, flag: str, asking: Asking, remarks: _Remarks, refuse: Callable[[str], str | None]
) -> str | None:
    """The answer, or the proposal; None where there is neither, which is remembered as missing."""
    if proposal is None and not asking.is_allowed:
        remarks.missing.append(f"{question}: say it with {flag}")
        return None
    return asking.value(question, proposal, flag, refuse)


# ---------------------------------------------------------------- stamps


def _time_format(log: Log, told: Told, asking: Asking, remarks: _Remarks) -> tuple[str, set[str]]:
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


def _in_order(log: Log, best: str, columns: set[str], asking: Asking, remarks: _Remarks) -> str:
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
    answer = _answer(
        question, None, f"--time-format '{best}' (or '{other}')", asking, remarks,
        lambda answer: None if answer in known else f"write {best} or {other}",
    )
    return answer or best


def _zones(
    log: Log, told: Told, columns: Mapping[str, str], time_format: str, asking: Asking, remarks: _Remarks
) -> tuple[str, str | None]:
    """The desk's zone, and the one of stamps without offset. UTC is not proposed where every stamp says that it is not UTC."""
    stamps = [columns[name] for name in STAMPS if name in columns]
    all_offset = states_offset(time_format) or (
        time_format == "iso" and all(log.with_offset(name) and not log.without_offset(name) for name in stamps)
    )
    offsets = log.offsets(stamps) if stamps and all_offset else []
    is_elsewhere = any(offset.strip("Z+-0:") not in {"", "UTC", "GMT"} for offset in offsets)
    also = f"; the log's stamps state {' and '.join(offsets)}" if offsets else ""
    question = f"{ZONE_QUESTION}{also}" if all_offset else f"{ZONE_QUESTION} and of the log's stamps, which state no offset"
    flag = "--timezone (UTC, if business hours are told in UTC)"
    zone = told.timezone or _answer(question, None if is_elsewhere else "UTC", flag, asking, remarks, zone_problem) or "UTC"
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
    log: Log, told: Told, columns: Mapping[str, str], time_format: str, zone: str, stamps_zone: str | None, notes: list[str]
) -> date:
    """The first intake date to load."""
    begins = columns.get("intake_ts", columns["event_ts"])
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
