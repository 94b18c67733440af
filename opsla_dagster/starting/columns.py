"""Which column of a log is what, and whether its rows are updates or cases.

Belongs here: choosing columns by name and contents, and asking where they do not decide. Does not belong here: what statuses mean
(`meanings`), how stamps are written, and whether the choice says anything (`information`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.settings.sources import ColumnSettings
from opsla_dagster.sources.event_log.stamp_sql import has_clock
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.column_names import (
    AUTHORS,
    MILESTONES,
    NAMES,
    REPLY_DUE,
    RESOLUTION_DUE,
    column_name,
    due_duration_named,
    due_instant_named,
    due_named,
    fields_named,
    is_before_a_change,
    is_duplicate_flag,
    is_part_of_a_name,
    milestone_named,
    verdicts,
)
from opsla_dagster.starting.remarks import Remarks, answer_to
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import folded, listed, signal_of
from opsla_dagster.status import Signal

#: Fields of a file of links, which nobody proposes.
_OF_LINKS = ("linked_id", "kind", "unlinked_ts")
FIELDS = tuple(name for name in ColumnSettings.model_fields if name not in _OF_LINKS)
DUE_FIELDS = (RESOLUTION_DUE, REPLY_DUE)
STAMPS = ("event_ts", "intake_ts", "ingestion_ts", "resolved_ts", "closed_ts", "updated_ts")
#: Fields that only a log with one row an update has, and those that only one with one row a case has.
_OF_UPDATES = ("event_ts", "intake_ts", "ingestion_ts", "event_id", "author_kind")
_OF_CASES = ("updated_ts", "reopen_count")
#: Words that a status column has at most.
MOST_WORDS = 60
#: Share of the records whose word is a status that is known, 0-1, from which a column tells what the desk is about.
_KNOWN_SHARE = 0.8
#: Share of the records whose case id is their own from which a file has one row a case, 0-1: exports repeat a row now and then.
_ONE_ROW_SHARE = 0.98
#: Share of the ends of a status that are the start of another one of the case, 0-1, from which records are intervals.
_ADJOINING_SHARE = 0.8
#: The same where every stamp is a milestone, so that a second row of a case can only be a newer state of it.
_MOSTLY_ONCE_SHARE = 0.5
#: A case has been opened, and something else has happened.
_FEWEST_MILESTONES = 2
_YES, _NO = frozenset({"true", "yes", "y", "1", "x", "ja", "si", "oui", "sim"}), frozenset({"false", "no", "n", "0", "nein", "non", "nao"})
#: What process mining writes of an activity, not of a case.
LIFECYCLE = {
    "schedule", "assign", "reassign", "start", "suspend", "resume", "complete", "autoskip", "manualskip", "withdraw", "ate abort", "pi abort",
}


@dataclass(frozen=True)
class Due:
    """A column with what one case was promised: an instant, a day (with its format), or a duration: a number of units, or text with its units."""

    column: str
    unit: str | None = None
    date_format: str | None = None
    is_duration: bool = False


@dataclass(frozen=True)
class Layout:
    """What the columns of a log are."""

    form: Literal["updates", "cases"]
    #: Field -> column.
    columns: dict[str, str]
    #: Stamp column -> what happened then; only where a row is a case.
    milestones: dict[str, Signal]
    #: RESOLUTION_DUE, REPLY_DUE -> the column with that promise.
    due: dict[str, Due]

    @property
    def used(self) -> set[str]:
        return {*self.columns.values(), *self.milestones, *(due.column for due in self.due.values())}

    @property
    def stamps(self) -> list[str]:
        """Columns whose stamps say what happened when."""
        return [*self.milestones, *(self.columns[name] for name in STAMPS if name in self.columns)]


def column_problem(log: Log, name: str, column: str) -> str | None:
    """Why the column cannot be the field, or None."""
    if name not in (*FIELDS, *DUE_FIELDS, *Signal):
        return f"there is no field {name!r}; known: {', '.join((*FIELDS, *DUE_FIELDS))}, and in a file with one row a case {', '.join(Signal)}"
    if column not in log.columns:
        return f"the log has no such column; it has {listed(list(log.columns))}"
    if name == "sla_met" and (odd := [word for word in log.words(column) if verdicts(column, [word]) is None]):
        return f"{odd[0]!r} says neither met nor missed; leave it out, and say what it means as sla_met_values in sources.yml"
    return None


def chosen_columns(log: Log, told: Told, stamps: set[str], asking: Asking, remarks: Remarks) -> Layout:
    """What the columns are; each column once. A required field that nobody names is among the remarks."""
    layout = _chosen(log, told, stamps, asking, remarks)
    flags = duplicate_flags(log) if "merged_into" not in layout.columns else []
    for flag in flags:
        marked = sum(count for word, count in log.words(flag).items() if folded(word) in _YES)
        remarks.warnings.append(
            f"Column {flag!r} marks {counted(marked, 'record')} as duplicates: such cases count, and are judged, like any other. Where a column names the "
            "case that they are duplicates of, --column merged_into=COLUMN ends them as merged; else leave their records out of the file."
        )
    return layout


def _chosen(log: Log, told: Told, stamps: set[str], asking: Asking, remarks: Remarks) -> Layout:
    found = {name: column for name, column in told.columns.items() if name in FIELDS}
    milestones = {column: Signal(name) for name, column in told.columns.items() if name in Signal.__members__}
    found = _with(log, stamps, found, "case_id", asking, remarks)
    case = found.get("case_id")
    is_one_row = case is not None and (is_one_row_a_case(log, case) or _has_repeated_rows(log, case, stamps, found))
    if milestones or (is_one_row and "event_ts" not in found and len(_milestones(log, stamps, found)) >= _FEWEST_MILESTONES):
        return _of_cases(log, told, stamps, found, milestones, asking, remarks)
    for name in ("status", "event_ts"):
        found = _with(log, stamps, found, name, asking, remarks)
    if case is None:
        return Layout("updates", found, {}, {})
    due = _due(log, told, stamps, set(found.values()), remarks)
    taken = {each.column for each in due.values()}
    found = _with_optional(log, stamps, found, [name for name in FIELDS if name not in _OF_CASES], taken)
    _tell_holders(log, told, found, remarks)
    found = _changed(log, told, found, taken, stamps, asking)
    return Layout("updates", {name: found[name] for name in FIELDS if name in found}, {}, due)


def is_one_row_a_case(log: Log, case: str) -> bool:
    """Whether hardly any case has a second record."""
    column = log.columns[case]
    return log.rows > 1 and column.distinct >= _ONE_ROW_SHARE * column.filled


def _has_repeated_rows(log: Log, case: str, stamps: set[str], found: Mapping[str, str]) -> bool:
    """Whether the rows are cases of which some are there again: every stamp is a milestone by its name, and a case's opening is always the same."""
    column = log.columns[case]
    milestones = _milestones(log, stamps, found)
    opened = [name for name, signal in milestones.items() if signal == Signal.INTAKE]
    others = [name for name in stamps if name not in milestones and not any(_is_due(name, about, stamps) for about in DUE_FIELDS)]
    is_mostly_once = column.distinct >= _MOSTLY_ONCE_SHARE * column.filled
    return is_mostly_once and bool(opened) and not others and log.changes_within(opened[0], case) == 0


def _of_cases(
    log: Log, told: Told, stamps: set[str], found: dict[str, str], milestones: dict[str, Signal], asking: Asking, remarks: Remarks
) -> Layout:
    due = _due(log, told, stamps, {*found.values(), *milestones}, remarks)
    taken = {*milestones, *(each.column for each in due.values())}
    stated = set(milestones.values())
    for column, signal in _milestones(log, stamps, found).items():
        if column not in taken and signal not in stated:
            milestones = {**milestones, column: signal}
    fields = [name for name in FIELDS if name not in (*_OF_UPDATES, "resolved_ts", "closed_ts")]
    found = {name: column for name, column in found.items() if name in fields}
    if "status" not in found and (status := _by_name(log, "status", taken={*found.values(), *taken}, stamps=stamps)) is not None:
        found["status"] = status
    found = _with_optional(log, stamps, found, [name for name in fields if name != "status"], {*taken, *milestones})
    _tell_holders(log, told, found, remarks)
    milestones = _asked_milestones(log, stamps, {*found.values(), *milestones, *taken}, milestones, asking, remarks)
    if Signal.INTAKE not in milestones.values():
        remarks.missing.append("Which column tells when a case was opened: say it with --column INTAKE=COLUMN")
    return Layout("cases", {name: found[name] for name in FIELDS if name in found}, {name: milestones[name] for name in log.columns if name in milestones}, due)


def _milestones(log: Log, stamps: set[str], found: Mapping[str, str]) -> dict[str, Signal]:
    """Stamp column -> what its name says happened then; of several names for one thing the surest."""
    named: dict[Signal, list[str]] = {}
    for column, measured in log.columns.items():
        signal = milestone_named(column)
        if signal is not None and column in stamps and measured.filled and column not in found.values():
            named.setdefault(signal, []).append(column)
    return {min(columns, key=_surest): signal for signal, columns in named.items()}


def _surest(column: str) -> int:
    """Names of the lists go before what is only like one of them."""
    return min(fields_named(column).values(), default=0 if column_name(column) in MILESTONES else len(MILESTONES))


def _asked_milestones(
    log: Log, stamps: set[str], taken: set[str], milestones: dict[str, Signal], asking: Asking, remarks: Remarks
) -> dict[str, Signal]:
    """What a person makes of the stamp columns whose names say nothing; without one they are told."""
    left = [name for name in log.columns if name in stamps and name not in taken and log.columns[name].filled]
    for column in left if asking.is_allowed else []:
        answer = asking.optional(
            f"When what happened does {column!r} tell (a status such as ASSIGNED, PUBLIC_REPLY; empty: not used; by when a case was to be done is said as due={column} at the end)",
            lambda text: None if text.upper() in Signal.__members__ else f"{text!r} is none of {', '.join(Signal)}",
        )
        if answer:
            milestones = {**milestones, column: Signal(answer.upper())}
    if left and not asking.is_allowed:
        remarks.notes.append(
            f"Stamps of which nobody said what happened then: {', '.join(left)}. Say it with --column STATUS=COLUMN (STATUS: ASSIGNED, ESCALATED ...); where a stamp tells by when "
            f"the case was to be done, which is no status, with --column 'due={left[0]}' (its first reply: reply_due)."
        )
    return milestones


# ---------------------------------------------------------------- due dates


def _due(log: Log, told: Told, stamps: set[str], taken: set[str], remarks: Remarks) -> dict[str, Due]:
    """What was promised to the single case: as told, else by name. A column that is called so and cannot be read is told."""
    due: dict[str, Due] = {}
    for about in DUE_FIELDS:
        named = [told.columns[about]] if about in told.columns else [name for name in log.columns if name not in taken and _is_due(name, about, stamps)]
        found = [promise for name in named if log.columns[name].filled and (promise := _promise(log, name, stamps)) is not None]
        if found:
            due[about] = found[0]
        elif about in told.columns:
            cells = ", ".join(repr(cell) for cell in log.columns[named[0]].examples)
            raise OpslaError(
                f"--column {about}={named[0]}: the cells ({cells}) are no promise that can be read: write all of them as instants, as days of one format "
                "whose order is sure, as durations with their unit, or say it as `due` in sources.yml (date_format, unit)"
            )
        elif unread := [name for name in named if log.columns[name].filled]:
            remarks.notes.append(
                f"{unread[0]} is called as a promise is (cells such as {log.columns[unread[0]].examples[0]!r}), and says no instant, day or duration with its "
                "unit: not used. `due` in sources.yml would say how it is meant."
            )
    return due


def _is_due(column: str, about: str, stamps: set[str]) -> bool:
    duration = due_duration_named(column)
    return due_named(column) == about or (column in stamps and due_instant_named(column) == about) or (duration is not None and duration[0] == about)


def _promise(log: Log, column: str, stamps: set[str]) -> Due | None:
    """As the cells are written: an instant, a number of the unit that the name says, a duration such as 4h, or a day; None for anything else."""
    if column in stamps:
        return Due(column)
    if log.is_numeric(column):
        named = due_duration_named(column)
        return Due(column, unit=named[1], is_duration=True) if named is not None else None
    if log.durations(column) == log.columns[column].filled:
        return Due(column, is_duration=True)
    days = {each: count for each, count in log.stamp_formats(column).items() if not has_clock(each) and count == log.columns[column].filled}
    return Due(column, date_format=next(iter(days))) if len(days) == 1 else None


# ---------------------------------------------------------------- fields


def _with(log: Log, stamps: set[str], found: Mapping[str, str], name: str, asking: Asking, remarks: Remarks) -> dict[str, str]:
    """With the required field, if the log or a person tells it."""
    if name in found:
        return dict(found)
    question, propose_column = _REQUIRED[name]
    proposal, is_sure = propose_column(log, stamps, found)
    column = proposal if is_sure else _asked_column(log, question, name, proposal, asking, remarks)
    if proposal is not None and not is_sure and not asking.is_allowed:
        remarks.warnings.append(f"{question}: {proposal} was taken, and others would do as well. --column {name}=COLUMN says otherwise.")
    return {**found, **({name: column} if column is not None else {})}


def _with_optional(log: Log, stamps: set[str], found: Mapping[str, str], fields: list[str] | tuple[str, ...], taken: set[str]) -> dict[str, str]:
    """With every other field that a name says, and the contents bear out."""
    columns = dict(found)
    for name in fields:
        if name in columns:
            continue
        column = _by_name(log, name, taken={*columns.values(), *taken}, stamps=stamps, case=columns.get("case_id"))
        if column is not None and _may_be(log, name, column, columns):
            columns[name] = column
    return columns


def _changed(log: Log, told: Told, found: Mapping[str, str], taken: set[str], stamps: set[str], asking: Asking) -> dict[str, str]:
    """What a person makes of the columns that are left, and of those that were chosen."""
    columns = dict(found)

    def refuse(answer: str) -> str | None:
        name, _, column = answer.partition("=")
        if not column:
            return "write FIELD=COLUMN"
        if name in STAMPS and column in log.columns and column not in stamps:
            return f"column {column!r} does not read as stamps"
        return column_problem(log, name, column)

    while asking.is_allowed and not told.is_second_look:
        unused = [name for name in log.columns if name not in {*columns.values(), *taken}]
        if not unused:
            break
        asking.say(f"Used: {', '.join(f'{name}={column}' for name, column in columns.items())}. Not used: {listed(unused)}.")
        free = ", ".join(name for name in FIELDS if name not in columns)
        answer = asking.optional(f"Use another column (FIELD=COLUMN, such as status=...; free fields: {free}; empty: go on)", refuse)
        if answer is None:
            break
        name, _, column = answer.partition("=")
        columns = {**{field: each for field, each in columns.items() if each != column}, name: column}
    return columns


def _by_name(log: Log, name: str, *, taken: set[str], stamps: set[str], case: str | None = None) -> str | None:
    """The column whose name means the field most surely; of several alike for who holds a case the one that changes most while a case goes on."""
    places = {
        column: fields_named(column)[name]
        for column, measured in log.columns.items()
        if name in fields_named(column) and column not in taken and measured.filled and (column in stamps) == (name in STAMPS)
    }
    surest = [column for column, place in places.items() if place == min(places.values())]
    if len(surest) > 1 and name in ("team", "agent") and case is not None:
        return max(surest, key=lambda column: log.changes_within(column, case))
    return surest[0] if surest else None


def _may_be(log: Log, name: str, column: str, found: Mapping[str, str]) -> bool:
    """Whether the contents bear out what the name says."""
    measured, case = log.columns[column], found["case_id"]
    if name == "event_id":
        return measured.distinct == measured.filled == log.rows
    if name == "intake_ts":
        return log.changes_within(column, case) == 0 and measured.filled == log.rows
    if name == "reopen_count":
        return log.is_numeric(column)
    if name == "sla_met":
        return verdicts(column, log.words(column)) is not None
    if name == "author_kind":
        return author_kinds(log.words(column)) is not None
    if name == "merged_into":
        return "parent" not in column_name(column) or _is_of_merged_cases(log, column, found)
    return True


def _tell_holders(log: Log, told: Told, found: Mapping[str, str], remarks: Remarks) -> None:
    """A column that was taken for who has a case by the words of its name alone is told, and one in which two persons may be one."""
    for name in ("team", "agent"):
        column = found.get(name)
        if column is None or name in told.columns or column_name(column) in NAMES[name]:
            continue
        alike = [each for each in log.columns if each not in found.values() and name in fields_named(each) and log.columns[each].filled]
        others = f"; {listed(alike)} {'is' if len(alike) == 1 else 'are'} called so too" if alike else ""
        part = " It is a part of a name: persons who share it are one agent, unless the export has their whole names, or ids, in one column." if is_part_of_a_name(column) else ""
        remarks.notes.append(f"{name}: column {column!r}, by its name{others}. --column {name}=COLUMN says otherwise.{part}")


def tell_id(columns: Mapping[str, str], told: Told, remarks: Remarks) -> None:
    """A column that was taken for the id of a record is told: one that numbers the records of each export anew would have the next one rejected."""
    column = columns.get("event_id")
    if column is not None and "event_id" not in told.columns:
        remarks.notes.append(
            f"event_id: column {column!r}, by its name: of two records with one id the later one is rejected, in later exports too. Where each export counts anew, "
            "take event_id out of sources.yml."
        )


def duplicate_flags(log: Log) -> list[str]:
    """Columns that say of some cases, yes or true, that they are duplicates of others."""
    return [
        name for name, column in log.columns.items()
        if is_duplicate_flag(name) and column.distinct <= len(_YES) + len(_NO) and any(folded(word) in _YES for word in log.words(name))
    ]


def author_kinds(words: Mapping[str, int]) -> dict[str, str] | None:
    """Word -> who wrote; None where one of the words says nobody."""
    kinds = {word: AUTHORS.get(folded(word)) for word in words}
    return None if None in kinds.values() else {word: str(kind) for word, kind in kinds.items()}


def _is_of_merged_cases(log: Log, column: str, found: Mapping[str, str]) -> bool:
    """A parent is where a case went on only in cases that a status says were merged, or a column of flags to be duplicates."""
    for flag in duplicate_flags(log):
        said = [word for word in log.words(flag) if folded(word) in _YES]
        if log.is_filled_only_with(column, found["case_id"], flag, said):
            return True
    status = found.get("status")
    merged = [word for word in log.words(status) if signal_of(word) is Signal.MERGED] if status is not None else []
    return status is not None and bool(merged) and log.is_filled_only_with(column, found["case_id"], status, merged)


def case_id_of(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """By name, which is sure, one that repeats before one that does not; else the only column whose values repeat, but not much."""
    taken = set(found.values())
    places = {
        name: fields_named(name)["case_id"] for name, column in log.columns.items()
        if "case_id" in fields_named(name) and name not in taken | stamps and column.filled
    }
    if places:
        return min(places, key=lambda name: (is_one_row_a_case(log, name), places[name])), True
    full = [name for name, column in log.columns.items() if name not in stamps | taken and column.filled == log.rows]
    repeats = [name for name in full if log.rows / 50 < log.columns[name].distinct < log.rows and log.columns[name].distinct > MOST_WORDS]
    return (repeats[0] if len(repeats) == 1 else None), False


def _status(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """A column of few words that changes while a case goes on, and is called so, or most of whose words are statuses.

    One that is called so and whose words are mostly unknown gives way to one whose words are nearly all statuses: what it tells roughly a sub-status tells in words.
    """
    taken = set(found.values())
    case = found.get("case_id")
    shares: dict[str, float] = {}
    known: dict[str, float] = {}
    for name, column in log.columns.items():
        if name in stamps | taken or not 0 < column.distinct <= MOST_WORDS or is_lifecycle(log, name) or is_before_a_change(name):
            continue
        words = log.words(name)
        placed = sum(count for word, count in words.items() if signal_of(word) is not None) / sum(words.values())
        is_named = "status" in fields_named(name)
        if is_named or placed > 0.5:
            shares[name] = placed + (0.75 if is_named else 0.0) - fields_named(name).get("status", 0) / 1000
            known[name] = placed if len({signal_of(word) for word in words} - {None}) > 1 else 0.0
    if case is not None:
        changing = {name: share for name, share in shares.items() if log.changes_within(name, case) > 0}
        shares = changing or shares
    if not shares:
        return None, False
    best = max(shares, key=lambda name: shares[name])
    telling = max(shares, key=lambda name: (known[name], shares[name]))
    return (telling if known[best] < _KNOWN_SHARE <= known[telling] else best), True


def is_lifecycle(log: Log, column: str) -> bool:
    """Whether the column says how far an activity is (start, complete), as process mining has it, and not how far a case is."""
    name = column_name(column)
    if ("lifecycle" not in name and "transition" not in name) or log.columns[column].distinct > len(LIFECYCLE):
        return False
    return {folded(word) for word in log.words(column)} <= LIFECYCLE


def _event_ts(log: Log, stamps: set[str], found: Mapping[str, str]) -> tuple[str | None, bool]:
    """The stamp that differs from update to update; by name where several do. Of the start and the end of a status its start."""
    free = [name for name in log.columns if name in stamps and name not in found.values()]
    case = found.get("case_id")
    changing = {name: log.changes_within(name, case) if case is not None else 0 for name in free}
    moving = [name for name in free if changing[name] > 0] or free
    if case is not None and (start := _start_of_intervals(log, case, moving)) is not None:
        return start, True
    named = [name for name in moving if "event_ts" in fields_named(name)]
    if named:
        proposal: str | None = min(named, key=lambda name: fields_named(name)["event_ts"])
    else:
        others = [name for name in moving if not set(fields_named(name)) & set(STAMPS)] or moving
        knows_cases = case is not None or len(others) == 1
        proposal = max(others, key=lambda name: changing[name], default=None) if knows_cases else None
    return proposal, proposal is not None and (bool(named) or len(moving) == 1)


def _start_of_intervals(log: Log, case: str, moving: list[str]) -> str | None:
    """The stamp at which a case comes to a status, where another one says when it leaves it: the next status begins at that instant."""
    return next(
        (start for start in moving for end in moving if start != end and log.ends_where_next_begins(case, start, end) >= _ADJOINING_SHARE), None
    )


#: Field -> what a person is asked, and what proposes a column and whether that is sure.
_REQUIRED: dict[str, tuple[str, Callable[[Log, set[str], Mapping[str, str]], tuple[str | None, bool]]]] = {
    "case_id": ("Which column names the case", case_id_of),
    "status": ("Which column tells the status", _status),
    "event_ts": ("Which column tells when the update happened", _event_ts),
}


def _asked_column(log: Log, question: str, name: str, proposal: str | None, asking: Asking, remarks: Remarks) -> str | None:
    return answer_to(
        f"{question} (columns: {listed(list(log.columns))})", proposal, f"--column {name}=COLUMN", asking, remarks,
        lambda answer: None if answer in log.columns else f"the log has no column {answer!r}",
    )
