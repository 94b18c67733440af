"""How one process tells whether another `opsla` process still lives: a lock on a file, which ends with its holder.

Belongs here: taking a lease and asking after its holder. Does not belong here: what becomes of a dead process's runs.
A lock rather than a process id: ids are used again, and mean nothing from one container to the next.
"""

from __future__ import annotations

import enum
import fcntl
import os
import socket
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from dagster import DagsterInstance

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.storage import default_base_dir

PROCESS_TAG = "opsla/process"

_held: dict[Path, IO[str]] = {}


class Owner(enum.Enum):
    """What is known about the process that holds a lease."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"  # another home's or another machine's


def process_tags(instance: DagsterInstance) -> dict[str, str]:
    """The tags that a run carried out in this process must carry, so that others can tell when the process is gone.

    Takes the process's lease on first use and keeps it until the process ends, however it ends.
    Raises OpslaError when the lock cannot be taken.
    """
    directory = Path(instance.root_directory) / "processes"
    try:
        return {PROCESS_TAG: _lease_in(directory).stem}
    except OSError as error:
        raise OpslaError(
            f"{directory}: cannot take a lock there ({error.strerror}); "
            "make the directory writable or set OPSLA_HOME to one that is"
        ) from error


def owner_of(instance: DagsterInstance, name: str) -> Owner:
    """Whether the process that holds the lease `name` still lives."""
    for directory in _lease_directories(instance):
        path = directory / f"{name}.lock"
        if path.exists():
            return Owner.ALIVE if _is_held(path) else Owner.GONE
    return Owner.UNKNOWN


def abandoned_leases(instance: DagsterInstance) -> list[Path]:
    """The lease files in this home that nobody holds any more."""
    return [
        path
        for directory in _lease_directories(instance)
        for path in sorted(directory.glob("*.lock"))
        if not _is_held(path)
    ]


def forget_leases(paths: Iterable[Path]) -> None:
    """Remove lease files of processes that are gone, once their runs are ended."""
    for path in paths:
        path.unlink(missing_ok=True)


def _lease_directories(instance: DagsterInstance) -> list[Path]:
    # `dagster dev` without DAGSTER_HOME keeps its instance in a temporary directory but its runs in the home.
    return list(dict.fromkeys([Path(instance.root_directory) / "processes", default_base_dir() / "processes"]))


def _lease_in(directory: Path) -> Path:
    for path in _held:
        if path.parent == directory:
            return path
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
    draft = path.with_suffix(".taking")
    file = draft.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    draft.rename(path)  # locked first, so that nobody ever sees it unlocked
    _held[path] = file
    return path


def _is_held(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # locked by its holder, or not ours to open: leave it alone
        return True
    return False
