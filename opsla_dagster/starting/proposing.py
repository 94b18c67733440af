"""A source proposed from what a log holds: which column is what, how stamps are written, what its statuses mean.

Belongs here: choosing, asking where the log does not decide, and what is said about the choice. Does not belong here: reading files,
writing config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import ColumnSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamps import states_offset, swapped
from opsla_dagster.starting.words import MET, fields_named, is_vague, signal_of, signals_of
from opsla_dagster.status import Signal

FIELDS = tuple(ColumnSettings.model_fields)
STAMPS = ("event_ts", "intake_ts", "ingestion_ts", "resolved_ts", "closed_ts")
#: Share of the cells of a column that must be stamps for it to be one, 0-1.
_STAMPS_SHARE = 0.8
#: Words that a status column has at most.
MOST_WORDS = 60
ZONE_QUESTION = "Time zone of the desk (an IANA name such as Europe/Rome)"
_FAR_BEFORE = timedelta(days=730)


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
    start_date: date
    last_date: date
    sla_met_values: dict[str, list[str]] | None
    notes: list[str]


def propose(log: Log, told: Told, asking: Asking) -> LogProposal:
    """Raises OpslaError, naming the flag, for what neither the log nor a person tells."""
    _require_known(log, told.columns)
    notes: list[str] = []
    time_format, fits = _time_format(log, told, asking, notes)
    columns = _columns(log, told, fits, asking, notes)
    timezone, stamps_zone = _zones(log, told, columns, time_format, asking, notes)
    start_date, last_date = _dates(log, told, columns, time_format, timezone, stamps_zone, notes)
    statuses, unplaced = _statuses(log, told, columns["status"], asking, notes)
    return LogProposal(
        columns, time_format, stamps_zone, timezone, statuses, unplaced, start_date, last_date, _sla_met_values(log, columns), notes
    )


def _require_known(log: Log, columns: Mapping[str, str]) -> None:
    for name, column in columns.items():
        if name not in FIELDS:
            raise OpslaError(f"--column {name}={column}: there is no field {name!r}; known: {', '.join(FIELDS)}")
        if column not in log.columns:
            raise OpslaError(f"--column {name}={column}: the log has no such column; it has {', '.join(log.columns)}")


# ---------------------------------------------------------------- stamps


def _time_format(log: Log, told: Told, asking: Asking, notes: list[str]) -> tuple[str, set[str]]:
    """The format of the log's stamps, and the columns that are written so."""
    typed = {name for name, column in log.columns.items() if column.is_typed_stamp}
    counts = {name: log.stamp_formats(name) for name in log.columns if name not in typed}
    if told.time_format is not None:
        counts = {name: {told.time_format: log.readable(name, told.time_format)} for name in counts}
    fitting = {
        name: {each: count for each, count in found.items() if count >= _STAMPS_SHARE * log.columns[name].filled and count}
        for name, found in counts.items()
    }
    totals: dict[str, int] = {}
    for each, count in chain.from_iterable(found.items() for found in fitting.values()):
        totals[each] = totals.get(each, 0) + count
    if not totals:
        if typed:
            return "iso", typed
        hint = f" as {told.time_format!r}" if told.time_format else ""
        raise OpslaError(
            f"{log.files[0]}: no column reads as stamps{hint} (columns: {', '.join(log.columns)}); "
            "say how stamps are written with --time-format, such as '%d/%m/%Y %H:%M'"
        )
    best = max(totals, key=lambda each: totals[each])
    columns = {name for name, found in fitting.items() if best in found}
    best = told.time_format or _in_order(log, best, columns, asking, notes)
    return best, {name for name in columns if best in fitting[name]} | typed


def _in_order(log: Log, best: str, columns: set[str], asking: Asking, notes: list[str]) -> str:
    """Day or month first: as the data decides, else as a person says."""
    other = swapped(best)
    if other is None:
        return best
    alone = [log.only(name, best, other) for name in columns]
    only_best, only_other = sum(one for one, _ in alone), sum(two for _, two in alone)
    if only_best < only_other:
        best, other, only_best, only_other = other, best, only_other, only_best
    if only_best > only_other:
        notes.append(f"Stamps are read as {best}: {only_best:,} of them can be nothing else.")
        if only_other:
            notes.append(f"{only_other:,} stamps fit only {other}; they will be rejected.")
        return best
    question = f"Every stamp can be read as {best} and as {other}"
    known = {best, other}
    return asking.value(
        question, None, f"--time-format '{best}' (or '{other}')",
        lambda answer: None if answer in known else f"write {best} or {other}",
    )


def _zones(
    log: Log, told: Told, columns: Mapping[str, str], time_format: str, asking: Asking, notes: list[str]
) -> tuple[str, str | None]:
    """The desk's zone, and the one of stamps without offset."""
    stamps = [columns[name] for name in STAMPS if name in columns]
    all_offset = states_offset(time_format) or (
        time_format == "iso" and all(log.with_offset(name) and not log.without_offset(name) for name in stamps)
    )
    question = ZONE_QUESTION if all_offset else f"{ZONE_QUESTION} and of the log's stamps, which state no offset"
    zone = told.timezone or asking.value(question, "UTC", "--timezone", zone_problem)
    if told.timezone is None and not asking.is_allowed:
        notes.append("The zone UTC is assumed: nothing said another one (--timezone).")
    return zone, None if all_offset else zone


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a zone, or None."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{name!r} is no time zone; write an IANA name such as America/New_York or UTC"
    return None


def _dates(
    log: Log, told: Told, columns: Mapping[str, str], time_format: str, zone: str, stamps_zone: str | None, notes: list[str]
) -> tuple[date, date]:
    """The first intake date to load, and the last day of the log."""
    begins = columns.get("intake_ts", columns["event_ts"])
    first, early, last = log.days(begins, time_format, stamps_zone or "UTC", zone)
    if not (isinstance(first, date) and isinstance(early, date) and isinstance(last, date)):
        raise OpslaError(f"{log.files[0]}: column {begins!r} holds no stamp of the format {time_format}; say it with --time-format")
    if told.start_date is not None:
        return told.start_date, max(last, told.start_date)
    if early - first > _FAR_BEFORE:
        notes.append(f"The desk starts on {early}: the few stamps before (from {first}) look like slips; --start-date {first} keeps them.")
        return early, last
    return first, last


# ---------------------------------------------------------------- columns


def _columns(log: Log, told: Told, stamps: set[str], asking: Asking, notes: list[str]) -> dict[str, str]:
    """Field -> column; each column once."""
    found = dict(told.columns)
    if "case_id" not in found:
        found["case_id"] = _case_id(log, stamps, set(found.values()), asking)
    if "status" not in found:
        found["status"] = _status(log, stamps, set(found.values()), asking)
    if "event_ts" not in found:
        found["event_ts"] = _event_ts(log, stamps, found, asking)
    case = found["case_id"]
    for name in FIELDS:
        if name in found:
            continue
        column = _by_name(log, name, taken=set(found.values()), stamps=stamps)
        if column is not None and _may_be(log, name, column, case):
            found[name] = column
    if log.columns[case].distinct == log.columns[case].filled and log.rows > 1:
        notes.append(f"Every {case} occurs once: this looks like one row a case, but opsla wants one row an update.")
    return {name: found[name] for name in FIELDS if name in found}


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


def _case_id(log: Log, stamps: set[str], taken: set[str], asking: Asking) -> str:
    """By name; else the only column whose values repeat, but not much."""
    named = _by_name(log, "case_id", taken=taken, stamps=stamps)
    repeats = [
        name for name, column in log.columns.items()
        if name not in stamps | taken and column.filled == log.rows and log.rows / 50 < column.distinct < log.rows
        and column.distinct > MOST_WORDS
    ]
    proposal = named or (repeats[0] if len(repeats) == 1 else None)
    return _asked_column(log, "Which column names the case", "case_id", proposal, asking, is_sure=named is not None)


def _status(log: Log, stamps: set[str], taken: set[str], asking: Asking) -> str:
    """A column of few words that is called so, or most of whose words are statuses."""
    shares: dict[str, float] = {}
    for name, column in log.columns.items():
        if name in stamps | taken or not 0 < column.distinct <= MOST_WORDS:
            continue
        words = log.words(name)
        placed = sum(count for word, count in words.items() if signal_of(word) is not None) / sum(words.values())
        is_named = "status" in fields_named(name)
        if is_named or placed > 0.5:
            shares[name] = placed + (0.75 if is_named else 0.0) - fields_named(name).get("status", 0) / 1000
    proposal = max(shares, key=lambda name: shares[name]) if shares else None
    return _asked_column(log, "Which column tells the status", "status", proposal, asking, is_sure=proposal is not None)


def _event_ts(log: Log, stamps: set[str], found: Mapping[str, str], asking: Asking) -> str:
    """The stamp that differs from update to update; by name where several do."""
    free = [name for name in log.columns if name in stamps and name not in found.values()]
    changing = {name: log.changes_within(name, found["case_id"]) for name in free}
    moving = [name for name in free if changing[name] > 0] or free
    named = [name for name in moving if "event_ts" in fields_named(name)]
    if named:
        proposal: str | None = min(named, key=lambda name: fields_named(name)["event_ts"])
    else:
        others = [name for name in moving if not set(fields_named(name)) & set(STAMPS)] or moving
        proposal = max(others, key=lambda name: changing[name], default=None)
    is_sure = proposal is not None and (bool(named) or len(moving) == 1)
    return _asked_column(log, "Which column tells when the update happened", "event_ts", proposal, asking, is_sure=is_sure)


def _asked_column(log: Log, question: str, name: str, proposal: str | None, asking: Asking, *, is_sure: bool) -> str:
    if is_sure and proposal is not None:
        return proposal
    listed = ", ".join(log.columns)
    return asking.value(
        f"{question} (columns: {listed})", proposal, f"--column {name}=COLUMN",
        lambda answer: None if answer in log.columns else f"the log has no column {answer!r}",
    )


# ---------------------------------------------------------------- words


def _statuses(
    log: Log, told: Told, column: str, asking: Asking, notes: list[str]
) -> tuple[dict[str, Signal], dict[str, int]]:
    words = log.words(column)
    if len(words) > MOST_WORDS and not told.statuses:
        raise OpslaError(
            f"column {column!r} has {len(words):,} different values, which are no statuses; name another one with --column status=COLUMN"
        )
    statuses: dict[str, Signal] = {}
    unplaced: dict[str, int] = {}
    proposed = signals_of(words)
    for word, count in words.items():
        signal = told.statuses.get(word) or proposed[word] or _asked_signal(word, count, asking)
        if signal is None:
            unplaced[word] = count
        else:
            statuses[word] = signal
    if vague := [word for word in statuses if word not in told.statuses and statuses[word] == Signal.CUSTOMER_WAIT and is_vague(word)]:
        notes.append(f"{', '.join(vague)}: taken as waiting for the customer; --status '{vague[0]}=ON_HOLD' would say otherwise.")
    if unplaced:
        notes.append(
            f"{sum(unplaced.values()):,} records have a status of which nobody said what it means: they will be in raw.rejected_rows. "
            "Say it with --status WORD=STATUS, or later in sources.yml."
        )
    if unknown := [word for word in told.statuses if word not in words]:
        notes.append(f"Not in column {column} so far: {', '.join(unknown)}.")
        statuses.update({word: told.statuses[word] for word in unknown})
    if not statuses:
        raise OpslaError(
            f"column {column!r} holds {', '.join(list(words)[:5])}: what they mean cannot be told; say it with --status WORD=STATUS, "
            f"one of {', '.join(Signal)}"
        )
    return statuses, unplaced


def _asked_signal(word: str, count: int, asking: Asking) -> Signal | None:
    answer = asking.optional(
        f"What does the status {word!r} mean ({count:,} records; {' '.join(Signal)}; empty: leave it out)",
        lambda text: None if text.upper() in Signal.__members__ else f"{text!r} is none of them",
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
