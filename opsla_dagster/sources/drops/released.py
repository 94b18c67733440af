"""What of the drop folders counts: the files that markers have released, as they were received.

Belongs here: which of them a pattern of `files` means. Does not belong here: receiving them, and reading them.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.drop_folders import DropFolderSettings, is_address
from opsla_dagster.sources.drops.receipts import Receipts, ReceivedFile


@dataclass(frozen=True)
class ReleasedFile:
    """A file that counts: what it is called in its drop folder, and the copy in the home that is read."""

    shown: str
    copy: Path
    is_attested: bool


@dataclass(frozen=True)
class Released:
    """The released files of all drop folders, as they are when they are first asked for."""

    folders: Mapping[str, DropFolderSettings]
    config_directory: Path
    home: Path
    _known: dict[str, list[ReleasedFile]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, settings: Settings) -> Released:
        return cls(settings.sources.drop_folders, settings.config_directory, settings.home.drops)

    @cached_property
    def locations(self) -> dict[str, str]:
        """Folder -> its directory or address. Raises OpslaError for two of which one lies in the other: a file would belong to both."""
        found = {name: folder.location(name, self.config_directory) for name, folder in self.folders.items()}
        for name, location in found.items():
            for other, outer in found.items():
                if name != other and lies_in(location, outer):
                    raise OpslaError(f"sources.yml: drop_folders.{name}.path: {location} lies in the drop folder {other} ({outer}); name one of the two, its markers cover sub-folders")
        return found

    def matching(self, pattern: str) -> list[ReleasedFile]:
        """The released files that an absolute pattern, or one of an address, means; of files of one content the first by name."""
        means = meaning(pattern)
        return [file for name in self.locations for file in self._of(name) if means(file.shown)]

    def folder_of(self, path: str) -> str | None:
        """The drop folder in which an absolute path, a pattern or an address lies; None where in none."""
        return next((name for name, location in self.locations.items() if lies_in(path, location)), None)

    def require_by_its_own_name(self, path: Path) -> None:
        """Raises OpslaError for a file of a drop folder that is reached another way, by a link: nobody would see whether it was released."""
        resolved = os.path.realpath(path)
        for name, location in self.locations.items():
            if not is_address(location) and lies_in(resolved, os.path.realpath(location)):
                raise OpslaError(
                    f"{path}: leads into the drop folder {name} ({location}), whose files count only once a marker has released them; "
                    f"write the pattern with that directory in `files` of sources.yml"
                )

    def _of(self, folder: str) -> list[ReleasedFile]:
        if folder not in self._known:
            self._known[folder] = self._read(folder) if Receipts.there(self.home) else []
        return self._known[folder]

    def _read(self, folder: str) -> list[ReleasedFile]:
        found = Receipts(self.home).released(folder, is_last_drop_alone=self.folders[folder].each_drop == "replaces")
        location = self.locations[folder]
        return [
            ReleasedFile(f"{location}/{file.name}", copy_of(self.home, folder, file.copy), file.is_attested)
            for file in _once(found)
            if file.copy is not None
        ]


def _once(found: Mapping[str, ReceivedFile]) -> list[ReceivedFile]:
    """A file that was dropped again under another name is one file."""
    by_content = {file.sha256 or file.name: file for _, file in sorted(found.items(), reverse=True)}
    return sorted(by_content.values(), key=lambda file: file.name)


def copy_of(home: Path, folder: str, copy: str) -> Path:
    """Where the copy of a received file is; `home` is that of all drop folders."""
    return home / folder / copy


def lies_in(path: str, location: str) -> bool:
    """Whether a path lies in a directory, or an address under another one."""
    return path == location or path.startswith(f"{location.rstrip('/')}/")


def meaning(pattern: str) -> Callable[[str], bool]:
    """Which names a pattern means, as `glob` does: `*` within a part of the path, `**` over any number of them."""
    from fsspec.utils import glob_translate

    # fsspec refuses two stars within a part, which to glob are one.
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in pattern.split("/")]
    expression = re.compile(glob_translate("/".join(parts)))

    def means(name: str) -> bool:
        # glob leaves out what is hidden unless the pattern says so.
        is_hidden = posixpath.basename(name).startswith(".") and not posixpath.basename(pattern).startswith(".")
        return name == pattern or (expression.match(name) is not None and not is_hidden)

    return means
