"""Whether a proposal says anything: what a log must have for its figures to mean something, and what the file more likely is where it has not.

Belongs here: the checks before anything is written, and the one of the first run's figures. Does not belong here: choosing.
Rules and worked cases: docs/decisions/0019-what-init-refuses-to-propose.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from opsla_dagster.figures import counted, rounded
from opsla_dagster.starting.column_names import fields_named, is_before_a_change, is_changed_field, milestone_named
from opsla_dagster.starting.columns import LIFECYCLE, MOST_WORDS, Layout, is_lifecycle, is_one_row_a_case
from opsla_dagster.starting.meanings import FEWEST_SIGNALS, MOST_UNPLACED_PCT, Statuses
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.stamp_choice import Forms, nested_lists, unfolding
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import folded, signal_of
from opsla_dagster.status import TERMINAL_STATUSES, Signal

#: Percent of the cases of which every record is a change, from which the log has no openings.
_CHANGES_ALONE_PCT = 80
#: Clocks of the first run that all took no time, from which that is no accident.
_FEWEST_CLOCKS = 2


def problems_of(log: Log, told: Told, layout: Layout, statuses: Statuses, time_format: Forms) -> list[str]:
    """What makes the proposal say nothing, with figures and a way on; none where it says something."""
    if layout.form == "cases":
        found = [_too_few_milestones(layout), *_days_only(log, told, layout, time_format)]
    else:
        found = [_without_case(log, layout) or _no_case_repeats(log, layout), *_days_only(log, told, layout, time_format)]
        if found[0] is None:
            found += [_status_never_changes(log, layout), _each_activity_twice(log, told, layout), _one_signal(layout, statuses)]
        found += [_other_fields(log, told, layout), _changes_alone(log, told, layout)]
    return [problem for problem in found if problem is not None]


def lacks_an_end(layout: Layout, statuses: Statuses) -> bool:
    """Whether no case can ever have ended."""
    return not any(signal.value in TERMINAL_STATUSES for signal in (*statuses.placed.values(), *layout.milestones.values()))


def _without_case(log: Log, layout: Layout) -> str | None:
    """A report that groups its rows names a case once; nothing says that the rows below are its own."""
    case = layout.columns["case_id"]
    lacking = log.rows - log.columns[case].filled
    if 100 * lacking <= MOST_UNPLACED_PCT * log.rows:
        return None
    return (
        f"{lacking:,} of {counted(log.rows, 'record')} have no {case!r}. Where a report names a case in the first of its rows only, export it without groups, "
        "or fill the cells below in a spreadsheet; or name another column with --column case_id=COLUMN."
    )


def _no_case_repeats(log: Log, layout: Layout) -> str | None:
    """One row a case, without the columns that a file of that form has; a log of updates names its cases again and again."""
    case = layout.columns["case_id"]
    column = log.columns[case]
    if log.rows > 1 and not is_one_row_a_case(log, case):
        return None
    repeating = [
        name for name, other in log.columns.items()
        if name not in layout.stamps and other.filled == log.rows and MOST_WORDS < other.distinct < 0.7 * log.rows
    ]
    if nested := nested_lists(log):
        return (
            f"{column.distinct:,} different values of {case!r} in {counted(column.filled, 'record')}: hardly any case has a second record; "
            f"{unfolding(nested)}."
        )
    stamps = [name for name in layout.stamps if milestone_named(name) is not None]
    known = f" ({', '.join(stamps)} would be one)" if stamps else ""
    ways = [f"another column names the case (--column case_id=COLUMN; {', '.join(repeating)} repeats)" if repeating else "another column names the case (--column case_id=COLUMN)"]
    ways.append(f"or each row is a whole case, and its stamp columns say what happened when{known}: --column INTAKE=COLUMN --column RESOLVED=COLUMN")
    ways.append("or this is a list of cases as they stand now: export their history, one row an update")
    return (
        f"{column.distinct:,} different values of {case!r} in {counted(column.filled, 'record')}: hardly any case has a second record, so nothing "
        f"ever happens to one. Perhaps {'; '.join(ways)}."
    )


def _changes_alone(log: Log, told: Told, layout: Layout) -> str | None:
    """A history of changes in which every record says what the status was before: how and when a case came in is not in it."""
    case, status = layout.columns["case_id"], layout.columns["status"]
    if "intake_ts" in layout.columns or "status" in told.columns:
        return None
    for name in (name for name in log.columns if is_before_a_change(name)):
        cases, without_a_first = log.cases_all_filled(name, case)
        if cases and 100 * without_a_first >= _CHANGES_ALONE_PCT * cases:
            return (
                f"Column {name!r} says in every record of {without_a_first:,} of {counted(cases, 'case')} what {status!r} was before: the log has changes alone, "
                "and when a case came in is none of them, so every clock would start too late. Export the creation of each case too, or name the column "
                f"that says when it was opened (--column intake_ts=COLUMN); or, if the first change is when it came in: --column 'status={status}'."
            )
    return None


def _status_never_changes(log: Log, layout: Layout) -> str | None:
    """A status that is the same in all records of a case is how it stands now, or says something else."""
    case, status = layout.columns["case_id"], layout.columns["status"]
    if log.changes_within(status, case) > 0:
        return None
    words = ", ".join(f"{word!r} ({count:,})" for word, count in list(log.words(status).items())[:3])
    return (
        f"Column {status!r} never changes within a case (of {log.repeating_cases(case):,} with several records; it says {words}): it is how a case stands "
        f"now, or no status at all. {_what_changes(log, layout)}"
    )


def _what_changes(log: Log, layout: Layout) -> str:
    """The columns of few words that do change within cases; those with words of statuses may be meant."""
    case = layout.columns["case_id"]
    shares = {
        name: log.changes_within(name, case) for name, column in log.columns.items()
        if name not in {case, layout.columns["status"], *layout.stamps} and 1 < column.distinct <= MOST_WORDS and not is_lifecycle(log, name) and not is_before_a_change(name)
    }
    changing = sorted((name for name, share in shares.items() if share > 0), key=lambda name: -shares[name])
    likely = [name for name in changing if any(signal_of(word) is not None for word in log.words(name))]
    if likely:
        return f"{likely[0]!r} does change, in {rounded(100 * shares[likely[0]])}% of them: --column 'status={likely[0]}'."
    known = f" ({', '.join(changing)} do, and hold no words of statuses)" if changing else ""
    return f"No other column tells what happened{known}: export the history of the cases, one row an update."


def _each_activity_twice(log: Log, told: Told, layout: Layout) -> str | None:
    """A process-mining log with a record for the start and one for the end of an activity; whoever names the status column accepts both."""
    if "status" in told.columns:
        return None
    for name in log.columns:
        if not is_lifecycle(log, name):
            continue
        counts = {word: count for word, count in log.words(name).items() if folded(word) in LIFECYCLE}
        if {"start", "complete"} <= {folded(word) for word in counts}:
            status = layout.columns["status"]
            return (
                f"Column {name!r} says {', '.join(f'{word} ({count:,})' for word, count in counts.items())}: each activity of {status!r} is in the log "
                "twice, when it began and when it was over, and a case would be solved when its solving began. Keep the records of one of the two "
                f"(complete, mostly) in a file of their own; or take both as they are: --column 'status={status}'."
            )
    return None


def _other_fields(log: Log, told: Told, layout: Layout) -> str | None:
    """An audit trail in which other fields changed too: what an owner or a priority came to is no status."""
    if "status" in told.columns:
        return None
    for name in log.columns:
        words = log.words(name) if is_changed_field(name) and name not in layout.used and log.columns[name].distinct <= MOST_WORDS else {}
        of_status = [word for word in words if "status" in fields_named(word)]
        if of_status and len(of_status) < len(words):
            status = layout.columns["status"]
            return (
                f"Column {name!r} says which field a record changed: {', '.join(f'{word} ({count:,})' for word, count in words.items())}; {status!r} holds "
                f"what each of them came to. Keep the records of {of_status[0]!r} in a file of their own; or take all of them: --column 'status={status}', "
                "with --status WORD=IGNORE for words of other fields."
            )
    return None


def _one_signal(layout: Layout, statuses: Statuses) -> str | None:
    signals = set(statuses.placed.values())
    if len(signals) >= FEWEST_SIGNALS:
        return None
    if not signals:
        return f"No word of column {layout.columns['status']!r} is mapped to a status, so no record could be used. Name another column with --column status=COLUMN."
    words = ", ".join(statuses.placed)
    return (
        f"Every known status means {next(iter(signals))} ({words}): a case would end where it begins, in no time. Say what "
        f"the other words mean with --status WORD=STATUS, or name another column than {layout.columns['status']!r} with --column status=COLUMN."
    )


def _too_few_milestones(layout: Layout) -> str | None:
    if len(set(layout.milestones.values())) >= FEWEST_SIGNALS or Signal.INTAKE not in layout.milestones.values():
        return None
    return (
        f"Only {', '.join(layout.milestones)} says when something happened: a case is opened, and nothing follows. Name the columns of what followed, "
        "such as --column RESOLVED=COLUMN --column PUBLIC_REPLY=COLUMN."
    )


def _days_only(log: Log, told: Told, layout: Layout, time_format: Forms) -> list[str]:
    """Stamps that say only a day: minutes and business hours cannot be counted from them. Whoever gives the format accepts midnight."""
    if told.time_format is not None:
        return []
    named = list(layout.milestones) or [layout.columns[name] for name in ("event_ts",) if name in layout.columns]
    days = [name for name in named if log.says_only_days(name, time_format)]
    if not days:
        return []
    example = log.columns[days[0]].examples[0]
    field = "INTAKE" if layout.form == "cases" else "event_ts"
    return [
        f"{', '.join(repr(name) for name in days)} {'says' if len(days) == 1 else 'say'} a day and no time of day (such as {example}): every clock would "
        "run from midnight to midnight, and what is touched on the day it came in would take 0 minutes. Name a column with the time of day "
        f"(--column {field}=COLUMN), or take each day as its midnight: --time-format '{time_format if isinstance(time_format, str) else time_format[0]}'."
    ]


@dataclass(frozen=True)
class TimelessPromise:
    """A promise of the first run all of whose clocks were met, half of them in no time."""

    metric: str
    title: str
    clocks: int
    #: Clocks whose two ends are one instant.
    at_one_instant: int


def timeless_promises(connection: duckdb.DuckDBPyConnection, titles: Mapping[str, str]) -> list[TimelessPromise]:
    """The promises of a first run that say nothing: none breached, and a median of 0 minutes. `titles`: metric -> what it is called."""
    found = connection.execute(
        """
        select
            metric, count(*) as clocks, count(*) filter (where stopped_at = started_at) as at_one_instant
        from staging.sla_clocks
        where is_stopped_by_event and outcome in ('met', 'breached')
        group by metric
        having count(*) >= ? and count(*) filter (where outcome = 'breached') = 0 and quantile_cont(elapsed_seconds, 0.5) = 0
        order by metric
        """,
        [_FEWEST_CLOCKS],
    ).fetchall()
    return [TimelessPromise(metric, titles.get(metric, metric), clocks, at_one) for metric, clocks, at_one in found]


def timeless_text(promises: list[TimelessPromise], directory: object) -> str:
    """What to say of them, and how to go on."""
    lines = []
    for each in promises:
        if 2 * each.at_one_instant >= each.clocks:
            why = (
                "they stop at the instant at which they start: a status that an automation sets at the opening stops them (take it out of "
                f"`stop` in {directory}/sla_policies.yml), or the statuses do not mean what {directory}/sources.yml says"
            )
        else:
            why = f"they run outside the hours that {directory}/calendars.yml assumes: put in when the desk is open"
        lines.append(
            f"{each.title}: all {counted(each.clocks, 'clock')} that have ended were met, half of them after 0 minutes of open time, {each.at_one_instant:,} of them at the instant at which they began. This says "
            f"nothing about the desk: {why}; then `opsla run`"
        )
    return "\n".join(lines)
