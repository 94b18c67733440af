"""config/ownership.yml: what counts as inactive while somebody holds a case, and from which teams a return is planned.

Belongs here: the shape of the document, and its rows for staging.ownership_rules and staging.review_teams. Does not belong here: what is done
with them (sql/staging/events/ownership_spans.sql, ownership_stints.sql).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import pyarrow as pa
from pydantic import Field, model_validator

from opsla_dagster.settings.base import Document, Seconds, problem_at, read_document

#: Whom a case has that nobody has.
UNASSIGNED = "UNASSIGNED"


class OwnershipSettings(Document):
    """What of a silence goes beyond `inactive_after` (a duration by the clock) is inactive: nothing was told of the case.

    What comes straight back from one of `review_teams` (names as the log has them) was meant to, and is no ping-pong.
    """

    inactive_after: Annotated[Seconds, Field(gt=0)] = 86_400
    review_teams: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _teams_once(self) -> Self:
        for number, team in enumerate(self.review_teams):
            if team == UNASSIGNED:
                raise problem_at(("review_teams", number), "is nobody, no team: what comes back from nobody is no return", team)
            if team in self.review_teams[:number]:
                raise problem_at(("review_teams", number), "is named twice; keep one", team)
        return self


def read_ownership(path: Path) -> OwnershipSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, OwnershipSettings) if path.exists() else OwnershipSettings()


def ownership_rules(settings: OwnershipSettings) -> pa.Table:
    """The row of staging.ownership_rules."""
    return pa.table({"inactive_after_seconds": pa.array([settings.inactive_after], pa.int64())})


def review_teams(settings: OwnershipSettings) -> pa.Table:
    """The rows of staging.review_teams: one a team."""
    return pa.table({"team": pa.array(settings.review_teams, pa.string())})
