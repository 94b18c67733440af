"""What was read: what became of the sources' records, and what of them could not be had.

Belongs here: this one section. Does not belong here: the notes themselves, which the sources write.
"""

from __future__ import annotations

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.run_summary import RunSummary
from opsla_dagster.reporting.sections.common import Section


def reading(summary: RunSummary | None) -> Section | None:
    """The notes of the run's sources and loads; None where there are none."""
    if summary is None or not (summary.left_out or summary.reading_notes):
        return None
    finding = (
        f"{wording.counted(len(summary.left_out), 'part of an account was', 'parts of accounts were')} not to be had: figures that need them are missing or incomplete."
        if summary.left_out
        else "Every record that was read is accounted for."
    )
    return Section(
        key="reading",
        title="What was read",
        tables=("raw.rejected_rows",),
        finding=finding,
        data={"left_out": summary.left_out, "notes": summary.reading_notes},
    )
