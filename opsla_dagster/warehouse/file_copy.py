"""Copying a file, in this process or as a program of its own.

Runs as a script with the standard library alone, so that it starts in a few milliseconds: a process that opens and closes a file gives up the lock that
DuckDB holds on it there. Belongs here: nothing else.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

#: The file system, or one of the two, cannot copy by itself.
_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV}


def copy_file(source: str, target: str) -> None:
    """`source` to `target`, sharing the blocks where the file system can; it is on the disk afterwards. Raises OSError."""
    with Path(source).open("rb") as read, Path(target).open("wb") as written:
        size = os.fstat(read.fileno()).st_size
        left = size
        while left and (done := _copied_by_the_file_system(read.fileno(), written.fileno(), left)):
            left -= done
        if left:
            shutil.copyfileobj(read, written, 1 << 24)
        written.flush()
        os.fsync(written.fileno())
        copied = os.fstat(written.fileno()).st_size
    if copied != size:
        raise OSError(f"{target}: {copied} of {size} bytes were copied")


def _copied_by_the_file_system(source: int, target: int, wanted: int) -> int:
    """How many bytes it has copied, from where the files stand on; 0 where it does not offer that."""
    if not hasattr(os, "copy_file_range"):
        return 0
    try:
        return os.copy_file_range(source, target, wanted)
    except OSError as error:
        if error.errno in _NOT_OFFERED:
            return 0
        raise


if __name__ == "__main__":
    copy_file(*sys.argv[1:])
