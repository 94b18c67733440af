"""The Dagster settings of the embedded default, written down once.

Belongs here: what dagster.yaml says, and writing it into a home. Does not belong here: reading it (Dagster does that).
The dagster.yaml at the repository's root says the same with comments; a test holds them together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.permissions import keep_private

SETTINGS_FILE = "dagster.yaml"
# The first line of a file that opsla may rewrite. Without it the file is the user's and is left alone.
WRITTEN_BY_OPSLA = "# Written by opsla at every start. To keep settings of your own here, delete this line."


def embedded_settings(base_dir: Path | None = None) -> dict[str, Any]:
    """The content of dagster.yaml; `base_dir` is where runs and events are kept (None: `$OPSLA_HOME/dagster`)."""
    return {
        "storage": {
            "custom": {
                "module": "opsla_dagster.instance.storage",
                "class": "BatchedSqliteStorage",
                "config": {} if base_dir is None else {"base_dir": str(base_dir)},
            }
        },
        "run_launcher": {"module": "opsla_dagster.instance.launcher", "class": "WatchedRunLauncher"},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        "run_queue": {"dequeue_interval_seconds": 1},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "cancel_timeout_seconds": 180,
            "max_resume_run_attempts": 0,
            "poll_interval_seconds": 30,
        },
        "run_retries": {"enabled": True, "max_retries": 0, "retry_on_asset_or_op_failure": False},
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 7, "success": 90, "failure": 90, "started": 90}},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no pop-up that asks for an address
    }


def prepare_dagster_home(home: Path) -> Path:
    """The directory `home/dagster`, made ready to be a DAGSTER_HOME; returns its absolute path.

    Its dagster.yaml is written when it is absent or opsla wrote it; one of the user's own is kept as it is.
    Raises OpslaError when the directory cannot be made or written.
    """
    directory = home.expanduser().absolute() / "dagster"
    path = directory / SETTINGS_FILE
    try:
        keep_private(directory.parent)
        directory.mkdir(exist_ok=True)
        current = path.read_text(encoding="utf-8") if path.exists() else None
        wanted = f"{WRITTEN_BY_OPSLA}\n" + yaml.safe_dump(embedded_settings(directory), sort_keys=False)
        if current is None or (current.startswith(WRITTEN_BY_OPSLA) and current != wanted):
            _write_whole(path, wanted)
    except OSError as error:
        raise OpslaError(
            f"{error.filename or directory}: cannot keep Dagster's runs there ({error.strerror}); "
            "make the directory writable or set OPSLA_HOME to one that is"
        ) from error
    return directory


def _write_whole(path: Path, content: str) -> None:
    # Renamed into place: a webserver may be starting on the same home.
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)
