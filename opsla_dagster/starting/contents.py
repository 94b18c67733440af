"""What the cells of a log tell beside its statuses: what an empty one means, and which agents are bots.

Belongs here: looking for evidence, and asking where there is none. Does not belong here: columns and statuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from opsla_dagster.figures import counted
from opsla_dagster.sources.base import CHANGING_ATTRIBUTES
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.columns import Layout
from opsla_dagster.starting.remarks import Remarks
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.told import Told
from opsla_dagster.starting.words import is_automatic, spelled_alike
from opsla_dagster.status import Signal
from opsla_dagster.warehouse.sql import literal

EmptyCells = Literal["cleared", "unchanged"]

#: Share of the filled cells that the next record of the case repeats, 0-1: a full export repeats nearly all of them, a log of what changed none.
_FULL_EXPORT_SHARE, _CHANGES_ONLY_SHARE = 0.5, 0.1
#: Emptied cells below which a log of what changed is not to be told from values that were cleared.
_ENOUGH_EMPTIED = 5
#: Share of the emptied cells after which the same value comes again, 0-1, from which emptying told nothing.
_SAME_AGAIN_SHARE = 0.2


@dataclass(frozen=True)
class _Cells:
    """Pairs of records of a case that follow each other, by what the first one's filled cell becomes."""

    repeated: int
    emptied: int
    #: Cells that are empty for a while and then hold what they held before.
    same_again: int

    @property
    def verdict(self) -> EmptyCells | None:
        """None where nothing was emptied, or where it cannot be told."""
        if not self.emptied:
            return None
        repeated_share = self.repeated / (self.repeated + self.emptied)
        if repeated_share >= _FULL_EXPORT_SHARE:
            return "cleared"
        is_sparse = self.same_again > _SAME_AGAIN_SHARE * self.emptied
        if (repeated_share <= _CHANGES_ONLY_SHARE and self.emptied >= _ENOUGH_EMPTIED) or (is_sparse and self.same_again >= _ENOUGH_EMPTIED):
            return "unchanged"
        return None


def empty_cells_of(log: Log, layout: Layout, records: str, told: Told, asking: Asking, remarks: Remarks) -> EmptyCells:
    """What an empty cell of an attribute says; `records` as `Log.records_in_order` has them. Asked, or else warned of, where it is unclear."""
    if told.empty_cells is not None or layout.form == "cases":
        return told.empty_cells or "cleared"
    cells = {name: _cells(log, records, layout.columns[name]) for name in ("status", *CHANGING_ATTRIBUTES) if name in layout.columns}
    cells = {name: found for name, found in cells.items() if found.emptied}
    if not cells:
        return "cleared"
    contradict = len({found.verdict for found in cells.values()} - {None}) > 1
    all_cells = _Cells(*(sum(counts) for counts in zip(*((each.repeated, each.emptied, each.same_again) for each in cells.values()), strict=True)))
    if not contradict and (verdict := all_cells.verdict) is not None:
        if verdict == "unchanged":
            remarks.notes.append(
                f"An empty cell of {_listed(layout, list(cells))} tells nothing: the log repeats only what changed (empty_cells: unchanged; "
                "--empty-cells cleared would say otherwise)."
            )
        return verdict
    figures = "; ".join(
        f"{layout.columns[name]}: {found.emptied:,} emptied, {found.repeated:,} repeated, {found.same_again:,} the same again" for name, found in cells.items()
    )
    if asking.is_allowed:
        answer = asking.value(
            f"What does an empty cell mean after a filled one ({figures}): cleared, the case has none any more; or unchanged, it tells nothing",
            "cleared", "--empty-cells", lambda text: None if text in ("cleared", "unchanged") else "write cleared or unchanged",
        )
        return "unchanged" if answer == "unchanged" else "cleared"
    remarks.warnings.append(
        f"Whether an empty cell of {_listed(layout, list(cells))} clears what was there or tells nothing cannot be seen ({figures}): taken as cleared; "
        "--empty-cells unchanged would say otherwise."
    )
    return "cleared"


def _listed(layout: Layout, fields: Sequence[str]) -> str:
    return ", ".join(layout.columns[name] for name in fields)


def _cells(log: Log, records: str, column: str) -> _Cells:
    cell = log.columns[column].sql
    ((repeated, emptied, same_again),) = log.select(
        f"""
        select
            count(*) filter (cell = before), count(*) filter (cell is null and before is not null),
            count(*) filter (before is null and cell = held)
        from (
            select
                {cell} as cell, lag({cell}) over along as before,
                last_value({cell} ignore nulls) over (partition by case_key order by place rows between unbounded preceding and 1 preceding) as held
            from ({records})
            window along as (partition by case_key order by place)
        )
        """
    )
    return _Cells(int(repeated), int(emptied), int(same_again))


def bots_of(log: Log, layout: Layout, statuses: dict[str, Signal], remarks: Remarks) -> list[str]:
    """Agents who answer customers and are called as bots are; they are told."""
    spellings = {spelled_alike(word) for word, signal in statuses.items() if signal == Signal.PUBLIC_REPLY}
    if not spellings or "agent" not in layout.columns or "author_kind" in layout.columns or layout.form == "cases":
        return []
    replies = [word for word in log.words(layout.columns["status"]) if spelled_alike(word) in spellings]
    agent, status = log.columns[layout.columns["agent"]].sql, log.columns[layout.columns["status"]].sql
    listed = ", ".join(literal(word) for word in replies)
    found = log.select(
        f"select {agent}, count(*) from log where {status} in ({listed}) and {agent} is not null group by all order by 2 desc, 1"
    )
    bots = {name: count for name, count in found if is_automatic(name)}
    if bots:
        told = ", ".join(f"{name} ({counted(count, 'record')})" for name, count in bots.items())
        remarks.notes.append(f"Replies of {told} are taken as a bot's: they stop no clock that waits for a person (bots in sources.yml).")
    return list(bots)
