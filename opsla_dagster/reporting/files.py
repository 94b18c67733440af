"""Files that a reader never sees half written.

Belongs here: writing text. Does not belong here: what is in it.
"""

from __future__ import annotations

import os
from pathlib import Path

from opsla_dagster.errors import OpslaError


def write_whole(target: Path, text: str) -> None:
    """Write `text` beside `target` and rename it into place; on failure the old file stands and OpslaError says why."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OpslaError(
            f"{target}: cannot be written: {error.strerror or error}; an older version, if any, still stands. "
            "Make room or choose a writable OPSLA_HOME, then repeat the command"
        ) from error
