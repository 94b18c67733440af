"""What becomes of each record of a log under a proposal: used, rejected, or left out.

Belongs here: telling records apart as the event_log source will. Does not belong here: what is lost with those that are not used (`holders`).
"""

from __future__ import annotations

from collections.abc import Collection

from opsla_dagster.starting.columns import Layout
from opsla_dagster.starting.contents import EmptyCells
from opsla_dagster.starting.meanings import Statuses
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import spelled_alike
from opsla_dagster.warehouse.sql import literal

#: `word` of a record that has no status.
NO_STATUS = ""


def with_fates(log: Log, layout: Layout, records: str, statuses: Statuses, empty_cells: EmptyCells) -> str:
    """SQL: `records`, as `Log.records_in_order` has them, with the `word` of their status (NO_STATUS: none) and whether they count (`is_used`).

    Where empty cells tell nothing a record without a status counts from the first known status of its case on, which no message is.
    """
    column = layout.columns["status"]
    word = f"coalesce(trim({log.columns[column].sql}), {literal(NO_STATUS)})"
    used = _among(log, column, word, statuses.placed)
    if empty_cells == "unchanged":
        lasting = _among(log, column, word, [placed for placed, signal in statuses.placed.items() if signal.is_status])
        used = f"{used} or (word = {literal(NO_STATUS)} and coalesce(bool_or({lasting}) over so_far, false))"
    return (
        f"select *, {used} as is_used from (select *, {word} as word from ({records})) "
        "window so_far as (partition by case_key order by place rows between unbounded preceding and current row)"
    )


def count_without_status(log: Log, layout: Layout, records: str, statuses: Statuses, empty_cells: EmptyCells) -> int:
    """Records that are rejected since they have no status; `records` as `Log.records_in_order` has them."""
    ((count,),) = log.select(
        f"select count(*) from ({with_fates(log, layout, records, statuses, empty_cells)}) where word = {literal(NO_STATUS)} and not is_used"
    )
    return int(count)


def _among(log: Log, column: str, cell: str, words: Collection[str]) -> str:
    """SQL: whether a cell is one of the words, however it is spelled."""
    alike = {spelled_alike(word) for word in words}
    spellings = sorted({word.strip() for word in log.words(column) if spelled_alike(word) in alike})
    return f"{cell} in ({', '.join(literal(word) for word in spellings)})" if spellings else "false"
