"""A small desk with a log of its own, for the tests of the event_log source.

Belongs here: writing log files and building sources over them. Does not belong here: tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from opsla_dagster.settings.sources import DeskSettings, EventLogSettings
from opsla_dagster.sources.event_log import EventLogSource
from opsla_dagster.window import Window

REPO_ROOT = Path(__file__).resolve().parents[2]
#: The published logs; tests that want them skip where they are absent.
REAL_LOGS = Path(os.environ.get("OPSLA_TEST_DATA", REPO_ROOT.parent / "shared" / "data"))
#: Later than every stamp of every test.
EVER = datetime(2090, 1, 1)

COLUMNS = {"case_id": "number", "status": "state", "event_ts": "at"}
STATUSES = {
    "New": "INTAKE",
    "Active": "INVESTIGATION",
    "Waiting": "CUSTOMER_WAIT",
    "Done": "RESOLVED",
    "Shut": "CLOSED",
}
HEADER = "number,state,at"


def log_settings(**overrides: Any) -> EventLogSettings:
    """Settings of a log with the columns number, state and at (ISO, UTC unless they say otherwise)."""
    document = {
        "type": "event_log",
        "name": "desk_log",
        "files": "log.csv",
        "columns": COLUMNS,
        "statuses": STATUSES,
        "time": {"timezone": "UTC"},
    }
    return EventLogSettings.model_validate(document | overrides)


def log_source(
    directory: Path,
    content: str | bytes | None = None,
    *,
    zone: str = "UTC",
    start: str = "2025-01-01",
    **overrides: Any,
) -> EventLogSource:
    """A source over `content` written to log.csv of the directory (None: as it is), with its cache beside it."""
    if content is not None:
        directory.mkdir(exist_ok=True)
        (directory / "log.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    desk = DeskSettings.model_validate({"timezone": zone, "start_date": start})
    return EventLogSource(log_settings(**overrides), desk, directory / "cache", directory)


def log_text(rows: Iterable[str], header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def whole(source: EventLogSource) -> Window:
    """A window that holds every intake date a test may have."""
    return Window(datetime(1990, 1, 1).date(), datetime(2100, 1, 1).date())


def cases_of(source: EventLogSource, as_of_at: datetime = EVER) -> dict[str, dict[str, Any]]:
    """Case id -> its row."""
    return {row["case_id"]: row for row in source.cases(whole(source), as_of_at).to_pylist()}


def events_of(source: EventLogSource, as_of_at: datetime = EVER) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = source.events(whole(source), as_of_at).to_pylist()
    return rows


def rejected_of(source: EventLogSource) -> dict[int, Mapping[str, Any]]:
    """Row number -> rejected row."""
    rows = source.rejected_rows().to_pylist()
    assert len({row["row_number"] for row in rows}) == len(rows)
    return {row["row_number"]: row for row in rows}


def digests_of(source: EventLogSource, as_of_at: datetime = EVER) -> dict[str, str]:
    """Intake date (ISO) -> digest."""
    rows = source.partition_states(whole(source), as_of_at).to_pylist()
    return {row["intake_date"].isoformat(): row["digest"] for row in rows}
