"""What holds for every test.

Belongs here: the order of the files, and where tests keep their homes. Does not belong here: fixtures; those are beside the tests that share them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

#: A file system in memory, as Linux has one.
_MEMORY = Path("/dev/shm")
#: So much must be free there and of the machine's memory: a whole run of the tests writes 7 GB, and removes most of it as it goes.
_ROOM_BYTES = 8 << 30


def _room_in_memory() -> bool:
    """Whether files can be kept in memory, and programs be started from there."""
    try:
        flags = os.statvfs(_MEMORY).f_flag
        (available,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
        free = min(shutil.disk_usage(_MEMORY).free, int(available) << 10)
    except (OSError, ValueError):
        return False
    return os.access(_MEMORY, os.W_OK) and not flags & (os.ST_NOEXEC | os.ST_RDONLY) and free >= _ROOM_BYTES


def pytest_configure() -> None:
    """Homes of tests are in memory where there is room: each run of a desk waits 250 times for the disk otherwise.

    Workers and processes that tests start follow by TMPDIR; who has set it has chosen already.
    """
    if "TMPDIR" not in os.environ and _room_in_memory():
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first (with --no-loadscope-reorder): a worker that begins one at the end leaves the other idle."""
    items.sort(key=lambda item: "integration" not in item.path.parts)
