"""An audit log, one row a changed field: recognised by its columns, and proposed as a source of the form `changes`.

Belongs here: choosing its columns, and what its fields are. Does not belong here: names (`change_names`), what its statuses mean (`meanings`), how stamps are
written (`stamp_choice`), and reading it (sources/event_log).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted, rounded
from opsla_dagster.settings.sources import CHANGED_FIELDS, OPENED
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.change_names import change_column_named, field_meant
from opsla_dagster.starting.column_names import column_name, fields_named
from opsla_dagster.starting.columns import MOST_WORDS, case_id_of
from opsla_dagster.starting.remarks import Remarks, answer_to
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import IGNORE, listed, signal_of, spelled_alike
from opsla_dagster.warehouse.sql import literal

#: The columns that make a log an audit log.
_TELLING = ("field", "old_value", "new_value")
#: What systems call the record that a row of their audit is of: ServiceNow, Zammad, GLPI, iTop.
_CASES = {"documentkey", "document_key", "o_id", "items_id", "objkey", "object_key", "object_id"}
#: Percent of the cases that begin with a change from something, above which the log is told to lack their openings.
_BEGUN_BEFORE_PCT = 80
#: Fields of a log that a sentence lists.
_MOST_FIELDS = 12


@dataclass(frozen=True)
class Changes:
    """What the columns and the fields of an audit log are."""

    columns: dict[str, str]
    #: The log's word for a field -> what of a case it is, or IGNORE; the commonest first.
    fields: dict[str, str]

    @property
    def status_words(self) -> list[str]:
        """The fields that are the status."""
        return [word for word, meaning in self.fields.items() if meaning == "status"]


def is_audit_log(log: Log, told: Told) -> bool:
    """Whether its columns say which field became what from what; somebody who names the column of the status says that it is none."""
    return "status" not in told.columns and len(_telling(log, told)) == len(_TELLING)


def chosen_changes(log: Log, told: Told, stamps: Iterable[str], asking: Asking, remarks: Remarks, *, beside: str | None = None) -> Changes:
    """The columns and fields; what nobody tells is among the remarks. `beside` names the log that has the cases, if another one has.

    Raises OpslaError where two fields may be one of a case, and nobody can be asked.
    """
    known = {*_TELLING, "actor", "event_id", "case_id", "event_ts", "intake_ts", "ingestion_ts"}
    unfit = [name for name in told.columns if name not in known]
    if unfit:
        raise OpslaError(
            f"--column {unfit[0]}={told.columns[unfit[0]]}: an audit log has none, its values are in the changes: --field 'WORD={unfit[0]}' says which field of it is that"
        )
    columns = {**_telling(log, told), **{name: column for name, column in told.columns.items() if name in known}}
    places = set(stamps)
    columns = _with_case(log, columns, places, asking, remarks)
    columns = _with_when(log, columns, places, asking, remarks)
    for name in ("actor", "event_id"):
        found = _named(log, name, {*columns.values(), *places}) if name not in columns else None
        if found is not None and (name != "event_id" or _orders(log, found)):
            columns[name] = found
        elif found is not None:
            remarks.notes.append(
                f"Column {found!r} is not taken for the id of a record: its ids are no numbers, or some are missing, and what happened at one instant would be put in their order. "
                f"Rows count by their place in the file; where the order of the ids is right, --column {shlex.quote(f'event_id={found}')}"
            )
    if "intake_ts" not in columns and "case_id" in columns and (opened := _opened(log, columns, places)) is not None:
        columns["intake_ts"] = opened
    fields = _fields(log, told, columns["field"], asking, remarks)
    if beside is not None:
        _leave_statuses_out(fields, beside, remarks)
    _require_something(log, fields, beside)
    return Changes(columns, fields)


def _telling(log: Log, told: Told) -> dict[str, str]:
    found = {name: told.columns[name] for name in _TELLING if told.columns.get(name) in log.columns}
    for name in _TELLING:
        if name not in found and (column := _named(log, name, set(found.values()))) is not None:
            found[name] = column
    return found


def _named(log: Log, name: str, taken: set[str]) -> str | None:
    """The column whose name means it most surely; one that is empty throughout tells nothing, and of the ids and the names of values the names are read."""
    places = {
        column: change_column_named(column)[name] for column, measured in log.columns.items()
        if name in change_column_named(column) and column not in taken and (measured.filled or name in ("old_value", "new_value"))
    }
    if not places:
        return None
    if name in ("old_value", "new_value") and len(places) > 1:
        return min(places, key=lambda column: (not _says_statuses(log, column), places[column]))
    return min(places, key=lambda column: places[column])


def _says_statuses(log: Log, column: str) -> bool:
    """Whether one of the commonest words of a column is a status."""
    return any(signal_of(word) is not None for word in list(log.words(column))[:MOST_WORDS])


def _with_when(log: Log, columns: dict[str, str], stamps: set[str], asking: Asking, remarks: Remarks) -> dict[str, str]:
    if "event_ts" in columns:
        return columns
    taken = {column for field, column in columns.items() if field != "intake_ts"}  # that may be the same: a case comes in with its first change
    free = [name for name in log.columns if name in stamps and name not in taken]
    # The stamp of the case's creation is the same in all of its records.
    moving = [name for name in free if "case_id" in columns and log.changes_within(name, columns["case_id"]) > 0] or free
    named = sorted((fields_named(name)[field], name) for name in moving for field in ("event_ts", "intake_ts") if field in fields_named(name))
    proposal = named[0][1] if named else moving[0] if len(moving) == 1 else None
    when = proposal or answer_to(
        f"Which column tells when a field changed (columns: {listed(free)})", None, "--column event_ts=COLUMN", asking, remarks,
        lambda answer: None if answer in free else f"{answer!r} is no column of stamps",
    )
    return {**columns, **({"event_ts": when} if when else {})}


def _with_case(log: Log, columns: dict[str, str], stamps: set[str], asking: Asking, remarks: Remarks) -> dict[str, str]:
    if "case_id" in columns:
        return columns
    if (named := next((name for name in log.columns if column_name(name) in _CASES and name not in {*stamps, *columns.values()}), None)) is not None:
        return {**columns, "case_id": named}
    proposal, is_sure = case_id_of(log, {*stamps, *columns.values()}, {})
    case = proposal if is_sure else answer_to(
        f"Which column names the case (columns: {listed(list(log.columns))})", proposal, "--column case_id=COLUMN", asking, remarks,
        lambda answer: None if answer in log.columns else f"the log has no column {answer!r}",
    )
    if not is_sure and proposal is not None and not asking.is_allowed:
        remarks.warnings.append(f"Which column names the case: {proposal} was taken, since its values repeat. --column case_id=COLUMN says otherwise.")
    return {**columns, **({"case_id": case} if case else {})}


def _orders(log: Log, column: str) -> bool:
    """Whether the ids say an order: numbers do, and others would put what happened at one instant in any order."""
    return log.columns[column].filled == log.rows and log.is_numeric(column)


def _opened(log: Log, columns: Mapping[str, str], stamps: set[str]) -> str | None:
    free = [name for name in log.columns if name in stamps and name not in columns.values() and "intake_ts" in fields_named(name)]
    return next((name for name in free if log.columns[name].filled == log.rows and log.changes_within(name, columns["case_id"]) == 0), None)


# ---------------------------------------------------------------- fields


def _fields(log: Log, told: Told, column: str, asking: Asking, remarks: Remarks) -> dict[str, str]:
    words = log.words(column)
    said = _said(told, words, column)
    fields = {word: said.get(word) or field_meant(word) or IGNORE for word in words}
    for meaning in CHANGED_FIELDS:
        alike = [word for word, meant in fields.items() if meant == meaning]
        if len({spelled_alike(word) for word in alike}) > 1 and not all(word in said for word in alike):
            chosen = _which(meaning, alike, words, asking, remarks)
            fields.update({word: IGNORE for word in alike if chosen is not None and spelled_alike(word) != spelled_alike(chosen)})
    ignored = [word for word, meaning in fields.items() if meaning == IGNORE and word not in said]
    if ignored:
        records = sum(words[word] for word in ignored)
        remarks.notes.append(
            f"{counted(len(ignored), 'field')} of the log left out, {counted(records, 'record')}: {listed(ignored[:_MOST_FIELDS])}"
            f"{' ...' if len(ignored) > _MOST_FIELDS else ''}. --field 'WORD=...' says what one is: {', '.join((*CHANGED_FIELDS, OPENED))}."
        )
    return fields


def _said(told: Told, words: Mapping[str, int], column: str) -> dict[str, str]:
    """The log's own spelling -> what was said of it. Raises OpslaError for a field that the log has not."""
    said: dict[str, str] = {}
    for word, meaning in told.fields.items():
        alike = [each for each in words if spelled_alike(each) == spelled_alike(word)]
        if not alike:
            raise OpslaError(f"--field {word}={meaning}: column {column!r} of the log has no such word; it has {listed(list(words)[:MOST_WORDS])}")
        said.update(dict.fromkeys(alike, meaning))
    return said


def _which(meaning: str, alike: list[str], words: Mapping[str, int], asking: Asking, remarks: Remarks) -> str | None:
    """Two fields that may be one of a case contradict each other sooner or later: one of them is it."""
    shown = ", ".join(f"{word!r} ({counted(words[word], 'record')})" for word in alike)
    return answer_to(
        f"Fields {shown} are both called as the {meaning} is. Which one is it; the other is left out", None,
        f"--field '{alike[0]}={meaning}' --field '{alike[1]}={IGNORE}', or the other way round", asking, remarks,
        lambda answer: None if answer in alike else f"{answer!r} is none of {', '.join(alike)}",
    )


def _leave_statuses_out(fields: dict[str, str], beside: str, remarks: Remarks) -> None:
    """One log tells the statuses of a case."""
    for word in [word for word, meaning in fields.items() if meaning == "status"]:
        fields[word] = IGNORE
        remarks.notes.append(f"Changes of {word!r} are left out: {beside} tells the statuses of these cases.")


def _require_something(log: Log, fields: Mapping[str, str], beside: str | None) -> None:
    file, words = log.files[0], listed(list(fields)[:_MOST_FIELDS])
    if not set(fields.values()) - {IGNORE, OPENED}:
        raise OpslaError(
            f"{file}: is an audit log, one row a changed field, and no field of it is known: {words}. Say what one is with --field 'WORD=MEANING', one of "
            f"{', '.join(CHANGED_FIELDS if beside is None else CHANGED_FIELDS[1:])}"
        )
    if beside is None and "status" not in fields.values():
        raise OpslaError(
            f"{file}: is an audit log, one row a changed field, and none of its fields is the status of a case ({words}), so nothing would say when a case ends. Name it beside "
            f"the log that tells the statuses: opsla init LOG --changes {shlex.quote(str(file))}; or say which field it is: --field 'WORD=status'"
        )


# ---------------------------------------------------------------- statuses


def words_of_status(log: Log, changes: Changes) -> dict[str, int]:
    """What the status was and became, with how often it became so, the commonest first; spellings that differ in case or blanks are one word."""
    spellings: dict[str, str] = {}
    counts: dict[str, int] = {}
    for word, count in _became(log, changes):
        spelling = spellings.setdefault(spelled_alike(word), word.strip())
        if spelling:
            counts[spelling] = counts.get(spelling, 0) + count
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _became(log: Log, changes: Changes) -> list[tuple[str, int]]:
    field, old, new = (log.columns[changes.columns[name]].sql for name in _TELLING)
    words = ", ".join(literal(word) for word in changes.status_words)
    return log.select(
        f"select word, sum(is_new)::bigint from (select unnest([{new}, {old}]) as word, unnest([1, 0]) as is_new from log where {field} in ({words})) "
        "where word is not null group by word order by 2 desc, 1"
    )


def openings_missing(log: Log, changes: Changes, forms: str | tuple[str, ...]) -> str | None:
    """Why every clock would start too late: nearly every case begins with a change from something, so when it came in is not in the log; None where that is told."""
    if "intake_ts" in changes.columns:
        return None
    field, case, old, when = (log.columns[changes.columns[name]].sql for name in ("field", "case_id", "old_value", "event_ts"))
    used = ", ".join(literal(word) for word, meaning in changes.fields.items() if meaning != IGNORE)
    ((cases, begun),) = log.select(
        f"select count(*), count(*) filter (is_changed) from (select case_key, bool_and(is_changed) as is_changed from (select {case} as case_key, {old} is not null as is_changed, "
        f"rank() over (partition by {case} order by {log.stamp(changes.columns['event_ts'], forms)}) as place from log where {case} is not null and {when} is not null and {field} in ({used})) "
        "where place = 1 group by case_key)"
    )
    if not cases or 100 * begun < _BEGUN_BEFORE_PCT * cases:
        return None
    return (
        f"{log.files[0]}: is an audit log, and {begun:,} of {counted(cases, 'case')} ({rounded(100 * begun / cases)}%) begin with a change from something: when they came in is not in it, "
        "so every clock would start too late. Name the log that tells it beside this one (opsla init LOG --changes FILE), or the column that says when a case was opened (--column "
        f"intake_ts=COLUMN); or, if the first change is when it came in: --column 'intake_ts={changes.columns['event_ts']}'."
    )
