"""What holds for every test.

Belongs here: the order of the files, where tests keep their homes, how wide the terminal is, and that Ctrl-C is heard. Does not belong here: fixtures; those are beside the tests that share them.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from opsla_dagster.settings.home import CONTAINER_BOUNDS, available_memory_bytes

#: A file system in memory, as Linux has one.
_MEMORY = Path("/dev/shm")
#: So much must be free there and of the machine's memory: a whole run of the tests writes 7 GB, and removes most of it as it goes.
_ROOM_BYTES = 8 << 30


def _room_in_memory() -> bool:
    """Whether files can be kept in memory, and programs be started from there."""
    try:
        flags = os.statvfs(_MEMORY).f_flag
        (available,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
        free = min(shutil.disk_usage(_MEMORY).free, int(available) << 10, available_memory_bytes(CONTAINER_BOUNDS) // 2)
    except (OSError, ValueError):
        return False
    return os.access(_MEMORY, os.W_OK) and not flags & (os.ST_NOEXEC | os.ST_RDONLY) and free >= _ROOM_BYTES


def pytest_configure() -> None:
    """Homes of tests are in memory where there is room: each run of a desk waits 250 times for the disk otherwise.

    Workers and processes that tests start follow by TMPDIR; who has set it has chosen already. A shell's background job ignores Ctrl-C, as would
    what it starts; tests press it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" not in os.environ and _room_in_memory():
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


@pytest.fixture(scope="session", autouse=True)
def _wide_terminal() -> None:
    """Consoles of this process are as wide as COLUMNS said when they were made, which depends on who runs the tests: 200 in each of them."""
    from opsla_dagster.cli import saying

    for console in (saying.console, saying.err_console):
        console.width = 200


#: The files of tests/integration that take longest, in that order.
_LONGEST = ("test_replay", "test_hold", "test_run_history", "test_center", "test_gates", "test_ui", "test_staffing", "test_upgrade", "test_cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first (with --no-loadscope-reorder): a worker that begins one at the end leaves the other idle."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ("integration" not in item.path.parts, places.get(item.path.stem, len(places))))
