"""The config directory on the disk: whether it may be written, and whether an attempt that was not finished may be written over.

Belongs here: files, and what is remembered of an attempt. Does not belong here: what the documents say (`writing`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from opsla_dagster.errors import OpslaError

#: Beside the documents while `opsla init` has not finished: what it wrote.
_ATTEMPT = ".unfinished_init.json"
#: What a run may have left there.
_HOME = ".opsla"


def require_free(directory: Path) -> bool:
    """Whether `directory` holds an attempt of `opsla init` that was not finished, and may be written over.

    Raises OpslaError when it holds anything else, or cannot be a directory.
    """
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return False
    written = _written_before(directory) if directory.is_dir() else None
    if written is None:
        raise OpslaError(f"{directory}: already exists; name another directory with --to, or remove this one")
    others = [path.name for path in directory.iterdir() if path.name not in {*written, _ATTEMPT, _HOME}]
    edited = [name for name, digest in written.items() if (directory / name).exists() and _digest((directory / name).read_bytes()) != digest]
    if others or edited:
        what = f"{edited[0]} was edited since" if edited else f"{others[0]} is in it too"
        raise OpslaError(f"{directory}: already exists, from an attempt that was not finished, and {what}; name another directory with --to, or remove this one")
    return True


def write(directory: Path, documents: Mapping[str, str]) -> None:
    """Raises OpslaError when the directory cannot be written. An attempt that was not finished is gone with its home."""
    try:
        if directory.is_dir() and (before := _written_before(directory)) is not None:
            for name in before:
                (directory / name).unlink(missing_ok=True)
            shutil.rmtree(directory / _HOME, ignore_errors=True)
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OpslaError(f"{directory}: cannot be written: {error.strerror or error}; name another directory with --to") from error


def remember_attempt(directory: Path, documents: Mapping[str, str]) -> None:
    """What was written is an attempt until `finish`: it may be written over as long as nobody edits it."""
    digests = {name: _digest(text.encode()) for name, text in documents.items()}
    (directory / _ATTEMPT).write_text(json.dumps(digests, indent=1), encoding="utf-8")


def finish(directory: Path) -> None:
    """The desk is somebody's from its first good run on: it is not written over any more."""
    with suppress(OSError):  # a directory that may only be read was written by no attempt of this person
        (directory / _ATTEMPT).unlink(missing_ok=True)


def _written_before(directory: Path) -> dict[str, str] | None:
    """Name -> digest of what an unfinished attempt wrote; None where there was none."""
    try:
        found = json.loads((directory / _ATTEMPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and all(isinstance(name, str) and Path(name).name == name for name in found) else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
