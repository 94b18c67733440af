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
from opsla_dagster.starting.meanings import Statuses
from opsla_dagster.starting.remarks import Remarks
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import spelled_alike
from opsla_dagster.warehouse.sql import literal

#: Percent of the changes of holder that may be told by records which nobody said the meaning of: more, and who held a case when would be wrong.
_MOST_LOST_PCT = 1
_NO_STATUS = ""
#: Cases with several records from which it is odd that none ever changed hands.
_MANY_CASES = 20
#: Columns that a note lists.
_SHOWN = 3


@dataclass(frozen=True)
class _Changes:
    """How often a record names another holder than the record of its case before, by the status word of the record (_NO_STATUS: none)."""

    column: str
    by_word: dict[str, int]

    def of(self, words: Iterable[str]) -> int:
        alike = {spelled_alike(word) for word in words}
        return sum(count for word, count in self.by_word.items() if spelled_alike(word) in alike)

    @property
    def total(self) -> int:
        return sum(self.by_word.values())


def tell_lost_holders(log: Log, layout: Layout, records: str, statuses: Statuses, empty_cells: EmptyCells, asking: Asking, remarks: Remarks) -> None:
    """A record that is rejected or left out does not say who held its case either. `records` as `Log.records_in_order` has them.

    Where nobody was asked, too many such changes are a problem: nothing is written.
    """
    found = _changes(log, layout, records)
    if found is None or not found.total:
        return
    unplaced = {word: count for word in statuses.unplaced if (count := found.of([word]))}
    without = found.by_word.get(_NO_STATUS, 0) if empty_cells == "cleared" else 0
    lost = sum(unplaced.values()) + without
    if lost:
        told = _lost(found, lost, unplaced, without)
        if not asking.is_allowed and 100 * lost > _MOST_LOST_PCT * found.total:
            remarks.problems.append(f"{told} {_ways(unplaced, without)}")
        else:
            remarks.warnings.append(f"{told} {_ways(unplaced, without)}")
    if ignored := found.of(statuses.ignored):
        remarks.warnings.append(
            f"{ignored:,} of {counted(found.total, 'change')} of {found.column!r} are told by records that are left out ({', '.join(statuses.ignored)}): they are in no figure of "
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


def _changes(log: Log, layout: Layout, records: str) -> _Changes | None:
    name = layout.columns.get("team", layout.columns.get("agent"))
    if layout.form != "updates" or name is None:
        return None
    holder, status = log.columns[name].sql, log.columns[layout.columns["status"]].sql
    found = log.select(
        f"select word, count(*) from (select coalesce({status}, {literal(_NO_STATUS)}) as word, {holder} as holder, "
        f"lag({holder}) over (partition by case_key order by place) as holder_before from ({records}) where {holder} is not null) "
        "where holder <> holder_before group by word order by word"
    )
    return _Changes(name, dict(found))


def _lost(found: _Changes, lost: int, unplaced: dict[str, int], without: int) -> str:
    told = [f"{word!r} ({count:,})" for word, count in unplaced.items()] + ([f"no status ({without:,})"] if without else [])
    return (
        f"{lost:,} of {counted(found.total, 'change')} of {found.column!r} ({rounded(100 * lost / found.total, 1)}%) are told by records that would be rejected: {', '.join(told)}. "
        "Who held these cases, for how long and how often they changed hands would be wrong."
    )


def _ways(unplaced: dict[str, int], without: int) -> str:
    ways = []
    if unplaced:
        flags = " ".join(f"--status '{word}=...'" for word in unplaced)
        ways.append(f"Say what the status is with {flags} (ASSIGNED: somebody has the case and has not begun; PRIVATE_NOTE: no status, but it tells who had the case)")
    if without:
        ways.append("Where a record without a status leaves it as it was: --empty-cells unchanged")
    return f"{'. '.join(ways)}."
