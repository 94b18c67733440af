"""Copying a file, in this process or as a program of its own.

Runs as a script with the standard library alone, so that it starts in a few milliseconds: a process that opens and closes a file gives up the lock that
DuckDB holds on it there. Belongs here: nothing else.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def copy_file(source: str, target: str) -> None:
    """`source` to `target`, sharing the blocks where the file system can; it is on the disk afterwards. Raises OSError."""
    with Path(source).open("rb") as read, Path(target).open("wb") as written:
        left = os.fstat(read.fileno()).st_size
        while left:
            done = os.copy_file_range(read.fileno(), written.fileno(), left) if hasattr(os, "copy_file_range") else 0
            if not done:
                shutil.copyfileobj(read, written, 1 << 24)
                break
            left -= done
        written.flush()
        os.fsync(written.fileno())


if __name__ == "__main__":
    copy_file(*sys.argv[1:])
