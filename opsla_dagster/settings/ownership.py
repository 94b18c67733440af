"""config/ownership.yml: what counts as inactive while somebody holds a case.

Belongs here: the shape of the document, and its row for staging.ownership_rules. Does not belong here: what is done with it
(sql/staging/events/ownership_spans.sql).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyarrow as pa
from pydantic import Field

from opsla_dagster.settings.base import Document, Seconds, read_document


class OwnershipSettings(Document):
    """What of a silence goes beyond `inactive_after` (a duration by the clock) is inactive: nothing was told of the case."""

    inactive_after: Annotated[Seconds, Field(gt=0)] = 86_400


def read_ownership(path: Path) -> OwnershipSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, OwnershipSettings) if path.exists() else OwnershipSettings()


def ownership_rules(settings: OwnershipSettings) -> pa.Table:
    """The row of staging.ownership_rules."""
    return pa.table({"inactive_after_seconds": pa.array([settings.inactive_after], pa.int64())})
