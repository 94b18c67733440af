"""A desk that reads a drop folder, and somebody who drops files into it.

Belongs here: what the tests of drop folders share. Does not belong here: tests.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from small_desk import FIRST, log_of

from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.drops.receiving import Received, receive
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.files import find_log_files

HEAD = "number,state,at\n"
A1 = "A1,New,2025-07-01 14:00:00\nA1,Done,2025-07-01 16:00:00\n"
A2 = "A2,New,2025-07-02 14:00:00\n"
A2_DONE = "A2,Done,2025-07-02 15:00:00\n"
#: 08:00 in New York on Friday, 4 July 2025: when everything happens unless a test says otherwise.
NOW = datetime(2025, 7, 4, 12, tzinfo=UTC).timestamp()
MINUTE = 60.0


class Drops:
    """A drop folder on disk, its desk, and looks into it at an instant of the test's own."""

    def __init__(self, base: Settings, directory: Path, pattern: str = "**/*.csv", **folder: Any) -> None:
        self.folder = directory / "drops"
        self.folder.mkdir()
        self.home = directory / "home"
        self.home.mkdir(exist_ok=True)
        self._base, self._pattern, self._options = base, pattern, folder
        self.settings = self.with_options()

    def with_options(self, pattern: str | None = None, extra: list[dict[str, Any]] | None = None, **options: Any) -> Settings:
        document = {
            "desk": {"timezone": "America/New_York", "start_date": FIRST},
            "drop_folders": {"esc": {"path": str(self.folder), **self._options, **options}},
            "sources": [log_of(self.folder / (pattern or self._pattern)), *(extra or [])],
        }
        return replace(self._base, home=Home.of(self.home), sources=SourcesSettings.model_validate(document))

    def file(self, name: str, text: str, at: float = NOW - 10 * MINUTE) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (at, at))
        return path

    def marker(self, name: str = "one.ready", holds: object = "", at: float = NOW - 5 * MINUTE) -> Path:
        return self.file(name, holds if isinstance(holds, str) else json.dumps(holds), at)

    def look(self, at: float = NOW, settings: Settings | None = None) -> Received:
        (found,) = receive(settings or self.settings, now=at)
        return found

    def read(self, settings: Settings | None = None) -> dict[str, str]:
        """By its name in the folder, the text of each file that the source reads."""
        chosen = settings or self.settings
        files = find_log_files(chosen.sources.sources[0], chosen.config_directory, Released.of(chosen))
        return {file.name.removeprefix(f"{self.folder}/"): file.path.read_text(encoding="utf-8") for file in files}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
