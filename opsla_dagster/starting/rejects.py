"""What the run will make of each record under a proposal, found out by its own code before anything is written.

Belongs here: reading the log as the proposed configuration would, and telling what it rejects. Does not belong here: why a record is rejected.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from opsla_dagster.figures import counted, rounded
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.sources.event_log.canonical import REJECTED_FILE, SourceCounts, canonicalise
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.warehouse.sql import path_literal

#: Of so many records a log is not read twice for this: the first run tells.
MOST_RECORDS = 1_000_000
#: What reasons are alike but for the cell that they show.
_FOUND = "; found '"
_MOST_REASONS = 5
#: Cases from before desk.start_date are left out on purpose, and are no mess (sql/checks/raw.rejected_rows/gates.sql).
_EARLY = "lies before desk.start_date"
_REASONS = """
    select
        count(*) as records, any_value(reason) as reason, count(distinct reason) as reasons, min(row_number) as row_number,
        bool_or(contains(reason, $early)) as is_early
    from read_parquet({rejected})
    group by split_part(case when contains(reason, $early) then $early else reason end, $found, 1)
    order by records desc, row_number
"""


@dataclass(frozen=True)
class Reason:
    """Why so many records are rejected, and the first of them."""

    records: int
    text: str
    row_number: int
    is_early: bool

    def sentence(self) -> str:
        """`2 records: column Ticket: no case id (row 6 first)`."""
        return f"{counted(self.records, 'record')}: {self.text} (row {self.row_number:,}{' first' if self.records > 1 else ''})"


@dataclass(frozen=True)
class Rejects:
    """What becomes of the records of a log."""

    counts: SourceCounts
    reasons: tuple[Reason, ...]

    @property
    def early(self) -> int:
        """Records of cases from before desk.start_date."""
        return sum(each.records for each in self.reasons if each.is_early)

    def told(self) -> list[str]:
        """Lines of what is rejected; none where all is used."""
        counts = self.counts
        if not counts.rejected_rows:
            return []
        others = [(counts.ignored_rows, "ignored"), (counts.superseded_rows, "replaced by later ones")]
        more = "".join(f", {count:,} {what}" for count, what in others if count)
        lines = [f"As the run will read them: {counted(counts.rows, 'record')}, {counts.used_rows:,} used, {counts.rejected_rows:,} rejected{more}."]
        lines += [f"  {each.sentence()}" for each in self.reasons[:_MOST_REASONS]]
        return lines + ([f"  and {counted(len(self.reasons) - _MOST_REASONS, 'reason')} more (raw.rejected_rows)"] if len(self.reasons) > _MOST_REASONS else [])


def rejects_of(documents: Mapping[str, str], read: Mapping[str, Sequence[LogFile]]) -> list[Rejects]:
    """What the logs of a configuration reject, in the order of `read`: the name of a source -> its files. Raises OpslaError as a load of it does."""
    with tempfile.TemporaryDirectory(prefix="opsla-init-") as name:
        directory = Path(name)
        (directory / "sources.yml").write_text(documents["sources.yml"], encoding="utf-8")
        settings = read_document(directory / "sources.yml", SourcesSettings)
        sources = {source.name: source for source in settings.sources if isinstance(source, EventLogSettings)}
        return [_rejects(sources[source], settings, files, directory / source) for source, files in read.items()]


def _rejects(source: EventLogSettings, settings: SourcesSettings, files: Sequence[LogFile], directory: Path) -> Rejects:
    directory.mkdir()
    counts = canonicalise(source, settings.desk, files, directory, has_events=False).counts
    with duckdb.connect() as connection:
        found = connection.execute(_REASONS.format(rejected=path_literal(directory / REJECTED_FILE)), {"early": _EARLY, "found": _FOUND}).fetchall()
    # Of several cells the reason shows none: the first one would stand for all.
    reasons = [Reason(records, text if reasons == 1 or is_early else text.split(_FOUND)[0], row, is_early) for records, text, reasons, row, is_early in found]
    return Rejects(counts, tuple(reasons))


def rejected_pct(rejects: Sequence[Rejects]) -> float:
    """The share that gate pct_rejected_rows judges: of the logs that have any rejected record, in percent."""
    mess = [(each.counts.rejected_rows - each.early, each.counts.rows - each.early) for each in rejects if each.counts.rejected_rows > each.early]
    return 100 * sum(rejected for rejected, _ in mess) / sum(rows for _, rows in mess) if mess else 0.0


def too_many_rejected(rejects: Sequence[Rejects], most_pct: float, directory: Path) -> str:
    """What to do before the first run where the gates that are written would stop it."""
    reasons = [each.sentence() for found in rejects for each in found.reasons if not each.is_early]
    return (
        f"{rounded(rejected_pct(rejects))}% of the records would be rejected, and quality_gates.yml lets {most_pct} % pass: the first run would stop there. "
        f"{'; '.join(reasons[:_MOST_REASONS])}. Mend the log; or change {directory / 'sources.yml'}, or raise pct_rejected_rows in {directory / 'quality_gates.yml'}, then `opsla run`"
    )
