"""worklist.yml: what a breach weighs by the priority of its case, where not every promise can be kept.

Belongs here: the shape of the document. Does not belong here: who is next (worklist/).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from opsla_dagster.settings.base import Document, read_document

Weight = Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]
#: By the first and the second rank of the usual scales; everything else weighs 1.
_USUAL: dict[str, Weight] = {
    **dict.fromkeys(("p0", "p1", "1", "sev1", "urgent", "critical", "highest", "blocker", "1 - critical"), 10.0),
    **dict.fromkeys(("p2", "2", "sev2", "high", "2 - high"), 3.0),
}


class WorklistSettings(Document):
    """`weights` by priority, whatever its case; a priority that is not named weighs 1. Without them the usual scales: 10 for the first rank, 3 for the second."""

    weights: dict[str, Weight] = _USUAL

    def weight_of(self, priority: str | None) -> float:
        """What a breach of a case of this priority weighs; 1 without one."""
        weights = {name.strip().lower(): weight for name, weight in self.weights.items()}
        return weights.get((priority or "").strip().lower(), 1.0)


def read_worklist(path: Path) -> WorklistSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, WorklistSettings) if path.exists() else WorklistSettings()
