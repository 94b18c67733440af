"""Tables on terminals of every width: a figure is whole or the table is a list, and a name can be read.

Belongs here: how tables are laid out. Does not belong here: control characters (test_safe_output.py) and what tables say.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from opsla_dagster.reporting import backlog, status
from opsla_dagster.reporting.closing import promise_table
from opsla_dagster.reporting.run_summary import PromiseFigures
from opsla_dagster.settings import load_settings
from opsla_dagster.terminal import PlainConsole, ruled_table

WIDTHS = [40, 60, 80, 100, 140]
QUEUE = {
    "dimension_value": "Access Operations T1", "open_cases": 1_234, "active_cases": 1_001, "waiting_cases": 233, "breached_open_cases": 987, "due_in_2_hours_cases": 12,
    "age_p50_calendar_minutes": 600.0, "age_max_calendar_minutes": 60_000.0, "debt_seconds": 6_432 * 3600, "health": "red", "to_green_business_minutes": 4_321.0,
}  # fmt: skip
DUE = {
    "case_id": "C20250703-001773", "next_due_at": datetime(2025, 7, 3, 18), "next_remaining_business_minutes": 165.0, "next_policy": "desk", "next_metric": "first_touch",
    "team": "Compliance Advisory T2", "priority": "P2", "waits_for": "customer",
}  # fmt: skip
PROMISE = PromiseFigures(
    policy="desk", policy_title="Desk", metric="first_resolution", title="SLA A: first resolution, customer wait counted", target="24h",
    met_clocks=275_024, breached_clocks=18_888, open_breached_clocks=1_002, running_clocks=96, unknown_clocks=6_361, kept_pct=93.57,
)  # fmt: skip


def printed(table: RenderableType, width: int) -> list[str]:
    console = PlainConsole(width=width)
    with console.capture() as said:
        console.print(table)
    return said.get().splitlines()


def stints() -> Table:
    table = ruled_table()
    for name in ("#", "team", "from", "to"):
        table.add_column(name, no_wrap=name != "team")
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("how it came, and what it added (by the clock)")
    table.add_row("2", "Compliance Advisory T2", "Thu  3 Jul 18:15", "Wed  9 Jul 18:02:20", "93.6%", "handed over by Intake Desk; 0:24:55 in queue, 136:46:21 waiting for the customer")
    return table


def tables() -> dict[str, tuple[Table, list[str]]]:
    """Each with figures and names that have to be there."""
    policies = load_settings().sla_policies
    return {
        "promises": (promise_table([PROMISE], names_policy=False), ["93.57%", "275,024", "19,890", "1,002", "96", "6,361", "resolution,", "customer", "counted"]),
        "sources": (
            status._table(["source", "first date", "last date", "dates", "cases", "events", "as of (UTC)"], [("simulation", "2025-07-01", "2025-12-27", 180, 300_000, 1_934_567, "2025-12-28 05:00:00")]),
            ["simulation", "2025-07-01", "2025-12-27", "180", "300,000", "1,934,567", "2025-12-28", "05:00:00"],
        ),
        "health": (
            backlog._health_table("queue", [QUEUE], {"Access Operations T1": "62 min to 77 min"}),
            ["Access", "Operations", "T1", "1,234", "1,001", "233", "987", "12", "10.0", "41.7", "6,432", "72.0", "62", "77"],
        ),
        "due": (backlog._due_table([DUE], policies), ["C20250703-001773", "2025-07-03", "18:00", "2.8", "Compliance", "Advisory", "P2", "customer"]),
        "stints": (stints(), ["Compliance", "Advisory", "18:15", "18:02:20", "93.6%", "0:24:55", "136:46:21", "customer"]),
    }  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["promises", "sources", "health", "due", "stints"])
def test_no_figure_is_cut_and_no_name_left_out(name: str, width: int) -> None:
    table, told = tables()[name]
    lines = printed(table, width)
    words = " ".join(lines).split()
    assert "…" not in "".join(lines)
    assert [word for word in told if word not in words] == []
    assert max(map(len, lines)) <= width


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.lists(st.sampled_from(["1,234,567", "12.5 days", "a", "no case left", "Compliance Advisory T2", ""]), min_size=3, max_size=3)), min_size=1, max_size=12),
    st.integers(30, 150),
)
def test_whatever_is_in_a_table_is_there_word_by_word(columns: list[tuple[bool, bool, list[str]]], width: int) -> None:
    table = ruled_table()
    for is_figure, is_whole, _ in columns:
        table.add_column("open", justify="right" if is_figure else "left", no_wrap=is_whole)
    for row in zip(*(cells for *_, cells in columns), strict=True):
        table.add_row(*row)
    lines = printed(table, width)
    told = Counter(word for *_, cells in columns for cell in cells for word in cell.split())
    assert told <= Counter(" ".join(lines).split())
    assert max(map(len, lines)) <= width


def test_what_fits_is_as_wide_as_it_is_anywhere() -> None:
    """No column of a table that fits is broken, and none is stretched."""
    lines = [line.rstrip() for line in printed(promise_table([PROMISE], names_policy=False), 140)]
    assert lines == [line.rstrip() for line in printed(promise_table([PROMISE], names_policy=False), 1_000)]
    assert any("customer wait counted" in line for line in lines)


def test_a_table_that_does_not_fit_is_a_list() -> None:
    table = ruled_table(title="Parts", caption="By the clock", show_footer=True)
    table.add_column("status", footer="total")
    table.add_column("open\ntime", justify="right", footer="10:00:00")
    table.add_column("counted", justify="right", footer="9:00:00")
    table.add_row(Text("CUSTOMER_WAIT"), "8:00:00", "")
    assert [line.rstrip() for line in printed(table, 28)] == [
        "Parts", " status     CUSTOMER_WAIT", " open time  8:00:00", "", " status     total", " open time  10:00:00", " counted    9:00:00", "", "By the clock",
    ]  # fmt: skip


def test_a_name_of_one_long_word_is_folded() -> None:
    table = ruled_table()
    table.add_column("event")
    table.add_column("cases", justify="right")
    table.add_row("C20250703-001773-STATUS-2025-07-03T18:00:00", "1,234,567")
    lines = printed(table, 30)
    assert "…" not in "".join(lines)
    assert "".join(line[1:19].rstrip() for line in lines[3:-1]).startswith("C20250703-001773-S")
    assert any(line.rstrip().endswith("1,234,567") for line in lines)


