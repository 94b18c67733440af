"""config/run_history.yml: for how long Dagster's history of runs is kept.

Belongs here: the shape of the document. Does not belong here: what is forgotten (instance/retention.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from opsla_dagster.settings.base import Document, read_document


class RunHistorySettings(Document):
    """`kept_days` after its end, a run and its log are forgotten."""

    kept_days: Annotated[int, Field(ge=1, le=36_500)] = 30


def read_run_history(path: Path) -> RunHistorySettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, RunHistorySettings) if path.exists() else RunHistorySettings()
