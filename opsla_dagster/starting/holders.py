"""Who held a case, as far as a proposal tells it: what would be lost with records that are left out, and what to say where no column tells it.

Belongs here: counting hand-offs that a proposal does not see. Does not belong here: choosing columns (`columns`), and rebuilding ownership (sql/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opsla_dagster.figures import counted, rounded
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.change_names import change_column_named
from opsla_dagster.starting.column_names import is_before_a_change
from opsla_dagster.starting.columns import MOST_WORDS, Layout
from opsla_dagster.starting.contents import EmptyCells
from opsla_dagster.starting.fates import NO_STATUS, with_fates
from opsla_dagster.starting.meanings import Statuses
from opsla_dagster.starting.remarks import Remarks
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import spelled_alike

#: Percent of the changes of holder that may be lost with records which nobody said the meaning of: more, and who held a case when would be wrong.
_MOST_LOST_PCT = 1
#: Cases with several records from which it is odd that none ever changed hands.
_MANY_CASES = 20
#: Columns that a note lists.
_SHOWN = 3


@dataclass(frozen=True)
class _HolderValues:
    """How often the records of a case begin to tell of a holder, or tell of another one than before."""

    column: str
    #: `change`, or `first value` of a case.
    what: str
    total: int
    #: Those that the records which count do not tell: not at all, not from the same holder, or not yet then; by the status word of the record
    #: that would have told it (NO_STATUS: none).
    lost_by_word: dict[str, int]

    def lost_with(self, words: Iterable[str]) -> int:
        alike = {spelled_alike(word) for word in words}
        return sum(count for word, count in self.lost_by_word.items() if spelled_alike(word) in alike)


def tell_lost_holders(log: Log, layout: Layout, records: str, statuses: Statuses, empty_cells: EmptyCells, asking: Asking, remarks: Remarks) -> None:
    """A record that is rejected or left out does not say who held its case either. `records` as `Log.records_in_order` has them.

    Where nobody was asked, too many such changes are a problem: nothing is written.
    """
    name = layout.columns.get("team", layout.columns.get("agent"))
    if layout.form != "updates" or name is None:
        return
    fated = with_fates(log, layout, records, statuses, empty_cells)
    values = [_changes(log, name, fated), *([_first_values(log, name, fated)] if empty_cells == "unchanged" else [])]
    for found in values:
        _tell_lost(found, statuses, empty_cells, asking, remarks)


def _tell_lost(found: _HolderValues, statuses: Statuses, empty_cells: EmptyCells, asking: Asking, remarks: Remarks) -> None:
    unplaced = {word: count for word in statuses.unplaced if (count := found.lost_with([word]))}
    without = found.lost_by_word.get(NO_STATUS, 0)
    lost = sum(unplaced.values()) + without
    if lost:
        told = f"{_lost(found, lost, unplaced, without)} {_ways(unplaced, without, empty_cells)}"
        is_refused = not asking.is_allowed and 100 * lost > _MOST_LOST_PCT * found.total
        (remarks.problems if is_refused else remarks.warnings).append(told)
    if ignored := found.lost_with(statuses.ignored):
        remarks.warnings.append(
            f"{ignored:,} of {counted(found.total, found.what)} of {found.column!r} are lost with records that are left out ({', '.join(statuses.ignored)}): they are in no figure of "
            f"ownership. --status '{statuses.ignored[0]}=PRIVATE_NOTE' keeps who held the case then, and is no status."
        )


def tell_who_is_missing(log: Log, layout: Layout, remarks: Remarks) -> None:
    """Without a column of the team the tables of ownership stay empty: that is said where the log has columns that may be one. One that never changes may say who has a case now."""
    if layout.form != "updates" or "case_id" not in layout.columns:
        return
    case = layout.columns["case_id"]
    if "team" in layout.columns:
        team = log.columns[layout.columns["team"]]
        cases = log.repeating_cases(case)
        if cases >= _MANY_CASES and team.distinct > 1 and not log.changes_within(team.name, case):
            remarks.warnings.append(
                f"Column {team.name!r} is the same in all records of every case ({cases:,} with several records): either no case ever changed hands, or it says who has a case now, and who "
                "held it before is not in the log. Then the figures of ownership say nothing: export the group as it was at each record, or the audit log of its changes (--changes)."
            )
        return
    free = [
        name for name, column in log.columns.items()
        if name not in layout.used and not column.is_typed_stamp and 1 < column.distinct <= max(MOST_WORDS, log.rows // 10)
        and not is_before_a_change(name) and "actor" not in change_column_named(name) and not log.is_numeric(name)
    ]
    changing = {name: share for name in free if (share := log.changes_within(name, case)) > 0}
    if changing:
        likely = sorted(changing, key=lambda name: -changing[name])[:_SHOWN]
        remarks.notes.append(
            "No column is known to say which team had a case, so nothing is told of ownership: --column team=COLUMN would name one "
            f"({', '.join(likely)} {'changes' if len(likely) == 1 else 'change'} within cases)."
        )


def _changes(log: Log, name: str, fated: str) -> _HolderValues:
    """The changes of holder that all records tell, compared with those that the used ones tell: of the same record, from the same holder."""
    holder = log.columns[name].sql
    found = log.select(
        f"""
        select
            case when not is_lost then null when is_used then word_before else word end as lost_with, count(*)
        from (
            select *, not (is_used and used_holder_before is not distinct from holder_before) as is_lost
            from (
                select
                    word, is_used, {holder} as holder, lag({holder}) over along as holder_before, lag(word) over along as word_before,
                    last_value(case when is_used then {holder} end ignore nulls) over (
                        partition by case_key order by place rows between unbounded preceding and 1 preceding
                    ) as used_holder_before
                from ({fated})
                where {holder} is not null
                window along as (partition by case_key order by place)
            )
            where holder <> holder_before
        )
        group by lost_with
        order by lost_with
        """
    )
    return _holder_values(name, "change", found)


def _first_values(log: Log, name: str, fated: str) -> _HolderValues:
    """The first holder that the records of each case tell, of a log that repeats only what changed: lost where a record that counts says nothing, and should go by it."""
    holder = log.columns[name].sql
    found = log.select(
        f"""
        select case when next_used_place < coalesce(told_place, next_used_place + 1) then word end as lost_with, count(*)
        from (
            select
                arg_min(word, place) filter ({holder} is not null) as word,
                min(place) filter (is_used and {holder} is not null) as told_place, min(place) filter (is_used and place >= first_place) as next_used_place
            from (select *, min(case when {holder} is not null then place end) over (partition by case_key) as first_place from ({fated}))
            where first_place is not null
            group by case_key
        )
        group by lost_with
        order by lost_with
        """
    )
    return _holder_values(name, "first value", found)


def _holder_values(name: str, what: str, found: Iterable[tuple[str | None, int]]) -> _HolderValues:
    counts = dict(found)
    return _HolderValues(name, what, sum(counts.values()), {word: count for word, count in counts.items() if word is not None})


def _lost(found: _HolderValues, lost: int, unplaced: dict[str, int], without: int) -> str:
    told = [f"{word!r} ({count:,})" for word, count in unplaced.items()] + ([f"no status ({without:,})"] if without else [])
    return (
        f"{lost:,} of {counted(found.total, found.what)} of {found.column!r} ({rounded(100 * lost / found.total, 1)}%) would be lost, or come later, with records that would be rejected: "
        f"{', '.join(told)}. Who held these cases, for how long and how often they changed hands would be wrong."
    )


def _ways(unplaced: dict[str, int], without: int, empty_cells: EmptyCells) -> str:
    ways = []
    if unplaced:
        flags = " ".join(f"--status '{word}=...'" for word in unplaced)
        ways.append(f"Say what the status is with {flags} (ASSIGNED: somebody has the case and has not begun; PRIVATE_NOTE: no status, but it tells who had the case)")
    if without and empty_cells == "cleared":
        ways.append("Where a record without a status leaves it as it was: --empty-cells unchanged")
    elif without:
        ways.append("Before the first known status of its case a record has none to stay in: export the log with the status in the first record of each case, or map that status")
    return f"{'. '.join(ways)}."
