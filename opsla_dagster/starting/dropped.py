"""Whether the files of a log lie in a drop folder: somebody has put a marker beside them.

Belongs here: recognising one for `opsla init`. Does not belong here: what a marker releases (sources/drops/).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.settings.drop_folders import DropFolderSettings, is_hidden

#: Markers go by their usual names.
_USUAL = DropFolderSettings(path=".")
#: A folder that is called so is one drop of many: 2025-07-01, dt=20250701.
_DATED = re.compile(r"\d{4}-?\d{2}(-?\d{2})?")


@dataclass(frozen=True)
class Dropped:
    """A drop folder, one of its markers, and the pattern of the log's files in it."""

    folder: Path
    marker: Path
    pattern: Path


def released_files(paths: Sequence[Path]) -> list[Path]:
    """The paths, with the files that markers have released in place of each directory that has one; other directories stay."""
    found: list[Path] = []
    for path in paths:
        markers = _markers(path) if path.is_dir() else []
        if not markers:
            found.append(path)
            continue
        latest = max(marker.stat().st_mtime for marker in markers)
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and file not in markers and not is_hidden(file.relative_to(path).as_posix())]
        found += [file for file in files if file.stat().st_mtime <= latest and _USUAL.marked_file(file.name) is None] or [path]
    return found


def dropped(files: Sequence[Path]) -> Dropped | None:
    """The drop folder in which these files lie, all with one ending; None where none of their folders has a marker."""
    folders = {file.absolute().parent for file in files}
    markers = [marker for folder in sorted(folders) for marker in _markers(folder, deep=False)]
    endings = {"".join(file.suffixes[-2:] if file.suffix.lower() in {".gz", ".zip"} else file.suffixes[-1:]) for file in files}
    if len(endings) != 1 or not all(file.is_file() for file in files):
        return None
    folder = Path(os.path.commonpath(folders))
    if len(folders) == 1 and _DATED.search(folder.name):
        folder = folder.parent
    markers = markers or _markers(folder, deep=False)
    return Dropped(folder, markers[0], folder / "**" / f"*{endings.pop()}") if markers else None


def _markers(folder: Path, *, deep: bool = True) -> list[Path]:
    found = folder.rglob("*") if deep else folder.iterdir()
    return sorted(path for path in found if path.is_file() and _USUAL.is_marker(path.name))
