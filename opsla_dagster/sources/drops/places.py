"""Where a drop folder is: a directory, or a prefix in an object store.

Belongs here: listing, reading, and what tells two versions of a file apart. Does not belong here: what is a marker, and what counts.
Credentials of an object store are its own client's affair: it reads them from the environment.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.settings.drop_folders import EXTRAS, DropFolderSettings, is_address

#: What an object store tells of the time and the version of an object; the first that is there.
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "timeCreated", "creation_time")
_VERSIONS = ("VersionId", "generation", "ETag", "etag", "md5Hash")
_SECRET_NAMES = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|CONNECTION_STRING|SAS)", re.IGNORECASE)
_SHORTEST_SECRET = 8
#: Up to so many objects are asked for one by one, and not by a listing of everything.
_FEW = 10
#: Seconds: an endpoint that does not answer must not hold up a sensor.
_CONNECT_SECONDS, _READ_SECONDS = 10, 30


@dataclass(frozen=True)
class Entry:
    """One file of a drop folder as it was found; `version` differs wherever the file was written anew."""

    #: Its path in the folder, with slashes.
    name: str
    size: int
    #: Seconds since 1970, by the clock of whoever keeps the file.
    modified_at: float
    version: str


class Place(Protocol):
    """A folder, wherever it is. Every method raises OpslaError; PassingError where trying again may help."""

    def shown(self, name: str = "") -> str:
        """The path or address of a file in it, or of the folder itself."""

    def entries(self, names: Collection[str] | None = None) -> dict[str, Entry]:
        """Every file in it and in its folders, or those of `names` that are there, by name, as they are now."""

    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes of a file from `start` to before `end`; fewer where it ends before."""

    def write(self, name: str, content: bytes) -> None:
        """Puts a file there, whole or not at all."""


def place_of(name: str, settings: DropFolderSettings, config_directory: Path) -> Place:
    """The place of the drop folder called `name`. Raises OpslaError where it cannot be."""
    location = settings.location(name, config_directory)
    return ObjectStore(name, location) if is_address(location) else Directory(name, Path(location))


@dataclass(frozen=True)
class Directory:
    """A directory of this machine, or one that is mounted here."""

    folder: str
    root: Path

    def shown(self, name: str = "") -> str:
        return str(self.root / name) if name else str(self.root)

    def entries(self, names: Collection[str] | None = None) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        with self._readable():
            if names is not None:
                return {name: entry for name in names if (entry := self._entry(name)) is not None}
            for directory, _, files in os.walk(self.root, onerror=_raise):
                for file in files:
                    path = Path(directory) / file
                    if entry := self._entry(path.relative_to(self.root).as_posix()):
                        found[entry.name] = entry
        return found

    def _entry(self, name: str) -> Entry | None:
        try:
            state = (self.root / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(state.st_mode):
            return None
        version = f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}"
        return Entry(name, state.st_size, state.st_mtime_ns / 1e9, version)

    def read(self, name: str, start: int, end: int) -> bytes:
        with self._readable(), (self.root / name).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def write(self, name: str, content: bytes) -> None:
        target = self.root / name
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        with self._readable():
            try:
                aside.write_bytes(content)
                aside.replace(target)
            finally:
                aside.unlink(missing_ok=True)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not self.root.is_dir():
                raise PassingError(f"drop folder {self.folder}: {self.root}: there is no such directory, or its disk is away; check drop_folders in sources.yml") from error
            raise PassingError(f"drop folder {self.folder}: {error.filename} went away while it was looked at") from error
        except OSError as error:
            raise PassingError(f"drop folder {self.folder}: {error.filename or self.root}: {error.strerror or error}") from error


def _raise(error: OSError) -> None:
    raise error


class ObjectStore:
    """A prefix in an object store, through fsspec. Nothing it tells is kept: a listing of before would hide what has come."""

    def __init__(self, folder: str, address: str) -> None:
        self._folder, self._address = folder, address
        self._scheme, _, self._root = address.partition("://")
        self._store = self._connected()

    def shown(self, name: str = "") -> str:
        return f"{self._address}/{name}" if name else self._address

    def entries(self, names: Collection[str] | None = None) -> dict[str, Entry]:
        prefixes = [self._root] if names is None or len(names) > _FEW else [f"{self._root}/{name}" for name in names]
        listed: dict[str, dict[str, Any]] = {}
        with self._answering():
            self._store.invalidate_cache()
            for prefix in prefixes:
                # By a listing, also of one object: what an object tells of itself comes in other words, and with other precision.
                listed |= self._store.find(prefix, detail=True)
        found = [self._entry(path, told) for path, told in listed.items()]
        return {entry.name: entry for entry in found if entry is not None}

    def _entry(self, path: str, told: Mapping[str, Any]) -> Entry | None:
        """None for what stands for a folder: some clients write an object with a slash at the end of its name."""
        name = path.removeprefix(self._root).lstrip("/")
        if told.get("type", "file") != "file" or not name or path.endswith("/"):
            return None
        modified_at = _seconds(next((told[key] for key in _TIMES if told.get(key) is not None), None))
        version = next((str(told[key]) for key in _VERSIONS if told.get(key) not in (None, "null")), "")
        size = int(told.get("size") or 0)
        return Entry(name, size, modified_at, f"{modified_at:.6f}-{size}-{version.strip(chr(34))}")

    def read(self, name: str, start: int, end: int) -> bytes:
        with self._answering():
            content: bytes = self._store.cat_file(f"{self._root}/{name}", start=start, end=end)
        return content

    def write(self, name: str, content: bytes) -> None:
        with self._answering():
            self._store.pipe_file(f"{self._root}/{name}", content)

    def _connected(self) -> Any:
        # Half a second and more to import; most desks have none.
        import fsspec

        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
        if EXTRAS[self._scheme.lower()] == "s3":
            options["config_kwargs"] = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS, "retries": {"max_attempts": 2}}
        try:
            return fsspec.filesystem(self._scheme.lower(), **options)
        except ImportError as error:
            extra = EXTRAS[self._scheme.lower()]
            raise OpslaError(
                f"drop folder {self._folder}: {self._scheme}:// wants a client that is not installed: pip install 'opsla[{extra}]'"
            ) from error
        except Exception as error:
            raise PassingError(f"drop folder {self._folder}: {self._address} cannot be looked into: {_told(error)}") from None

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Clients of object stores raise whatever theirs raise; their words may hold what nobody should read."""
        try:
            yield
        except OpslaError:
            raise
        except Exception as error:
            raise PassingError(f"drop folder {self._folder}: {self._address} cannot be read: {_told(error)}") from None


def _seconds(told: object) -> float:
    if isinstance(told, datetime):
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    if isinstance(told, int | float):
        return float(told)
    if isinstance(told, str):
        with suppress(ValueError):
            return _seconds(datetime.fromisoformat(told))
    return 0.0


def _told(error: BaseException) -> str:
    """The first line of an error, without the value of any secret of the environment."""
    said = (str(error).strip() or "no reason given").splitlines()[0]
    secrets = [value for name, value in os.environ.items() if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET]
    for secret in sorted(secrets, key=len, reverse=True):
        said = said.replace(secret, "***")
    return f"{type(error).__name__}: {said}"
